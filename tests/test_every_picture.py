"""Every picture file that people bring: read right, or one line that says why not. One bad file never ends a folder."""

import io
import os
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from course_utils import image_files, iter_folder, load_folder, load_image, photo, save_image
from course_utils.errors import ImageError
from course_utils.images import MOST, from_pil, resize, to_pil

RAMP = np.linspace(0, 1, 12 * 16).reshape(12, 16)  # dark on top, bright at the bottom
EIGHT, SIXTEEN = (RAMP * 255).round().astype(np.uint8), (RAMP * 65535).round().astype(np.uint16)
COLORS = np.stack([EIGHT, EIGHT[::-1], EIGHT[:, ::-1]], -1)


def png(width, height, depth, color, rows: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG file by hand: PIL writes no 16-bit colors and no 16-bit transparency."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(chunk(*one) for one in chunks) + body


def png16(values: np.ndarray, *chunks) -> bytes:
    color = 2 if values.ndim == 3 else 0
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    return png(values.shape[1], values.shape[0], 16, color, rows, *chunks)


def tiff(
    values: np.ndarray, dtype: str, *, sample: int = 1, photometric: int | None = None, data: bytes = b""
) -> bytes:
    """A TIFF file by hand: `(H, W)`, colors as `(H, W, C)`, or in planes as `(3, H, W)`. PIL writes few of them."""
    values = np.asarray(values).astype(dtype)
    planes = values.ndim == 3 and values.shape[0] == 3
    height, width = values.shape[1:] if planes else values.shape[:2]
    colors = 1 if values.ndim == 2 else values.shape[0 if planes else 2]
    data, bits = data or values.tobytes(), 12 if data else 8 * values.itemsize
    photometric = (2 if colors == 3 else 1) if photometric is None else photometric
    parts = 3 if planes else 1  # how many strips
    shorts = {256: [width], 257: [height], 258: [bits] * colors, 259: [1], 262: [photometric]}
    shorts |= {277: [colors], 278: [height], 284: [2 if planes else 1], 339: [sample] * colors}
    longs = {273: [8 + part * len(data) // parts for part in range(parts)], 279: [len(data) // parts] * parts}
    table, behind, more = b"", 8 + len(data) + 2 + 12 * (len(shorts) + len(longs)) + 4, b""
    for number, entries in sorted({**shorts, **longs}.items()):
        kind, size = ("H", 3) if number in shorts else ("I", 4)
        packed = struct.pack(f"<{len(entries)}{kind}", *entries)
        table += struct.pack("<HHI", number, size, len(entries))
        table += packed.ljust(4, b"\0") if len(packed) <= 4 else struct.pack("<I", behind + len(more))
        more += packed if len(packed) > 4 else b""
    head = b"II*\0" + struct.pack("<I", 8 + len(data))
    return head + data + struct.pack("<H", len(shorts) + len(longs)) + table + bytes(4) + more


def tiff_12(values: np.ndarray) -> bytes:
    """Two numbers in three bytes."""
    numbers = (values * 4095).round().astype(int)
    first, second = numbers[:, ::2], numbers[:, 1::2]
    packed = np.stack([first >> 4, (first & 15) << 4 | second >> 8, second & 255], -1)
    return tiff(numbers, "<u2", data=packed.astype(np.uint8).tobytes())


def saved(picture: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def read(path, content: bytes) -> np.ndarray:
    """The file's picture as `(H, W, 3)` numbers in [0, 1]."""
    path.write_bytes(content)
    return load_image(path, None)[0].permute(1, 2, 0).numpy().astype(float)


GRAY = np.repeat(RAMP[..., None], 3, 2)
HOLE = np.where(np.arange(16) < 8, 255, 0).astype(np.uint8) * np.ones(
    (12, 1), np.uint8
)  # the right half is transparent
ON_WHITE = np.where(np.arange(16)[None, :, None] < 8, GRAY, 1.0)
LEVELS = Image.fromarray(EIGHT)

RIGHT = {
    "8 bits": (saved(LEVELS, "PNG"), GRAY),
    "16 bits": (png16(SIXTEEN), GRAY),
    "16 bits, dark": (png16(SIXTEEN // 300), GRAY / 300),
    "16 bits, nearly black": (png16(SIXTEEN // 65535), GRAY * 0),
    "16 bits, TIFF": (saved(Image.fromarray(SIXTEEN), "TIFF"), GRAY),
    "16 bits, dark TIFF": (saved(Image.fromarray(SIXTEEN // 300), "TIFF"), GRAY / 300),
    "16 bits, PGM": (b"P5 16 12 65535\n" + SIXTEEN.astype(">u2").tobytes(), GRAY),
    "16 bits, dark PGM": (b"P5 16 12 65535\n" + (SIXTEEN // 300).astype(">u2").tobytes(), GRAY / 300),
    "16-bit colors": (png16(COLORS.astype(np.uint16) * 257), COLORS / 255),
    "16-bit colors, dark": (png16(COLORS.astype(np.uint16)), COLORS * 0),
    "16 bits with a transparent value": (
        png16(np.where(HOLE > 0, SIXTEEN, 12345).astype(np.uint16), (b"tRNS", struct.pack(">H", 12345))),
        ON_WHITE,
    ),
    "16-bit colors with a transparent one": (
        png16(
            np.where(HOLE[..., None] > 0, COLORS.astype(np.uint16) * 257, [60000, 1000, 30000]),
            (b"tRNS", struct.pack(">HHH", 60000, 1000, 30000)),
        ),
        np.where(HOLE[..., None] > 0, COLORS / 255, 1.0),
    ),
    "floats": (saved(Image.fromarray(RAMP.astype(np.float32)), "TIFF"), GRAY),
    "dark floats": (saved(Image.fromarray((RAMP / 10).astype(np.float32)), "TIFF"), GRAY / 10),
    "floats that overshoot": (
        saved(Image.fromarray((RAMP * 1.1).astype(np.float32)), "TIFF"),
        (GRAY * 1.1).clip(0, 1),
    ),
    "floats where 0 is white": (tiff(1 - RAMP, "<f4", sample=3, photometric=0), GRAY),
    "12 bits": (tiff_12(RAMP), GRAY),
    "12 bits, dark": (tiff_12(RAMP / 20), GRAY / 20),
    "16 bits where 0 is white": (tiff(65535 - SIXTEEN, "<u2", photometric=0), GRAY),
    "8 bits where 0 is white": (tiff(255 - EIGHT, "u1", photometric=0), GRAY),
    "8 bits, in planes": (tiff(COLORS.transpose(2, 0, 1), "u1"), COLORS / 255),
    "one bit": (saved(Image.fromarray(HOLE).convert("1"), "PNG"), np.repeat(HOLE[..., None] / 255, 3, 2)),
    "gray with alpha": (saved(Image.merge("LA", [LEVELS, Image.fromarray(HOLE)]), "PNG"), ON_WHITE),
    "colors with alpha": (saved(Image.merge("RGBA", [LEVELS] * 3 + [Image.fromarray(HOLE)]), "PNG"), ON_WHITE),
    "gray with a transparent value": (
        saved(Image.fromarray(np.where(HOLE > 0, EIGHT, 3).astype(np.uint8)), "PNG", transparency=3),
        np.where((HOLE > 0)[..., None] & (EIGHT != 3)[..., None], GRAY, 1.0),
    ),
    "a palette": (saved(LEVELS.convert("P"), "PNG"), GRAY),
    "a palette with transparency": (
        saved(Image.fromarray(np.where(HOLE > 0, EIGHT, 0)).convert("P"), "PNG", transparency=0),
        np.where((np.where(HOLE > 0, EIGHT, 0) > 0)[..., None], GRAY, 1.0),
    ),
    "a palette with alpha for each color": (
        saved(LEVELS.convert("P"), "PNG", transparency=bytes([255] * 255 + [0])),
        GRAY,
    ),
    "a GIF": (saved(LEVELS, "GIF"), GRAY),
    "BMP": (saved(Image.fromarray(COLORS), "BMP"), COLORS / 255),
    "WebP": (saved(Image.fromarray(COLORS), "WEBP", lossless=True), COLORS / 255),
    "CMYK": (saved(Image.fromarray(COLORS).convert("CMYK"), "TIFF"), COLORS / 255),
    "YCbCr": (saved(Image.fromarray(COLORS).convert("YCbCr"), "TIFF"), COLORS / 255),
    "a single pixel": (saved(Image.new("RGB", (1, 1), (255, 0, 0)), "PNG"), np.array([[[1.0, 0, 0]]])),
    "a damaged profile": (saved(Image.fromarray(COLORS), "PNG", icc_profile=b"no profile"), COLORS / 255),
    "a profile for other channels": (
        saved(LEVELS, "TIFF", icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()),
        GRAY,
    ),
    "sRGB says that it is sRGB": (
        saved(
            Image.fromarray(COLORS),
            "PNG",
            icc_profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes(),
        ),
        COLORS / 255,
    ),
}


@pytest.mark.parametrize("name", RIGHT)
def test_is_read_right(tmp_path, name):
    content, right = RIGHT[name]
    found = read(tmp_path / "picture", content)
    assert found.shape == right.shape
    assert np.abs(found - right).max() < (0.02 if name in ("CMYK", "YCbCr") else 1.01 / 255)


def display_p3() -> bytes:
    """Display P3, made by hand: sRGB's curve, with wider red, green and blue."""
    # from the profile's own tables: red, green and blue of P3 for D50, and sRGB's gamma by 2.2 is close enough here
    fixed = [struct.pack(">i", round(v * 65536)) for v in (0.51512, 0.2412, -0.00105)]
    green, blue = [(0.29198, 0.69225, 0.04189), (0.1571, 0.06657, 0.78407)]
    xyz = {b"rXYZ": b"".join(fixed)}
    for name, values in ((b"gXYZ", green), (b"bXYZ", blue), (b"wtpt", (0.9642, 1.0, 0.82491))):
        xyz[name] = b"".join(struct.pack(">i", round(v * 65536)) for v in values)
    tags = {name: b"XYZ \0\0\0\0" + data for name, data in xyz.items()}
    tags |= dict.fromkeys(
        (b"rTRC", b"gTRC", b"bTRC"), b"curv\0\0\0\0" + struct.pack(">IH", 1, round(2.2 * 256)) + b"\0\0"
    )
    text = b"Display P3\0"
    tags[b"desc"] = b"desc\0\0\0\0" + struct.pack(">I", len(text)) + text + b"\0" * 79
    place, table, data = 128 + 4 + 12 * len(tags), b"", b""
    for name, value in tags.items():
        value += b"\0" * (-len(value) % 4)
        table += name + struct.pack(">II", place + len(data), len(value))
        data += value
    head = b"\0" * 4 + b"\2\x10\0\0" + b"mntrRGB XYZ " + b"\0" * 12 + b"acsp" + b"\0" * 28
    head += struct.pack(">iii", *(round(v * 65536) for v in (0.9642, 1.0, 0.82491)))
    body = head.ljust(124, b"\0") + struct.pack(">I", len(tags)) + table + data
    return struct.pack(">I", len(body) + 4) + body


def test_wide_colors_become_srgb(tmp_path):
    """A pale red of Display P3 is a stronger red in sRGB; gray stays gray."""
    picture = Image.new("RGB", (4, 4), (200, 100, 100))
    plain = read(tmp_path / "plain.png", saved(picture, "PNG"))[0, 0]
    wide = read(tmp_path / "wide.png", saved(picture, "PNG", icc_profile=display_p3()))[0, 0]
    assert wide[0] > plain[0] + 0.02 and wide[1] < plain[1] - 0.02
    gray = read(tmp_path / "gray.png", saved(Image.new("RGB", (4, 4), (120,) * 3), "PNG", icc_profile=display_p3()))
    assert np.abs(gray - 120 / 255).max() < 0.03


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_is_turned_as_the_camera_says(tmp_path, kind, orientation):
    stored = Image.fromarray(np.kron(np.array([[0, 80, 160], [240, 120, 40]]), np.ones((8, 8))).astype(np.uint8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    found = read(tmp_path / "x", saved(stored.convert("RGB"), kind, exif=exif, quality=95))[..., 0]
    stored = np.asarray(stored) / 255
    right = [
        stored, stored[:, ::-1], stored[::-1, ::-1], stored[::-1], stored.T, np.rot90(stored, -1),
        stored[::-1, ::-1].T, np.rot90(stored),
    ][orientation - 1]  # fmt: skip
    assert found.shape == right.shape and np.abs(found - right).mean() < 0.02


def text_resolution() -> bytes:
    """A JPEG whose EXIF holds a resolution as text and an orientation."""
    entries = [(0x0112, 3, 1, struct.pack(">HH", 6, 0)), (0x011A, 2, 4, b"72\0\0")]
    table = b"".join(struct.pack(">HHI", tag, kind, count) + value for tag, kind, count, value in entries)
    exif = b"Exif\0\0MM\0*" + struct.pack(">IH", 8, len(entries)) + table + struct.pack(">I", 0)
    return saved(Image.fromarray(COLORS), "JPEG", exif=exif)


def test_a_resolution_as_text(tmp_path):
    """It ended a folder, an upload and the tour; its orientation can still be read."""
    assert read(tmp_path / "x.jpg", text_resolution()).shape == (16, 12, 3)


def huge_png(width, height):
    return png(width, height, 8, 0, b"")


NO_PICTURES = {
    "empty": (b"", "it is empty"),
    "text": (b"only words", "no known kind"),
    "a web page": (b"<!DOCTYPE html><html>", "web page"),
    "SVG": (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg">', "SVG.*PNG"),
    "PDF": (b"%PDF-1.7\n", "PDF.*PNG"),
    "PostScript": (b"%!PS-Adobe-2.0\n", "PostScript|damaged"),
    "PostScript with a box": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\n", "PostScript.*PNG"),
    "HEIC": (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC.*JPEG"),
    "HEIC, of another camera": (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic", "HEIC.*JPEG"),
    "a damaged AVIF": (b"\0\0\0\x18ftypavif\0\0\0\0mif1avif", "AVIF|damaged"),
    "a video": (b"\0\0\0\x18ftypisom\0\0\0\0isomavc1", "video"),
    "JPEG XL": (b"\xff\x0a\x00\x00", "JPEG XL"),
    "a zip file": (b"PK\x03\x04" + bytes(40), "zip"),
    "a pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "git lfs pull"),
    "the begin of a JPEG": (saved(Image.fromarray(COLORS), "JPEG")[:20], "damaged|cut short"),
    "half a JPEG": (saved(Image.fromarray(np.kron(COLORS, np.ones((8, 8, 1), np.uint8))), "JPEG")[:700], "cut short"),
    "half a PNG": (saved(Image.fromarray(COLORS), "PNG")[:80], "cut short|damaged"),
    "half a GIF": (saved(LEVELS, "GIF")[:200], "cut short|damaged"),
    "half a BMP": (saved(Image.fromarray(COLORS), "BMP")[:100], "cut short|damaged"),
    "half a TIFF": (saved(Image.fromarray(COLORS), "TIFF")[:60], "cut short|damaged"),
    "half a WebP": (saved(Image.fromarray(COLORS), "WEBP")[:40], "cut short|damaged"),
    "a PNG with a wrong checksum": (saved(LEVELS, "PNG").replace(b"IDAT", b"IDAU"), "cut short|damaged"),
    "225 megapixels": (huge_png(15000, 15000), "too large: 225 megapixels"),
    "a billion pixels": (huge_png(40000, 40000), "too large: 1600 megapixels"),
    "just too large": (huge_png(20000, MOST // 20000 + 1), "too large: 100 megapixels"),
    "negative numbers": (saved(Image.fromarray((RAMP - 0.5).astype(np.float32)), "TIFF"), "what is white"),
    "NaN": (saved(Image.fromarray(np.full((4, 4), np.nan, np.float32)), "TIFF"), "what is white"),
    "32-bit integers": (tiff(EIGHT, "<u4"), "32 bits and does not say what is white"),
    "a mask of 32-bit integers": (tiff(HOLE > 0, "<u4"), "32 bits and does not say what is white"),
    "32-bit integers with a sign": (saved(Image.fromarray(EIGHT.astype(np.int32)), "TIFF"), "sign.*what is white"),
    "16 bits with a sign": (tiff(SIXTEEN // 2, "<i2", sample=2), "sign.*what is white"),
    "8 bits with a sign": (tiff(EIGHT // 2, "i1", sample=2), "sign.*what is white"),
    "floats to 255": (tiff(EIGHT, "<f4", sample=3), "from 0 to 255 .* what is white"),
    "16 bits in planes": (tiff(np.stack([SIXTEEN] * 3), "<u2"), "separate planes"),
    "colors of 32-bit floats": (tiff(np.stack([RAMP] * 3, -1), "<f4", sample=3), "a form that is not read"),
    "five colors": (tiff(np.stack([EIGHT] * 5, -1), "u1"), "a form that is not read"),
    "numbers without an end": (saved(Image.fromarray((RAMP * 1e6).astype(np.float32)), "TIFF"), "what is white"),
}


@pytest.mark.parametrize("name", NO_PICTURES)
def test_what_cannot_be_read_says_why(tmp_path, name):
    content, words = NO_PICTURES[name]
    path = tmp_path / "picture.jpg"
    path.write_bytes(content)
    for given in (path, str(path), io.BytesIO(content)):
        with pytest.raises(ImageError, match=words) as caught:
            load_image(given)
        assert "\n" not in str(caught.value) and str(caught.value).endswith(".")


def test_every_damage_is_one_line(tmp_path):
    """Bytes of good files changed at random: read, or one line. No decoder's own exception comes through."""
    draw, outcomes = np.random.default_rng(0), set()
    files = [saved(Image.fromarray(COLORS), kind) for kind in ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM")]
    for number in range(700):
        content = bytearray(files[number % len(files)])
        for place in draw.integers(0, len(content), draw.integers(1, 6)):
            content[place] = draw.integers(0, 256)
        try:
            load_image(io.BytesIO(bytes(content)), 8)
            outcomes.add("read")
        except ImageError as error:
            assert "\n" not in str(error)
            outcomes.add("refused")
    assert outcomes == {"read", "refused"}


@pytest.mark.parametrize("given", [None, 3, b"bytes", np.zeros((4, 4)), torch.zeros(1, 3, 4, 4)])
def test_what_is_no_file_says_so(given):
    with pytest.raises(TypeError, match="a picture is a path or an open binary file"):
        load_image(given)


def test_files_that_are_none(tmp_path):
    for path, words in (
        (tmp_path, "is a folder"),
        (tmp_path / "none.jpg", "There is no file"),
        (tmp_path / ("long" * 200), "no file|cannot be read"),
        ("with\0zero.jpg", "cannot be read|no file"),
    ):
        with pytest.raises(ImageError, match=words) as caught:
            load_image(path)
        assert "\n" not in str(caught.value)
    (tmp_path / "x.png").write_bytes(saved(LEVELS, "PNG"))
    with (tmp_path / "x.png").open(encoding="latin1") as file, pytest.raises(ImageError, match="rb|damaged"):
        load_image(file)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes here")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ImageError, match="a device or a pipe"):
        load_image(tmp_path / "pipe.png")


def test_more_than_one_picture(tmp_path):
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue")]
    for kind in ("GIF", "TIFF", "WEBP", "PNG"):
        frames[0].save(tmp_path / "x", kind, save_all=True, append_images=frames[1:])
        with pytest.warns(UserWarning, match="more than one picture; the first is taken"):
            image = load_image(tmp_path / "x", None)
        assert (image - torch.tensor([1.0, 0, 0]).view(1, 3, 1, 1)).abs().max() < 0.02


@pytest.mark.parametrize("size", [(1, 60000), (60000, 1), (3, 40000), (1, 1), (2, 1)])
def test_thin_and_tiny_pictures(tmp_path, size):
    """Enlarging the whole of a thin one would take 15 billion pixels."""
    Image.new("RGB", size, (10, 200, 30)).save(tmp_path / "x.png")
    image = load_image(tmp_path / "x.png", 32)
    assert image.shape == (1, 3, 32, 32)
    assert (image - torch.tensor([10, 200, 30]).view(1, 3, 1, 1) / 255).abs().max() < 0.01
    assert max(load_image(tmp_path / "x.png", 32, crop=False).shape[2:]) == 32


def test_the_middle_of_a_long_picture_is_its_middle(tmp_path):
    values = np.tile(np.linspace(0, 255, 4001).round().astype(np.uint8), (3, 1))
    Image.fromarray(values).save(tmp_path / "x.png")
    assert (load_image(tmp_path / "x.png", 12) - 0.5).abs().max() < 0.01


def test_a_huge_jpeg_is_decoded_small(tmp_path):
    """48 megapixels, as phones make them; without the draft this takes 144 MB and ten times as long."""
    Image.new("RGB", (8000, 6000), (200, 30, 90)).save(tmp_path / "x.jpg")
    sizes, whole = [], Image.Image.load
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Image.Image, "resize", watched(Image.Image.resize, sizes))
        image = load_image(tmp_path / "x.jpg", 64)
    assert sizes and max(sizes[0]) <= 1000 and whole is Image.Image.load
    assert (image - torch.tensor([200, 30, 90]).view(1, 3, 1, 1) / 255).abs().max() < 0.01


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_many_bits_take_little_memory(tmp_path, dtype):
    """12 megapixels; as floats of 64 bits, all at once, they take 96 MB several times."""
    Image.fromarray(np.ones((3000, 4000), dtype)).save(tmp_path / "x.tif")
    tracemalloc.start()
    try:
        load_image(tmp_path / "x.tif", 64)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 120e6, f"{peak / 1e6:.0f} MB"


def watched(resize, sizes):
    def call(picture, *args, **options):
        sizes.append(picture.size)
        return resize(picture, *args, **options)

    return call


@pytest.mark.parametrize(
    "size, error, words",
    [
        (0, ValueError, "greater than 0"),
        (-5, ValueError, "greater than 0"),
        (2.5, TypeError, "whole number"),
        ("big", TypeError, "whole number"),
        ((5,), TypeError, "whole number"),
        ((0, 5), ValueError, "greater than 0"),
        (True, TypeError, "whole number"),
        (100_000, ValueError, "megapixels"),
    ],
)
def test_sizes_that_make_no_picture(size, error, words):
    with pytest.raises(error, match=words) as caught:
        photo("cat", size)
    assert "\n" not in str(caught.value)


def test_sizes_as_numpy_has_them():
    plain = photo("cat", 24)
    assert torch.equal(photo("cat", np.int64(24)), plain) and torch.equal(photo("cat", np.array([24, 24])), plain)
    assert torch.equal(resize(plain, np.int64(9)), resize(plain, 9))


def make_folder(folder):
    """Good files, hidden ones, and what a phone and a browser leave there."""
    folder.mkdir()
    for name in ("a.png", "b.PNG", "deep/c.png", ".hidden.png", ".ipynb_checkpoints/a-checkpoint.png"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        save_image(torch.rand(1, 3, 9, 12), folder / name)
    for name in ("._a.png", "__MACOSX/._a.png", "Thumbs.db", ".DS_Store", "notes.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"\0\x05\x16\x07")
    (folder / "album.jpg").mkdir()  # a folder with a picture's name
    return folder


def test_hidden_files_are_no_pictures(tmp_path):
    folder = make_folder(tmp_path / "photos")
    assert [path.name for path in image_files(folder)] == ["a.png", "b.PNG", "c.png"]
    assert load_folder(folder, 8)[1] == ["a.png", "b.PNG", "c.png"]


def test_a_hidden_place_is_no_hidden_picture(tmp_path):
    """Only what lies below the folder counts: its own path may go through .cache."""
    assert len(image_files(make_folder(tmp_path / ".cache"))) == 3


@pytest.mark.parametrize(
    "given, words", [(7, "not int"), (None, "not NoneType"), ([], "not list"), ("", "Which folder")]
)
def test_what_is_no_folder(given, words):
    for read in (load_folder, image_files):
        with pytest.raises((TypeError, ImageError), match=words):
            read(given)


def test_one_bad_file_never_ends_a_folder(tmp_path):
    folder = make_folder(tmp_path / "photos")
    for number, (content, _) in enumerate(NO_PICTURES.values()):
        (folder / f"bad{number}.jpg").write_bytes(content)
    (folder / "phone.heic").write_bytes(NO_PICTURES["HEIC"][0])
    (folder / "text.jpg").write_bytes(text_resolution())
    with pytest.warns(UserWarning, match=f"{len(NO_PICTURES) + 1} of .*bad0.jpg.*phone.heic"):
        images, names = load_folder(folder, 8)
    assert names == ["a.png", "b.PNG", "c.png", "text.jpg"] and images.shape == (4, 3, 8, 8)
    with pytest.raises(ImageError, match="is a file, not a folder"):
        list(iter_folder(folder / "a.png"))


@pytest.mark.parametrize("bad", [None, np.zeros((3, 4, 4)), torch.full((3, 4, 4), torch.nan), torch.rand(2, 4, 4)])
def test_what_is_no_image_is_not_saved(tmp_path, bad):
    with pytest.raises((TypeError, ValueError)) as caught:
        save_image(bad, tmp_path / "x.png")
    assert "\n" not in str(caught.value) and not (tmp_path / "x.png").exists()


def test_places_that_cannot_be_written(tmp_path):
    (tmp_path / "file").write_text("x")
    for path in (tmp_path / "file" / "x.png", tmp_path / "x", tmp_path):
        with pytest.raises(ImageError, match="cannot be written") as caught:
            save_image(torch.rand(1, 3, 4, 4), path)
        assert "\n" not in str(caught.value)


def test_half_precision_and_gradients_can_be_drawn():
    image = torch.rand(1, 3, 6, 6).half().requires_grad_()
    assert (from_pil(to_pil(image)) - image.detach().float()).abs().max() < 0.01
    assert resize(image.detach(), 4).dtype == torch.float16
