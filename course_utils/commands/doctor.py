"""`course doctor`: what is installed, what is ready, and a cure for each problem."""

from __future__ import annotations

import importlib.metadata as metadata
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from course_utils.places import IN_WHEEL, INSTALL, ROOT

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

MEMORY_NEEDED = 4.0  # GB: the heaviest kernel takes 3 (bench_kernel.py 07), Lab and the browser the rest
SHOWN = ("torch", "torchvision", "timm", "numpy", "matplotlib", "jupyterlab", "ipywidgets", "anywidget")
LECTURE_NETWORKS = ("alexnet", "resnet18", "resnet101", "densenet121", "vgg16", "squeezenet1_1", "googlenet")
TEST_ONLY = {"efficientnet_lite1"}  # networks whose packages only requirements-test.txt installs


@dataclass(frozen=True)
class Line:
    """One line of the report: `state` is "ok", "note" (the course runs without it) or "problem"; `cure` what to do."""

    name: str
    state: str
    text: str
    cure: str = ""


def run_doctor() -> int:
    """Print every finding with its cure.

    Returns:
        The exit status: 0 if the course can run, else 1.
    """
    problems = 0
    for examine in (python, packages, device, memory, offline_networks, torchvision_networks, notebooks, helpers):
        try:
            findings = list(examine())
        except ImportError as error:
            findings = [Line(examine.__name__.replace("_", " "), "problem", f"{error}", INSTALL)]
        except Exception as error:  # one thing that cannot be examined must not hide the others
            said = f"cannot be examined ({type(error).__name__}: {(str(error).splitlines() or [''])[0]})"
            findings = [Line(examine.__name__.replace("_", " "), "note", said)]
        for found in findings:
            print(f"{found.state:<8} {found.name:<22} {found.text}")
            if found.cure:
                print(f"{'':<31} cure: {found.cure}")
            problems += found.state == "problem"
    if problems:
        print(f"\nThe course cannot run yet: {problems} problem{'s' * (problems > 1)}.")
        return 1
    print("\nThe course can run: course lab")
    return 0


def python() -> Iterator[Line]:
    """Python itself."""
    text = f"{platform.python_version()} on {platform.platform(terse=True)}, {sys.executable}"
    yield Line("python", "ok", text)


def wanted() -> dict[str, SpecifierSet]:
    """The versions for this computer, by package: the pins in requirements.txt, or what an installed wheel asks for."""
    from packaging.requirements import Requirement

    if IN_WHEEL:
        lines = metadata.requires("looking-inside-convnets") or []
    else:
        path = ROOT / "requirements.txt"
        lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    found = {}
    for line in lines:
        if not line.startswith("-"):  # such as "-e ."
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                found[requirement.name] = requirement.specifier
    return found


def packages() -> Iterator[Line]:
    """The installed versions against the wanted ones. A local part such as +cpu does not count as a difference."""
    needed, versions, missing, other = wanted(), {}, [], []
    kind = "wanted" if IN_WHEEL else "pinned"
    if not needed:
        yield Line("pins", "note", f"{ROOT / 'requirements.txt'} is missing, so versions are not compared")
    for name in [*needed, *(n for n in SHOWN if n not in needed)]:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            missing.append(name)
            continue
        if name in needed and not needed[name].contains(versions[name], prereleases=True):
            other.append(f"{name} {versions[name]} ({kind}: {str(needed[name]).removeprefix('==')})")
    yield Line("versions", "ok", ", ".join(f"{n} {versions[n]}" for n in SHOWN if n in versions))
    cure = f"{INSTALL} --upgrade" if IN_WHEEL else f"in {ROOT}: {INSTALL}"
    if missing:
        yield Line("packages", "problem", "not installed: " + ", ".join(missing), cure)
    if other:
        yield Line("packages", "note", f"not the {kind} versions: " + ", ".join(other), cure)
    if needed and not missing and not other:
        yield Line("packages", "ok", f"all {len(needed)} {kind} packages are installed")


def device() -> Iterator[Line]:
    """Where networks will run."""
    import torch

    from course_utils.networks import best_device

    place = best_device()
    threads = f"{torch.get_num_threads()} threads on {os.cpu_count()} CPU cores"
    text = {"cuda": "CUDA", "mps": "Apple's MPS"}.get(place.type, "CPU")
    if place.type == "cuda":
        text = f"CUDA, {torch.cuda.get_device_name(place)}"
    yield Line("device", "ok", f"{text}; {threads}")


