"""ONNX Runtime for the browser, from its npm package: one exact version, held to its checksum."""

from __future__ import annotations

import base64
import gzip
import hashlib
import shutil
import subprocess
import tarfile
from pathlib import Path

from course_utils.errors import CourseError
from course_utils.places import ROOT

PACKAGE, VERSION = "onnxruntime-web", "1.30.0"
INTEGRITY = "q0y+JrrtukXSzsBWEMccVfqX25LRmosXHF+CaRJmg8pZClzcV7svNc4rKY3jL02Vb7QmRMDs1SigqR4CXAfKYQ=="  # sha512
FILES = (
    *("ort.wasm.min.mjs", "ort-wasm-simd-threaded.mjs", "ort-wasm-simd-threaded.wasm"),  # for the processor
    # WebGPU, for a graphics card; "asyncify" runs in every browser that has WebGPU, "jspi" only in some
    *("ort.webgpu.min.mjs", "ort-wasm-simd-threaded.asyncify.mjs", "ort-wasm-simd-threaded.asyncify.wasm"),
)
KEPT = ROOT / "build" / "npm"  # a second build asks nobody


def packed(given: Path | None = None) -> Path:
    """The package's file: the given one, one that an earlier build kept, or a new one from npm.

    Raises:
        CourseError: npm is not there or does not give the package, or the file is another one.
    """
    path = given or KEPT / f"{PACKAGE}-{VERSION}.tgz"
    if given is None and not path.exists():
        _ask_npm(path)
    if not path.is_file():
        raise CourseError(f"There is no file {path}.")
    found = base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()
    if found != INTEGRITY:
        raise CourseError(f"{path} is not {PACKAGE} {VERSION}: its sha512 is another one. Remove it, and build again.")
    return path


def _ask_npm(path: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise CourseError(
            f"The lab needs npm (of Node.js), or --runtime with the file of: npm pack {PACKAGE}@{VERSION}"
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        command = [npm, "pack", f"{PACKAGE}@{VERSION}", "--pack-destination", str(path.parent)]
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
        said = (getattr(error, "stderr", "") or "").strip().splitlines()
        raise CourseError(f"npm does not give {PACKAGE} {VERSION}: {said[-1] if said else 'no answer'}") from None


def write_runtime(folder: Path, package: Path) -> None:
    """Copy what the page needs out of the package's file; WebAssembly packed, in a quarter of its size."""
    with tarfile.open(package) as archive:
        for name in FILES:
            content = archive.extractfile(f"package/dist/{name}").read()
            if name.endswith(".wasm"):
                name, content = f"{name}.gz", gzip.compress(content, mtime=0)
            (folder / name).write_bytes(content)
