"""`course patches`: the strongest patches of a layer over a folder of any size, here or on a cluster."""

from __future__ import annotations

import csv
import hashlib
import os
import signal
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from course_utils.errors import CourseError
from course_utils.places import ready_to_write

if TYPE_CHECKING:
    from course_utils.engines.top_k import TopPatches

SHOWN = 8  # channels of the picture, if none are named
BATCH = 16  # images at a time
_AS_NAMED = {"encoding": "utf-8", "errors": "surrogateescape"}  # names of files are bytes


def find_patches(
    images: Path,
    *,
    layer: str,
    network: str,
    out: Path,
    channels: str | None = None,
    k: int = 9,
    window: int | None = None,
    size: int | None = None,
    scheduler: str | None = None,
    local_workers: int | None = None,
    checkpoint: Path | None = None,
) -> int:
    """Write `patches.csv` and `patches.png` into a folder.

    Returns:
        The exit status: 1 if some files could not be read at all, which the next run with a checkpoint tries again; 130
        if it was stopped before the end.

    Raises:
        CourseError: no such folder, network, layer or channel; nothing to write to; files that came or went
            meanwhile; what a cluster may do.
    """
    from course_utils.cluster import workers
    from course_utils.engines.patch_pass import patches_over
    from course_utils.images import warn_of_broken
    from course_utils.networks import load_network

    if out.exists() and not out.is_dir():
        raise CourseError(f"{out} is a file; --out needs a folder.")
    if out.resolve().is_relative_to(images.resolve()):
        raise CourseError(f"{out} lies in {images}: its picture would be one of the next run's. Choose another --out.")
    net = load_network(network)
    net.layer(layer)  # before anything is started
    size = size or net.input_size
    chosen, folder = _numbers(channels), images.absolute()  # not `resolve`: workers may have no such links
    before, count, _ = _walked(folder)
    with _written(out):
        ready_to_write(out)
    options = {"channels": chosen, "k": k, "per_image": 1, "photos": None, "window": window}
    started = time.monotonic()
    with _ended_by_sigterm(), workers(scheduler, local=local_workers) as client:
        options |= {"batch_size": BATCH, "size": size, "progress": True, "total": count}
        over = patches_over(net, folder, layer, **options, client=client, checkpoint=checkpoint)
    seconds = time.monotonic() - started
    names = over.skipped()
    for path in names[:20]:
        print(f"skipped, cannot be read as a picture: {path}", file=sys.stderr)
    if over.found is None:
        warn_of_broken(names, 0, images)  # raises
    after, _, named = _walked(folder, set(over.found.images.flatten().tolist()))
    if after != before:
        raise CourseError(
            f"Files were added to {images} or taken away meanwhile, so numbers no longer tell which file is which. "
            "Run it again."
        )
    with _written(out):
        _write(over.found, named, folder, out, size)
        (out / "broken.txt").write_text("".join(f"{name}\n" for name in names), **_AS_NAMED)
    print(f"{over.images} images in {seconds:.0f} s, {len(names)} broken: {out / 'patches.csv'}")
    if not over.whole:
        print("stopped before the end" + ("; the same command goes on" if checkpoint else ""), file=sys.stderr)
        return 130
    if over.unread:
        again = "the same command tries" if checkpoint else "with --checkpoint FILE the next run would try"
        print(f"{len(over.unread)} of them were not there, or the disk failed; {again} them again", file=sys.stderr)
    return 1 if over.unread else 0


def _numbers(text: str | None) -> list[int] | None:
    try:
        return list(dict.fromkeys(int(part) for part in text.split(","))) if text else None
    except ValueError:
        raise CourseError(f"--channels takes numbers such as 3,17,200; not {text!r}.") from None


def _walked(folder: Path, wanted: Collection[int] = ()) -> tuple[str, int, dict[int, str]]:
    """A hash of the names of a folder's images, how many they are, and the names of the wanted numbers."""
    from course_utils.images import walk_images

    digest, names = hashlib.sha256(), {}
    for number, path in enumerate(walk_images(folder)):  # it raises if there is none
        digest.update(os.fsencode(path) + b"\0")
        if number in wanted:
            names[number] = path.relative_to(folder).as_posix()
    return digest.hexdigest(), number + 1, names


def _write(found: TopPatches, names: dict[int, str], images: Path, out: Path, size: int) -> None:
    from course_utils.figures import show_patches

    with open(out / "patches.csv", "w", newline="", **_AS_NAMED) as file:
        writer = csv.writer(file)
        writer.writerow(["channel", "rank", "value", "image", "row", "column", "top", "left", "bottom", "right"])
        for line, channel in enumerate(found.channels.tolist()):
            for rank, number in enumerate(found.images[line].tolist()):
                if number >= 0:
                    place, box = found.places[line, rank].tolist(), found.boxes[line, rank].tolist()
                    value = repr(found.values[line, rank].item())
                    writer.writerow([channel, rank + 1, value, names[number], *place, *box])
    channels = found.channels[:SHOWN].tolist()
    title = f"{found.layer}, channels {channels[0]} to {channels[-1]}" if len(channels) > 1 else found.layer
    show_patches(found, images, channels=channels, size=size, title=title).savefig(out / "patches.png", dpi=150)


@contextmanager
def _written(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CourseError(f"{out}: the patches cannot be written ({error.strerror}).") from None


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """SIGTERM, as batch systems send it before their time is over, is like Ctrl-C: what there is, is kept."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
