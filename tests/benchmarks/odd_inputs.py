"""Gives odd things to the commands that people begin with, and prints what each said, as a table.

    python tests/benchmarks/odd_inputs.py                  # all
    python tests/benchmarks/odd_inputs.py grade load_folder

Every command runs in a process and a folder of its own. To save time the tour draws its first picture only, and the lab
says which file it would open. It exits with 1 if something gave a stack trace, or did not end.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from course_utils import load_folder
from course_utils.errors import CourseError
from course_utils.explorers.chooser import PhotoChooser
from course_utils.places import ROOT

STAND_IN = {
    "tour": "from course_utils.commands import tour; tour.TOUR = tour.TOUR[:1]",
    "lab": "from course_utils.commands import lab; lab.in_own_folder = lambda path, language: path; "
    "lab.start = lambda path, *a, **k: print('opens', path.name) or 0",
}
ACTED_ON = (CourseError, ValueError, TypeError, OSError)  # with a line that says what is possible


def pixels(height: int = 40, width: int = 60) -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8))


def as_bytes(picture: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def odd_files() -> dict[str, bytes]:
    """Twenty files that somebody chooses as a picture."""
    good = as_bytes(pixels())
    deep = Image.fromarray(np.linspace(0, 65535, 2400).reshape(40, 60).astype(np.uint16))
    return {
        "empty.png": b"",
        "text.jpg": b"not a picture",
        "page.png": b"<html>404</html>",
        "half.png": good[: len(good) // 2],
        "half.jpg": as_bytes(pixels(), "JPEG")[:700],
        "one_pixel.png": as_bytes(pixels(1, 1)),
        "thin.png": as_bytes(pixels(1, 9000)),
        "high.png": as_bytes(pixels(9000, 1)),
        "bits16.png": as_bytes(deep),
        "gray.png": as_bytes(pixels().convert("L")),
        "alpha.png": as_bytes(pixels().convert("RGBA")),
        "palette.gif": as_bytes(pixels().convert("P"), "GIF"),
        "film.gif": as_bytes(pixels(), "GIF", save_all=True, append_images=[pixels(), pixels()]),
        "cmyk.jpg": as_bytes(pixels().convert("CMYK"), "JPEG"),
        "turned.jpg": as_bytes(
            pixels(), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0"
        ),
        "png_named.jpg": good,
        "bomb.png": as_bytes(Image.new("1", (30000, 30000))),
        "drawing.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        "phone.heic": b"\0\0\0\x18ftypheic" + bytes(200),
        "notebook.ipynb": b"{}",
    }


def folders(place: Path) -> Iterator[tuple[str, Callable]]:
    """For `load_folder`."""

    def folder(name: str, files: dict[str, bytes]) -> Path:
        (place / name).mkdir()
        for file, content in files.items():
            (place / name / file).parent.mkdir(parents=True, exist_ok=True)
            (place / name / file).write_bytes(content)
        return place / name

    good, odd = as_bytes(pixels()), odd_files()
    (place / "file.png").write_bytes(good)
    (place / "loop").symlink_to(place / "loop")
    given = {
        "a folder that is not there": place / "nowhere",
        "an empty name": "",
        "a number": 7,
        "None": None,
        "a list": [place / "file.png"],
        "an address": "https://example.org/pictures",
        "a file": place / "file.png",
        "a link to itself": place / "loop",
        "an empty folder": folder("empty", {}),
        "no pictures": folder("texts", {"a.txt": b"a", "b.csv": b"b"}),
        "hidden files only": folder("hidden", {"._a.png": good, ".b.png": good}),
        "checkpoints only": folder("checkpoints", {".ipynb_checkpoints/a.png": good}),
        "pictures in folders below": folder("below", {"cats/a.png": good, "dogs/b.png": good}),
        "all twenty odd files": folder("odd", odd),
        "one good, one broken": folder("mixed", {"a.png": good, "b.png": odd["half.png"]}),
        "broken ones only": folder("broken", {"a.png": odd["half.png"], "b.jpg": odd["text.jpg"]}),
        "a name with a line break": folder("names", {"a\nb.png": good}),
    }
    for what, path in given.items():
        yield what, lambda path=path: load_folder(path)
    for what, size in (("size 0", 0), ("size -3", -3), ('size "big"', "big")):
        yield what, lambda size=size: load_folder(place / "mixed", size)


def uploads(place: Path) -> Iterator[tuple[str, Callable]]:
    """For the button "My own picture" of an explorer."""

    def upload(name: str, content: bytes) -> str:
        chooser = PhotoChooser("leafhopper")
        chooser.upload._told(None, {"name": name}, [content])
        return chooser.problem or f"taken: {tuple(chooser.value.tensor().shape)}"

    for name, content in odd_files().items():
        yield name, lambda name=name, content=content: upload(name, content)


def command(name: str, *arguments: object, **environment: str) -> Callable:
    """A call of `course NAME ARGUMENTS` in a process of its own."""
    lines = [STAND_IN.get(name, ""), "import sys", f"sys.argv = {['course', name, *map(str, arguments)]}"]
    lines += ["from course_utils.cli import main", "main()"]

    def run(place: Path) -> str:
        there = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", **environment}
        done = subprocess.run(
            [sys.executable, "-c", "\n".join(lines)],
            cwd=place, env=there, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=300, errors="replace",
        )  # fmt: skip
        said = [line.rpartition("\r")[2] for line in (done.stdout + done.stderr).split("\n") if line.strip(" ─╭╮╰╯│")]
        if "Traceback (most recent call last)" in done.stderr or done.returncode < 0:
            raise RuntimeError(f"a stack trace: {said[-1]}")
        return f"exit {done.returncode}: {' '.join(said[-2:])}"

    return run


def notebook(*cells: str, **more: object) -> bytes:
    cells = [{"cell_type": "code", "source": c, "metadata": {}, "outputs": [], "execution_count": None} for c in cells]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells, **more}).encode()


def gradings(place: Path) -> Iterator[tuple[str, Callable]]:
    """For `course grade`."""
    one = notebook('check("01.1", normalize)', metadata={"course": {"lesson": "01"}})
    files = {
        "text/ann.txt": b"my answers",
        "zip/ann.zip": b"PK\x03\x04",
        "program/ann.py": b"x = 1",
        "empty_file/ann.ipynb": b"",
        "no_json/ann.ipynb": b"{",
        "list/ann.ipynb": b"[]",
        "old/ann.ipynb": json.dumps({"nbformat": 3, "worksheets": []}).encode(),
        "no_cells/ann.ipynb": notebook(),
        "other/ann.ipynb": notebook("print(1)"),
        "latin/ann.ipynb": '{"é": 1}'.encode("latin-1"),
        "two/ann/01.ipynb": one,
        "two/ann/01 (1).ipynb": one,
        "space/Ann B. Ünal/01.ipynb": one,
        "one.ipynb": one,
        "roster.csv": b"no,such,columns\n1,2,3\n",
    }
    for name, content in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(content)
    (place / "empty").mkdir()
    for what in (
        "nowhere",
        "empty",
        *[name for name in dict.fromkeys(f.partition("/")[0] for f in files) if "." not in name],
    ):
        yield what, lambda what=what: command("grade", what, "--lessons", "01")(place)
    for options in (
        ["--lessons", "99"], ["--lessons", "x,,"], ["--seed", "-1"], ["--jobs", "0"], ["--roster", "nowhere.csv"],
        ["--roster", "roster.csv"], ["--memory-mb", "1"], ["--out", "one.ipynb"],
    ):  # fmt: skip
        yield " ".join(options), lambda options=options: command("grade", "one.ipynb", *options)(place)


def tours(place: Path) -> Iterator[tuple[str, Callable]]:
    """For `course tour`."""
    for name, content in odd_files().items():
        if name not in ("gray.png", "alpha.png", "palette.gif", "png_named.jpg", "one_pixel.png"):
            (place / name).write_bytes(content)
            yield name, lambda name=name: command("tour", name)(place)
    (place / "folder").mkdir()
    for given in (["nowhere.png"], ["leafhoper"], [""], ["folder"], ["leafhopper", "--out", "text.jpg"]):
        yield " ".join(given) or "an empty name", lambda given=given: command("tour", *given)(place)


def labs(place: Path) -> Iterator[tuple[str, Callable]]:
    """For `course lab`."""
    (place / "folder").mkdir()
    (place / "broken.ipynb").write_bytes(b"{")
    (place / "program.py").write_bytes(b"x = 1")
    (place / "my own.ipynb").write_bytes(notebook("1"))
    for given in (
        ["99"], ["-1"], ["7"], ["07.5"], ["0x7"], ["seven"], ["explorer"], [""], [" 07 "], ["folder"], ["program.py"],
        ["broken.ipynb"], ["my own.ipynb"], ["nowhere.ipynb"], ["07", "08"], ["07", "--port", "0"],
        ["07", "--port", "99999"], ["07", "--port", "http"], ["07", "--language", "xx"], ["07", "--language", "../.."],
    ):  # fmt: skip
        yield " ".join(given) or "an empty name", lambda given=given: command("lab", *given, "--yes")(place)


def doctors(place: Path) -> Iterator[tuple[str, Callable]]:
    """For `course doctor`."""
    (place / "file").write_bytes(b"")
    (place / "torch.py").write_bytes(b"raise RuntimeError('not the one')")
    file, nowhere = str(place / "file"), str(place / "nowhere")
    for given in (["07"], ["--all"], ["--help", "x"]):
        yield "course doctor " + " ".join(given), lambda given=given: command("doctor", *given)(place)
    for name, value in (
        ("HOME", nowhere), ("HOME", file), ("TMPDIR", nowhere), ("PATH", ""), ("PATH", nowhere), ("LANG", "xx"),
        ("LC_ALL", "C"), ("PYTHONIOENCODING", "ascii"), ("COLUMNS", "1"), ("TERM", "dumb"), ("NO_COLOR", "1"),
        ("TORCH_HOME", file), ("JUPYTER_CONFIG_DIR", file), ("XDG_CACHE_HOME", file), ("MPLBACKEND", "nonsense"),
        ("CUDA_VISIBLE_DEVICES", "99"), ("OMP_NUM_THREADS", "many"),
    ):  # fmt: skip
        yield f"{name}={value.replace(str(place), '.')}", lambda n=name, v=value: command("doctor", **{n: v})(place)


PLACES = {
    "load_folder": folders,
    "upload": uploads,
    "grade": gradings,
    "tour": tours,
    "lab": labs,
    "doctor": doctors,
}


def said(call: Callable) -> tuple[bool, str]:
    """Whether a person can act on what a call said, and it."""
    try:
        answer = call()
    except ACTED_ON as error:
        return True, f"{type(error).__name__}: {error}"
    except Exception as error:
        return False, f"{type(error).__name__}: {error}"
    return True, answer if isinstance(answer, str) else f"{type(answer).__name__} {getattr(answer, 'shape', '')}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("places", nargs="*", metavar="PLACE", help=", ".join(PLACES))
    wrong = 0
    for name in parser.parse_args().places or PLACES:
        with tempfile.TemporaryDirectory() as place:
            rows = [(what, *said(call)) for what, call in PLACES[name](Path(place))]
        print(f"\n{name}, {len(rows)} odd inputs\n")
        for what, right, text in rows:
            text = " ".join(text.replace(place, ".").split())
            print(f"| {what!r:34} | {text[:200]} |" + ("" if right else "  <- wrong"), flush=True)
            wrong += not right
    print(f"\n{wrong} without an answer that one can act on")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
