"""Pictures in and out: files, folders, and a gallery of photos that installed packages ship.

Everywhere in the course a picture is a tensor `(N, 3, H, W)`, RGB, float, in [0, 1].
"""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError
from torch import Tensor

from course_utils.errors import ImageError
from course_utils.networks.weights import package_file

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff"}


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
    """
    known = {p.name for p in _PHOTOS}
    looks_like_a_path = isinstance(name, Path) or any(mark in str(name) for mark in "/\\.")
    path = Path(name) if str(name) not in known and looks_like_a_path else gallery()(str(name)).path
    return load_image(path, size, crop=crop)


def labelled_photos(size: int = 224) -> tuple[Tensor, list[int], list[str]]:
    """The 20 labelled photos: `(20, 3, size, size)`, their ImageNet classes, their names."""
    photos = gallery(labelled=True)
    return torch.cat([load_image(p.path, size) for p in photos]), [p.label for p in photos], photos.names


def open_image(path: str | Path | IO[bytes]) -> Image.Image:
    """Open a picture file, or an open binary file such as an upload, as RGB: turned as the camera says, transparency on white.

    Raises:
        ImageError: no such file, a folder, or not a picture.
    """
    name = "The file"
    if isinstance(path, (str, Path)):
        name = path = Path(path)
        if path.is_dir():
            raise ImageError(f"{path} is a folder; give one picture, or use load_folder.")
    try:
        with Image.open(path) as file:
            picture = ImageOps.exif_transpose(file)
            if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
                picture = picture.convert("RGBA")
                picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
            elif picture.mode.startswith("I;16") or picture.mode in ("I", "F"):
                values = np.asarray(picture, dtype=np.float32)
                values = values / (
                    65535 if values.max() > 255 else max(float(values.max()), 1.0) if values.max() <= 1 else 255
                )
                picture = Image.fromarray((values.clip(0, 1) * 255).round().astype(np.uint8))
            return picture.convert("RGB")
    except FileNotFoundError:
        raise ImageError(f"There is no file {path}.") from None
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        kinds = ", ".join(sorted(s[1:] for s in SUFFIXES))
        raise ImageError(
            f"{name} cannot be read as a picture ({type(error).__name__}); known kinds: {kinds}."
        ) from None


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
        ImageError: a file that is missing, or that cannot be read as a picture.
        ValueError: a pair as `size` without `crop`.
    """
    picture = open_image(path)
    if size is not None and crop:
        height, width = (size, size) if isinstance(size, int) else size
        scale = max(height / picture.height, width / picture.width) * (8 / 7)
        picture = _scaled(picture, scale)
        left, top = round((picture.width - width) / 2), round((picture.height - height) / 2)
        picture = picture.crop((left, top, left + width, top + height))
    elif size is not None:
        if not isinstance(size, int):
            raise ValueError("size must be one number when crop is False: the length of the longer side.")
        picture = _scaled(picture, size / max(picture.size))
    return from_pil(picture)


def _scaled(picture: Image.Image, scale: float) -> Image.Image:
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return picture.resize(size, Image.Resampling.BICUBIC)


def from_pil(picture: Image.Image) -> Tensor:
    """A PIL picture as a tensor `(1, 3, H, W)` in [0, 1]."""
    values = np.array(picture.convert("RGB"))
    return torch.from_numpy(values).permute(2, 0, 1)[None].float().div(255)


def to_pil(image: Tensor) -> Image.Image:
    """A tensor `(3, H, W)`, `(1, 3, H, W)`, `(1, H, W)` or `(H, W)` in [0, 1] as a PIL picture; values outside are cut off.

    Raises:
        ValueError: another shape, or more than one picture.
    """
    image = image.detach().float().cpu()
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
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        to_pil(image).save(path)
    except (OSError, ValueError) as error:
        raise ImageError(f"{path} cannot be written: {error}") from None
    return path


def image_files(folder: str | Path) -> list[Path]:
    """The picture files of a folder and its subfolders, sorted.

    Raises:
        ImageError: no such folder, or no pictures in it.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ImageError(f"There is no folder {folder}.")
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    if not files:
        raise ImageError(f"The folder {folder} holds no pictures ({', '.join(sorted(s[1:] for s in SUFFIXES))}).")
    return files


def iter_folder(folder: str | Path, size: int = 224) -> Iterator[tuple[Path, Tensor]]:
    """Every readable picture of a folder, one at a time, as `(path, (1, 3, size, size))`.

    Broken files are skipped, and one warning at the end names them.

    Raises:
        ImageError: no such folder, no pictures in it, or none that can be read.
    """
    broken, good = [], 0
    for path in image_files(folder):
        try:
            image = load_image(path, size)
        except ImageError:
            broken.append(path.name)
            continue
        good += 1
        yield path, image
    if broken:
        message = (
            f"{len(broken)} of {len(broken) + good} files in {folder} cannot be read as pictures: {', '.join(broken)}"
        )
        if not good:
            raise ImageError(message)
        warnings.warn(message, stacklevel=2)


def load_folder(folder: str | Path, size: int = 224) -> tuple[Tensor, list[str]]:
    """All readable pictures of a folder: `(N, 3, size, size)` and their file names. See `iter_folder`."""
    names, images = [], []
    for path, image in iter_folder(folder, size):
        names.append(path.name)
        images.append(image)
    return torch.cat(images), names


def resize(images: Tensor, size: int | tuple[int, int]) -> Tensor:
    """Resize a batch `(N, C, H, W)` to `size` (one number: a square), bicubic with antialiasing, kept in [0, 1]."""
    size = (size, size) if isinstance(size, int) else tuple(size)
    out = torch.nn.functional.interpolate(images, size=size, mode="bicubic", antialias=True, align_corners=False)
    return out.clamp(0, 1)


def center_crop(images: Tensor, size: int | tuple[int, int]) -> Tensor:
    """Cut `size` (one number: a square) from the middle of a batch `(N, C, H, W)`.

    Raises:
        ValueError: a crop that is larger than the images.
    """
    height, width = (size, size) if isinstance(size, int) else size
    if height > images.shape[2] or width > images.shape[3]:
        raise ValueError(f"a crop of {height}x{width} does not fit in images of {images.shape[2]}x{images.shape[3]}.")
    top, left = (images.shape[2] - height) // 2, (images.shape[3] - width) // 2
    return images[:, :, top : top + height, left : left + width]