def memory() -> Iterator[Line]:
    """Free memory, and room for the pages and caches that the course writes."""
    import psutil

    free = psutil.virtual_memory().available / 1e9
    short = free < MEMORY_NEEDED
    cure = "close other programs and other notebooks' kernels" if short else ""
    yield Line("memory", "note" if short else "ok", f"{free:.1f} GB free of {MEMORY_NEEDED:.0f} GB needed", cure)
    place = Path.cwd() if IN_WHEEL else ROOT
    disk = shutil.disk_usage(place).free / 1e9
    cure = "make room on this disk" if disk < 1 else ""
    yield Line("disk", "note" if cure else "ok", f"{disk:.0f} GB free in {place}", cure)


def offline_networks() -> Iterator[Line]:
    """Every offline network is loaded from its checked file: a damaged weight file shows here."""
    from course_utils.networks import OFFLINE

    for name, load in OFFLINE.items():
        try:
            net = load()
        except Exception as error:  # whatever a damaged file makes torch say
            said = " ".join(str(error).split()) or type(error).__name__
            text, _, cure = said.rpartition("; run: ")
            if not text:
                text, _, cure = said.rpartition(" Run: ")
            if name in TEST_ONLY:
                yield Line(name, "note", f"{text or said} (only the tests use it)", cure)
            else:
                yield Line(name, "problem", text or said, cure or INSTALL)
        else:
            weights = sum(p.numel() for p in net.parameters())
            count = f"{weights / 1e6:.1f} M" if weights > 1e5 else f"{weights:,}"
            yield Line(name, "ok", f"ready offline, weights checked (sha256), {count} weights")


def torchvision_networks() -> Iterator[Line]:
    """The lecture's other networks: in the torch hub cache, or a download away."""
    from course_utils.networks import cached_checkpoint

    there = {name: cached_checkpoint(name) for name in LECTURE_NETWORKS}
    ready = [name for name, path in there.items() if path.is_file()]
    absent = [name for name in there if name not in ready]
    place = next(iter(there.values())).parent
    if ready:
        yield Line("torchvision networks", "ok", f"in {place}: {', '.join(ready)}")
    if absent:
        yield Line(
            "torchvision networks",
            "note",
            f"not in {place}: {', '.join(absent)}; the lessons say so and go on without them",
            f"""with a network: python -c "from course_utils import load_network; load_network('{absent[0]}')" """.strip(),
        )


def notebooks() -> Iterator[Line]:
    """The lessons, and the kernel that will run them."""
    count = len(list((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")))
    if count:
        copies = "; course lab copies them to the folder where you are" if IN_WHEEL else ""
        yield Line("lessons", "ok", f"{count} notebooks in {ROOT / 'notebooks'}{copies}")
    else:
        cure = f"{INSTALL} --force-reinstall" if IN_WHEEL else "clone the project again, or run: course build"
        yield Line("lessons", "problem", f"no notebooks in {ROOT / 'notebooks'}", cure)

    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    try:
        command = KernelSpecManager().get_kernel_spec("python3").argv[0]
    except NoSuchKernel:
        yield Line("kernel", "problem", "Jupyter has no python3 kernel", "pip install --force-reinstall ipykernel")
        return
    if os.path.isabs(command) and os.path.dirname(command) != os.path.dirname(sys.executable):
        cure = f"{sys.executable} -m ipykernel install --sys-prefix"
        yield Line("kernel", "problem", f"Jupyter's python3 kernel is another Python, {command}", cure)
    else:
        yield Line("kernel", "ok", "Jupyter's python3 kernel is this Python")


def helpers() -> Iterator[Line]:
    """Programs that only instructors (grading) and maintainers (browser tests) need; a handout has neither."""
    if not Path(__file__).with_name("grade.py").is_file():
        return
    bubblewrap = partial(Line, "bubblewrap")
    if not sys.platform.startswith("linux"):
        yield bubblewrap("note", "grading in a sandbox runs on Linux only; students do not need it")
    elif not (path := shutil.which("bwrap")):
        yield bubblewrap("note", "not installed; only grading needs it", "apt-get install bubblewrap")
    else:
        command = [path, "--ro-bind", "/", "/", "--unshare-all", "true"]
        result = subprocess.run(command, capture_output=True, text=True, timeout=20)
        if result.returncode == 0:
            version = re.sub(r"\s+", " ", _version([path, "--version"]))
            yield bubblewrap("ok", f"{version}; it can make a sandbox here")
        else:
            reason = (result.stderr.strip().splitlines() or ["no message"])[0]
            cure = "allow unprivileged user namespaces (a container may need --privileged or a seccomp profile)"
            yield bubblewrap("note", f"installed, but it cannot make a sandbox here ({reason})", cure)
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    browser = next((found for name in names if (found := shutil.which(name))), None)
    if browser:
        yield Line("chromium", "ok", f"{browser}; for the browser tests")
    else:
        yield Line("chromium", "note", "not found; only the browser tests need it", "apt-get install chromium")


def _version(command: list[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, timeout=20).stdout.strip()
