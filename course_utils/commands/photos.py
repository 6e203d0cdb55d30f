"""`course photos`: Imagenette, thousands of small photos of ten kinds, for lessons that look at many."""

from __future__ import annotations

import hashlib
import shutil
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from course_utils.errors import CourseError

URL = "https://s3.amazonaws.com/fast-ai-imageclas/imagenette2-160.tgz"  # torchvision's address and md5 of size 160px
MD5 = "e793b78cc4c9e9a4ccc0c1155377a412"
NAME = "imagenette2-160"
CHUNK = 1 << 16


def get_photos(to: Path) -> int:
    """Download Imagenette once and unpack it below a folder.

    An interrupted download goes on where it stopped. What is half done lies in a folder of its own beside the photos,
    so that a folder `imagenette2-160` is always complete.

    Args:
        to: the folder; it is made if needed.

    Returns:
        The exit status, 0.

    Raises:
        CourseError: no connection, one that broke, or an archive that is not the expected one.
    """
    ready = to / NAME
    if not ready.is_dir():
        half_done = to / ".imagenette"
        half_done.mkdir(parents=True, exist_ok=True)
        fetch(URL, half_done / f"{NAME}.tgz", MD5)
        _unpack(half_done)
        (half_done / NAME).rename(ready)
        shutil.rmtree(half_done)
    for split in ("train", "val"):
        print(f"{sum(1 for _ in (ready / split).rglob('*.JPEG')):,} photos in {ready / split}")
    print(f'In a notebook: top_patches(net, "{(ready / "val").as_posix()}", layer, size=112)')
    return 0


def fetch(url: str, path: Path, md5: str) -> None:
    """Download one file, with a bar; bytes that an earlier try brought are kept in `path` + ".part".

    Raises:
        CourseError: no connection, one that broke, or another content than that of `md5`.
    """
    if path.is_file() and _md5(path) == md5:
        return
    part = path.with_name(path.name + ".part")
    try:
        _append(url, part)
    except (OSError, HTTPException) as error:  # URLError and timeouts are OSErrors
        reason = getattr(error, "reason", None) or error
        raise CourseError(
            f"{path.name} cannot be downloaded from {urlsplit(url).netloc} ({str(reason) or type(reason).__name__}). "
            "The course works without it. With a connection, run the command again; it goes on where it stopped."
        ) from None
    if _md5(part) != md5:
        part.unlink()
        raise CourseError(f"{path.name} came damaged and was deleted. Run the command again.")
    part.replace(path)


def _append(url: str, part: Path) -> None:
    """Bring the bytes that are missing at the end of a file."""
    from tqdm.auto import tqdm

    there = part.stat().st_size if part.is_file() else 0
    wanted = {"Range": f"bytes={there}-"} if there else {}
    try:
        response = urlopen(Request(url, headers={"User-Agent": "course", **wanted}), timeout=30)
    except HTTPError as error:
        if error.code == 416 and there:  # nothing is missing
            return
        raise
    with response:
        there = there if response.status == 206 else 0  # a server that cannot go on sends all of it again
        total = there + int(response.headers["Content-Length"])
        bar = tqdm(total=total, initial=there, unit="B", unit_scale=True, desc=part.stem)
        with bar, part.open("ab" if there else "wb") as file:
            while chunk := response.read(CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
    if part.stat().st_size < total:
        raise ConnectionError("the connection broke")


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _unpack(folder: Path) -> None:
    """Let torchvision unpack the archive that lies in the folder, and see that both of its parts are there."""
    from torchvision.datasets import Imagenette

    shutil.rmtree(folder / NAME, ignore_errors=True)  # of a try that was interrupted
    print("unpacking ...")
    for split in ("train", "val"):
        Imagenette(folder, split=split, size="160px", download=not (folder / NAME).is_dir())
