"""Pictures in and out: files, folders, and a gallery of photos that installed packages ship.

Everywhere in the course a picture is a tensor `(N, 3, H, W)`, RGB, float, in [0, 1].
"""

from __future__ import annotations

import difflib
import io
import math
import os
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import torch
from PIL import Image, ImageCms, UnidentifiedImageError
from torch import Tensor

from course_utils.errors import ImageError
from course_utils.networks.weights import package_file
from course_utils.validate import check_pair, plain, precise

SUFFIXES = {".jpg", ".jpeg", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"}
# in a folder these are tried, too, so that what cannot be read is named and not passed over
PERHAPS = {".heic", ".heif", ".avif", ".jp2", ".jxl", ".svg"}
NAMED = 100  # broken files that a warning names
MOST = 100_000_000  # pixels; more would take gigabytes
LARGE = 24_000_000  # a JPEG with more pixels is decoded at a half, a quarter or an eighth of its size if that is enough
TURNS = dict(zip(range(2, 9), (  # EXIF's orientation: what to do with what is stored
    Image.Transpose.FLIP_LEFT_RIGHT, Image.Transpose.ROTATE_180, Image.Transpose.FLIP_TOP_BOTTOM,
    Image.Transpose.TRANSPOSE, Image.Transpose.ROTATE_270, Image.Transpose.TRANSVERSE, Image.Transpose.ROTATE_90,
), strict=True))  # fmt: skip


@dataclass(frozen=True)
class Photo:
    """A photo of the gallery.

    Attributes:
        name: what `photo(name)` takes.
        package, file: the installed package that ships it, and where in it.
        license, source: what the package says about it.
        label: its ImageNet class index, or None.
    """

    name: str
    package: str
    file: str
    license: str
    source: str
    label: int | None = None

    @property
    def path(self) -> Path:
        return package_file(self.package, self.file)


def _foolbox(number: int, name: str, label: int) -> Photo:
    return Photo(
        name,
        "foolbox",
        f"data/imagenet_{number:02d}_{label}.jpg",
        "in foolbox (MIT); the photo's own license is not stated",
        f"ImageNet class {label}",
        label,
    )


def _skimage(name: str, file: str, license_: str, source: str) -> Photo:
    return Photo(name, "skimage", f"data/{file}", license_, source)


_PHOTOS = (
    _foolbox(0, "bull_mastiff", 243),
    _foolbox(1, "folding_chair", 559),
    _foolbox(2, "beaker", 438),
    _foolbox(3, "buckeye", 990),
    _foolbox(4, "strawberry", 949),
    _foolbox(5, "thatch", 853),
    _foolbox(6, "jeep", 609),
    _foolbox(7, "jeep_blue", 609),
    _foolbox(8, "yurt", 915),
    _foolbox(9, "bottlecap", 455),
    _foolbox(10, "drum", 541),
    _foolbox(11, "loafer", 630),
    _foolbox(12, "prayer_rug", 741),
    _foolbox(13, "cannon", 471),
    _foolbox(14, "spoonbill", 129),
    _foolbox(15, "goose", 99),
    _foolbox(16, "dalmatian", 251),
    _foolbox(17, "bald_eagle", 22),
    _foolbox(18, "leafhopper", 317),
    _foolbox(19, "dung_beetle", 305),
    _skimage("astronaut", "astronaut.png", "public domain", "Eileen Collins, NASA"),
    _skimage("coffee", "coffee.png", "CC0", "Rachel Michetti"),
    _skimage("cat", "chelsea.png", "CC0", "Chelsea, by Stefan van der Walt"),
    _skimage("rocket", "rocket.jpg", "public domain", "SpaceX, DSCOVR launch"),
    _skimage("hubble", "hubble_deep_field.jpg", "public domain", "NASA, ESA; Hubble Deep Field"),
    _skimage("retina", "retina.jpg", "public domain", "Kilbad"),
    _skimage("motorcycle", "motorcycle_left.png", "CC0", "CVPR 2014 Middlebury stereo, D. Scharstein et al."),
    _skimage("brick", "brick.png", "CC0", "CC0Textures (gray)"),
    _skimage("grass", "grass.png", "CC0", "scikit-image (gray)"),
    _skimage("gravel", "gravel.png", "CC0", "CC0Textures (gray)"),
    _skimage("camera", "camera.png", "CC0", "Lav Varshney (gray)"),
    _skimage("coins", "coins.png", "no known copyright restrictions", "Brooklyn Museum (gray)"),
    _skimage("text", "text.png", "no known copyright restrictions", "scikit-image (gray)"),
    _skimage("page", "page.png", "no known copyright restrictions", "scikit-image (gray)"),
    Photo("china", "sklearn", "datasets/images/china.jpg", "CC BY 2.0", "danielbuechele, via scikit-learn"),
    Photo("flower", "sklearn", "datasets/images/flower.jpg", "CC BY 2.0", "vultilion, via scikit-learn"),
    Photo("grace_hopper", "matplotlib", "mpl-data/sample_data/grace_hopper.jpg", "public domain", "US Navy, via Matplotlib"),
)  # fmt: skip


class Gallery(tuple):
    """A tuple of `Photo`s that prints as a table."""

    def __repr__(self) -> str:
        width = max(len(p.name) for p in self)
        return "\n".join(f"{p.name:<{width}}  {p.license} - {p.source}" for p in self)

    @property
    def names(self) -> list[str]:
        return [p.name for p in self]

    def __call__(self, name: str) -> Photo:
        """The photo of this name."""
        for one in self:
            if one.name == name:
                return one
        close = difflib.get_close_matches(str(name), self.names, n=3, cutoff=0.5)
        hint = f"Did you mean {', '.join(close)}?" if close else f"There are: {', '.join(self.names)}."
        raise ImageError(f"The gallery has no photo {name!r}. {hint}")


def gallery(*, labelled: bool | None = None) -> Gallery:
    """The photos that installed packages ship, with license and source.

    Args:
        labelled: True for only the 20 photos with an ImageNet class, False for only the others, None for all.
    """
    return Gallery(p for p in _PHOTOS if labelled is None or (p.label is not None) == labelled)


def photo(name: str | Path, size: int | tuple[int, int] | None = 224, *, crop: bool = True) -> Tensor:
    """A gallery photo by its name, or any picture file by its path.

    Args:
        name: a name from `gallery()`, or a path.
        size, crop: as in `load_image`.

    Returns:
        `(1, 3, H, W)` in [0, 1].

    Raises:
        ImageError: no such photo or file, or one that cannot be read.
        ValueError, TypeError: a size that makes no picture.
    """
    known = {p.name for p in _PHOTOS}
    looks_like_a_path = isinstance(name, Path) or any(mark in str(name) for mark in "/\\.")
    path = Path(name) if str(name) not in known and looks_like_a_path else gallery()(str(name)).path
    return load_image(path, size, crop=crop)


def labelled_photos(size: int = 224) -> tuple[Tensor, list[int], list[str]]:
    """The 20 labelled photos: `(20, 3, size, size)`, their ImageNet classes, their names.

    Raises:
        ValueError, TypeError: a size that makes no picture.
    """
    photos = gallery(labelled=True)
    return torch.cat([load_image(p.path, size) for p in photos]), [p.label for p in photos], photos.names


class _Refused(Exception):
    """Why a file is not read: the end of a sentence that begins with its name."""


def open_image(path: str | Path | IO[bytes], *, least: int | None = None) -> Image.Image:
    """Open a picture file, or an open binary file such as an upload, as RGB.

    It is turned as the camera says, transparency becomes white, and colors of another profile (CMYK, Display P3)
    become sRGB. The number of bits says what is white, not the brightest pixel.

    Args:
        path: the file.
        least: so many pixels a side are enough; a very large JPEG is then decoded at a fraction of its size.

    Raises:
        ImageError: no such file, a folder, not a picture, damaged, or too large.
        TypeError: neither a path nor an open file.
    """
    name = str(path) if isinstance(path, (str, Path)) else "The file"
    if not isinstance(path, (str, Path)) and not hasattr(path, "read"):
        raise TypeError(f"a picture is a path or an open binary file, not {type(path).__name__}.")
    try:
        if isinstance(path, (str, Path)):
            path = Path(path)
            if path.is_dir():
                raise _Refused("is a folder; give one picture, or use load_folder.")
            if path.exists() and not path.is_file():
                raise _Refused("is no file that can be read, but a device or a pipe.")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # decoders warn about what we answer here
            with Image.open(path) as file:
                picture, more = _rgb(file, least), file.format != "MPO" and getattr(file, "is_animated", False)
    except FileNotFoundError:
        raise ImageError(f"There is no file {path}.") from None
    except _Refused as reason:
        raise ImageError(f"{name} {reason}") from None
    except Exception as error:  # decoders raise anything: struct.error, KeyError, TypeError, MemoryError, ...
        raise ImageError(f"{name} {_reason(error, path)}") from None
    if more:
        warnings.warn(f"{name} holds more than one picture; the first is taken.", stacklevel=2)
    return picture


def _rgb(file: Image.Image, least: int | None) -> Image.Image:
    """The first picture of an open file, ready to use."""
    if file.width * file.height > LARGE and least is not None:
        file.draft(None, (least, least))  # only JPEG answers
    if file.width * file.height > MOST:
        raise _Refused(f"is too large: {_megapixels(file.width * file.height)}.")
    _check_numbers(file)
    stored = str(file.tile[0][3]) if file.tile else ""  # how PIL calls the form of the numbers in the file
    profile = file.info.get("icc_profile")
    file.load()
    try:
        orientation = file.getexif().get(0x0112)
    except Exception:  # damaged EXIF, for example a resolution stored as text: then nobody knows
        orientation = None
    picture = _srgb(_eight_bits(file, stored), profile)
    return picture.transpose(TURNS[orientation]) if isinstance(orientation, int) and orientation in TURNS else picture


def _eight_bits(file: Image.Image, stored: str) -> Image.Image:
    """Eight bits for each color, and white where a picture is transparent."""
    clear = file.info.get("transparency")
    if file.mode.startswith(("I", "F")):
        return Image.fromarray(_gray(file, clear, white=4095 if "I;12" in stored else 65535))
    if "16" in stored and isinstance(clear, tuple):  # PIL keeps 8 of the 16 bits
        file.info["transparency"] = tuple(value >> 8 for value in clear)
    if file.mode in ("La", "RGBa"):
        file = file.convert("LA" if file.mode == "La" else "RGBA")
    if file.mode in ("RGBA", "LA", "PA") or clear is not None:
        file = file.convert("RGBA")
        file = Image.alpha_composite(Image.new("RGBA", file.size, "white"), file)
    return file if file.mode in ("L", "CMYK", "LAB") else file.convert("RGB")


def _gray(file: Image.Image, clear: object, white: int) -> np.ndarray:
    """Numbers of more than 8 bits as 8 bits; among floats, white is 1."""
    values, inverted = np.asarray(file), _tag(file, 262) == 0  # PIL turns those with 8 bits only
    gray = np.empty(values.shape, np.uint8)
    if file.mode == "F":
        low, high = values.min(), values.max()
        if not (low >= 0 and high <= 2):  # a little more than white is an overshoot
            what = f"holds numbers from {low:g} to {high:g} and does not say what is white"
            raise _Refused(f"{what}; save them from 0 (black) to 1 (white), or with 8 bits.")
        for rows in _bands(gray):
            level = 1 - values[rows] if inverted else values[rows]
            gray[rows] = (level * 255).clip(0, 255).round()
        return gray
    levels = (np.arange(65536) * 255 / white).clip(0, 255).round().astype(np.uint8)
    levels = 255 - levels if inverted else levels
    if isinstance(clear, int):
        levels[clear] = 255
    for rows in _bands(gray):
        gray[rows] = levels[values[rows]]
    return gray


def _bands(values: np.ndarray) -> Iterator[slice]:
    """Rows, about a million numbers at a time: what is computed for them takes several times their memory."""
    step = max(1, 1_000_000 // values.shape[1])
    return (slice(top, top + step) for top in range(0, len(values), step))


def _tag(file: Image.Image, number: int) -> object:
    """What a TIFF says under a number; None if nothing, and of other files. Of several equal entries the first."""
    found = getattr(file, "tag_v2", {}).get(number)
    return found[0] if isinstance(found, tuple) and found else found


def _check_numbers(file: Image.Image) -> None:
    """Refuse numbers of which nobody says what is white, and those that PIL reads wrongly."""
    cure = "; save it with 8 bits, or as 16 bits without a sign."
    if _tag(file, 339) == 2:
        raise _Refused(f"holds numbers with a sign and does not say what is white{cure}")
    if file.mode == "I" and file.format not in ("PNG", "PPM"):  # PIL widens the 16 bits of these
        raise _Refused(f"holds whole numbers of 32 bits and does not say what is white{cure}")
    if _tag(file, 284) == 2 and (_tag(file, 258) or 8) > 8:
        raise _Refused("holds its colors in separate planes of more than 8 bits; save them pixel by pixel, or as PNG.")
    if file.format == "EPS":
        raise _Refused(f"cannot be read as a picture: {_FOREIGN[b'%!PS']}.")


def _srgb(picture: Image.Image, profile: bytes | None) -> Image.Image:
    """The colors of a profile as those of a screen."""
    if picture.mode != "LAB" and not profile:
        return picture.convert("RGB")
    for one in (picture, picture.convert("RGB")) if picture.mode in ("L", "CMYK") else (picture,):
        try:
            file = io.BytesIO(profile or b"")
            colors = ImageCms.createProfile("LAB") if picture.mode == "LAB" else ImageCms.ImageCmsProfile(file)
            if picture.mode != "LAB" and "sRGB" in ImageCms.getProfileDescription(colors):
                break
            return ImageCms.profileToProfile(one, colors, ImageCms.createProfile("sRGB"), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError):  # damaged, or made for other channels
            continue
    return picture.convert("RGB")  # the numbers as they are


def _megapixels(pixels: int) -> str:
    return f"{pixels / 1e6:.0f} megapixels, and at most {MOST / 1e6:.0f} are read; make it smaller first"


def _reason(error: Exception, path: Path | IO[bytes]) -> str:
    """What is wrong with a file that made a decoder fail: the end of a sentence that begins with its name."""
    words = str(error)
    if isinstance(error, Image.DecompressionBombError):
        return f"is too large: {_megapixels(int(re.search(r'[0-9]+', words)[0]))}."
    if isinstance(error, PermissionError):
        return "cannot be read: it does not belong to you (permission denied)."
    if isinstance(error, MemoryError):
        return "is too large for this machine's memory."
    if isinstance(error, UnidentifiedImageError):
        return f"cannot be read as a picture: {_kind(_head(path))}."
    cut = "truncated" in words or isinstance(error, EOFError)
    what = "it is cut short; load or copy it again" if cut else f"it is damaged ({type(error).__name__})"
    return f"cannot be read as a picture: {what}."


def _head(path: Path | IO[bytes]) -> bytes | str:
    """The first bytes of a file (text, if it was opened as text)."""
    try:
        if isinstance(path, Path):
            with path.open("rb") as file:
                return file.read(512)
        path.seek(0)
        return path.read(512)
    except (OSError, ValueError):
        return b"?"


def _kind(head: bytes | str) -> str:
    """What a file is that is no picture, by its first bytes, and what helps."""
    if isinstance(head, str):
        return 'it is open as text; open it with "rb"'
    if not head:
        return "it is empty"
    if head[4:8] == b"ftyp":
        video = "it is a video; take a picture of it first"
        known = {b"avi": "AVIF; save it as JPEG or PNG", b"hei": _HEIC, b"hev": _HEIC, b"mif": _HEIC, b"msf": _HEIC}
        return known.get(head[8:11], video)
    text = head.lstrip(b"\xef\xbb\xbf \r\n\t").lower()
    for start, words in _FOREIGN.items():
        if head.startswith(start):
            return words
    if b"<svg" in text:
        return "it is a drawing (SVG); export it as PNG"
    if text.startswith((b"<!doctype html", b"<html")):
        return "it is a web page; open the picture in it and save that"
    return f"it is of no known kind ({', '.join(sorted(suffix[1:] for suffix in SUFFIXES))})"


_HEIC = "HEIC, an iPhone's own format; save it as JPEG (the phone does: Settings, Camera, Formats, Most Compatible)"
_DAMAGED = "it is damaged or cut short"
_FOREIGN = {
    b"%PDF": "it is a PDF document; export the page as PNG",
    b"%!PS": "it is a PostScript drawing; export it as PNG",
    b"PK\x03\x04": "it is a zip file or an office document; unpack it, or save the picture in it",
    b"version https://git-lfs": "it is only a pointer of Git LFS; run: git lfs pull",
    b"\xff\x0a": "it is JPEG XL; save it as JPEG or PNG",
    b"\x00\x00\x00\x0cJXL": "it is JPEG XL; save it as JPEG or PNG",
    **dict.fromkeys((b"\xff\xd8", b"\x89PNG", b"GIF8", b"RIFF", b"BM"), _DAMAGED),
    **dict.fromkeys((b"II*", b"MM\x00*"), f"{_DAMAGED}, or a TIFF whose numbers have a form that is not read here"),
}


def load_image(path: str | Path | IO[bytes], size: int | tuple[int, int] | None = 224, *, crop: bool = True) -> Tensor:
    """Read a picture file.

    Args:
        path: the file, or an open binary file.
        size: with `crop`, the side of the square that is cut from the center after the shorter side was resized to
            8/7 of it (256 for 224, as ImageNet networks are tested), or `(H, W)`. Without `crop`, the length of the
            longer side. None keeps the picture's own size.
        crop: cut to a square (or to `(H, W)`); False keeps the whole picture and its shape.

    Returns:
        `(1, 3, H, W)` in [0, 1].

    Raises:
        ImageError: a file that is missing, that cannot be read as a picture, or that is too large.
        ValueError: a pair as `size` without `crop`, or a size that makes no picture or one that is too large.
        TypeError: a size that is no whole number and no pair.
    """
    if size is None:
        return from_pil(open_image(path))
    if not crop and isinstance(plain(size), (tuple, list)):
        raise ValueError("size must be one number when crop is False: the length of the longer side.")
    height, width = check_pair("size", size)
    if height * width > MOST:
        raise ValueError(f"size {size} makes a picture of {_megapixels(height * width)}.")
    picture = open_image(path, least=2 * max(height, width))
    if not crop:
        return from_pil(_scaled(picture, height / max(picture.size)))
    scale = max(height / picture.height, width / picture.width) * (8 / 7)
    picture = _scaled(_middle(picture, height, width, scale), scale)
    left, top = round((picture.width - width) / 2), round((picture.height - height) / 2)
    return from_pil(picture.crop((left, top, left + width, top + height)))


def _middle(picture: Image.Image, height: int, width: int, scale: float) -> Image.Image:
    """Of a very long picture the part around the middle that is needed: the whole, enlarged, would fill the memory."""
    sides = []
    for side, wanted in ((picture.width, width), (picture.height, height)):
        spare = side - math.ceil(2 * wanted / scale)
        sides.append(spare // 2 if side * scale > 8 * wanted else 0)
    return (
        picture.crop((sides[0], sides[1], picture.width - sides[0], picture.height - sides[1]))
        if any(sides)
        else picture
    )


def _scaled(picture: Image.Image, scale: float) -> Image.Image:
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.BICUBIC)


def from_pil(picture: Image.Image) -> Tensor:
    """A PIL picture as a tensor `(1, 3, H, W)` in [0, 1]."""
    values = np.array(picture.convert("RGB"))
    return torch.from_numpy(values).permute(2, 0, 1)[None].float().div_(255)


def to_pil(image: Tensor) -> Image.Image:
    """A tensor `(3, H, W)`, `(1, 3, H, W)`, `(1, H, W)` or `(H, W)` in [0, 1] as a PIL picture; values outside are cut off.

    Raises:
        ValueError: another shape, more than one picture, or NaN.
        TypeError: no tensor.
    """
    if not isinstance(image, Tensor):
        raise TypeError(f"an image is a tensor of shape (3, H, W) or (H, W), not {type(image).__name__}.")
    image = image.detach().float().cpu()
    if image.isnan().any():
        raise ValueError("the image contains NaN, which has no color.")
    if image.ndim == 4:
        if image.shape[0] != 1:
            raise ValueError(f"to_pil takes one image; this batch has {image.shape[0]}.")
        image = image[0]
    if image.ndim == 3 and image.shape[0] == 1:
        image = image[0]
    if image.ndim == 3 and image.shape[0] != 3 or image.ndim not in (2, 3):
        raise ValueError(f"an image has shape (3, H, W) or (H, W), not {tuple(image.shape)}.")
    values = image.clamp(0, 1).mul(255).round().to(torch.uint8)
    return Image.fromarray(values.permute(1, 2, 0).numpy() if values.ndim == 3 else values.numpy())


def save_image(image: Tensor, path: str | Path) -> Path:
    """Write one picture; the file's ending says the format. Returns the path.

    Raises:
        ImageError: an ending that names no format, or a place that cannot be written.
    """
    path, picture = Path(path), to_pil(image)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        picture.save(path)
    except (OSError, ValueError, SystemError) as error:
        raise ImageError(f"{path} cannot be written: {error}") from None
    return path


def image_files(folder: str | Path) -> list[Path]:
    """The picture files of a folder and its subfolders, sorted. Hidden files and folders are passed over.

    Raises:
        ImageError: no such folder, or no pictures in it.
    """
    return list(walk_images(folder))


def walk_images(folder: str | Path) -> Iterator[Path]:
    """The files of `image_files`, in the same order, one at a time: only the names of one folder are in memory.

    Yields:
        The paths.

    Raises:
        ImageError: no such folder, or no pictures in it.
        TypeError: no path.
    """
    if not isinstance(folder, (str, os.PathLike)):
        raise TypeError(f"a folder of pictures is a path, not {type(folder).__name__}.")
    if folder == "":
        raise ImageError('Which folder? The name is empty; "." is the current one.')
    folder = Path(folder)
    if folder.is_file():
        raise ImageError(f"{folder} is a file, not a folder; load_image reads it.")
    if not folder.is_dir():
        raise ImageError(f"There is no folder {folder}.")
    path = None
    for path in _walk(folder):
        yield path
    if path is None:
        raise ImageError(f"The folder {folder} holds no pictures ({', '.join(sorted(s[1:] for s in SUFFIXES))}).")


def _walk(folder: Path) -> Iterator[Path]:
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: Path(entry.name))
    except PermissionError:
        return
    for entry in entries:
        # ._photo.jpg and __MACOSX of a Mac, .ipynb_checkpoints of Jupyter
        if entry.name.startswith((".", "__MACOSX")):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(folder / entry.name)
        elif Path(entry.name).suffix.lower() in SUFFIXES | PERHAPS and entry.is_file():
            yield folder / entry.name


def iter_folder(folder: str | Path, size: int = 224) -> Iterator[tuple[Path, Tensor]]:
    """Every readable picture of a folder, one at a time, as `(path, (1, 3, size, size))`.

    Broken files are skipped, and one warning at the end names them.

    Raises:
        ImageError: no such folder, no pictures in it, or none that can be read.
    """
    broken, good = [], 0
    for path in walk_images(folder):
        try:
            image = load_image(path, size)
        except ImageError:
            broken.append(path.name)
            continue
        good += 1
        yield path, image
    warn_of_broken(broken, good, folder, stacklevel=3)


def warn_of_broken(broken: Sequence[str], good: int, folder: str | Path, *, stacklevel: int = 2) -> None:
    """Name the files that could not be read as pictures.

    Args:
        broken: their names.
        good: how many others could be read.
        folder: where they are.
        stacklevel: whose line the warning shows; see `warnings.warn`.

    Raises:
        ImageError: there are such files, and no others.
    """
    if broken:
        names = ", ".join(broken[:NAMED]) + (f" and {len(broken) - NAMED} more" if len(broken) > NAMED else "")
        if not good:
            raise ImageError(f"None of the {len(broken)} files in {folder} can be read as a picture: {names}")
        all_of_them = len(broken) + good
        words = f"{len(broken)} of {all_of_them} files in {folder} cannot be read as pictures: {names}"
        warnings.warn(words, stacklevel=stacklevel)


def load_folder(folder: str | Path, size: int = 224) -> tuple[Tensor, list[str]]:
    """All readable pictures of a folder: `(N, 3, size, size)` and their file names.

    Raises:
        ImageError: as in `iter_folder`.
    """
    names, images = [], []
    for path, image in iter_folder(folder, size):
        names.append(path.name)
        images.append(image)
    return torch.cat(images), names


def resize(images: Tensor, size: int | tuple[int, int]) -> Tensor:
    """Resize a batch `(N, C, H, W)` to `size` (one number: a square), bicubic with antialiasing, kept in [0, 1].

    Raises:
        ValueError: no such batch, or a size that is not greater than 0.
    """
    if not isinstance(images, Tensor) or images.ndim != 4 or not images.is_floating_point():
        given = tuple(images.shape) if isinstance(images, Tensor) else type(images).__name__
        raise ValueError(f"images must be a floating-point tensor of shape (N, C, H, W), not {given}.")
    how = {"mode": "bicubic", "antialias": True, "align_corners": False}
    out = torch.nn.functional.interpolate(precise(images), size=check_pair("size", size), **how)
    return out.clamp(0, 1).to(images.dtype)


def center_crop(images: Tensor, size: int | tuple[int, int]) -> Tensor:
    """Cut `size` (one number: a square) from the middle of a batch `(N, C, H, W)`.

    Raises:
        ValueError: a crop that is larger than the images.
    """
    height, width = check_pair("size", size)
    if height > images.shape[2] or width > images.shape[3]:
        raise ValueError(f"a crop of {height}x{width} does not fit in images of {images.shape[2]}x{images.shape[3]}.")
    top, left = (images.shape[2] - height) // 2, (images.shape[3] - width) // 2
    return images[:, :, top : top + height, left : left + width]
