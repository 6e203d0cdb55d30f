"""One look at any number of images: in this process, or over the workers of a cluster; a broken run can go on."""

from __future__ import annotations

import copy
import hashlib
import itertools
import os
import sys
import time
import warnings
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from course_utils.cluster.bar import long_bar
from course_utils.engines.streaming import batches, images_one_by_one
from course_utils.errors import CourseError, ImageError
from course_utils.images import load_image, walk_images, warn_of_broken
from course_utils.networks.network import Network, frozen
from course_utils.places import holds_something
from course_utils.validate import check_batch, check_client, check_module, check_path, check_whole

if TYPE_CHECKING:
    from distributed import Client
    from tqdm import tqdm

SECONDS = 20  # between two checkpoints
FILES = 256  # of a chunk


@dataclass
class Pass(ABC):
    """What is done with each batch of images. Its fields, the network aside, are its options.

    Attributes:
        net: the network.
        layer: which layer it looks at.
        batch_size: images at a time.
        size: side to which pictures of files are cut.
        in_chunks: whether `merge` must see every part, the first one, too (then with None).
    """

    net: Network
    layer: str
    batch_size: int
    size: int
    in_chunks = False

    @abstractmethod
    def take(self, found: Any, first: int, batch: Tensor) -> Any:
        """What is found, with a batch of images more; `first` is the number of its first, `found` None at the start."""

    @abstractmethod
    def merge(self, found: Any, other: Any) -> Any:
        """What is found over two sets of images."""

    def key(self) -> str:
        """A hash of all that the result depends on, but for the images."""
        digest = hashlib.sha256(repr((type(self).__name__, getattr(self.net, "model", self.net))).encode())
        for name, tensor in [*self.net.named_parameters(), *self.net.named_buffers()]:
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode() + _bytes(tensor))
        digest.update(repr([(f.name, getattr(self, f.name)) for f in fields(self) if f.name != "net"]).encode())
        return digest.hexdigest()


def _bytes(tensor: Tensor) -> bytes:
    return tensor.detach().cpu().contiguous().view(-1).view(torch.uint8).numpy().tobytes()


@dataclass
class Chunk:
    """Images that one worker looks at.

    Attributes:
        first: the number of the first.
        images: paths of files, or the images themselves.
        names: what each was known by before anybody read it; see `_known_as`.
    """

    first: int
    images: list[str | Tensor]
    names: list[str] = field(default_factory=list)

    def split(self, batch_size: int) -> list[Chunk]:
        """Halves, of whole batches as long as there are several; [] for a single image."""
        if len(self.images) < 2:
            return []
        half = len(self.images) // 2
        half = half - half % batch_size or (batch_size if len(self.images) > batch_size else half)
        return [
            Chunk(self.first, self.images[:half], self.names[:half]),
            Chunk(self.first + half, self.images[half:], self.names[half:]),
        ]


@dataclass
class Over:
    """What came of a pass.

    Attributes:
        found: what was found; None if there was no image.
        images: how many were looked at; those of an earlier run that this one went on from are among them.
        broken: number and path of each file that could not be read.
        unread: the same of those that a later run may be able to read: the disk or the workers failed.
        whole: whether all images were looked at.
    """

    found: Any = None
    images: int = 0
    broken: list[tuple[int, str]] = field(default_factory=list)
    unread: list[tuple[int, str]] = field(default_factory=list)
    whole: bool = True

    def skipped(self) -> list[str]:
        """The paths of all files that are not in what was found, in the order of their numbers."""
        return [path for _, path in sorted(self.broken + self.unread)]

    def warn(self, images: Any) -> None:
        """Warn the caller's caller of broken files of these images, and that a pass was stopped.

        Raises:
            ImageError: there was no other file.
        """
        where = images if isinstance(images, (str, Path)) else "the list"
        warn_of_broken([Path(path).name for path in self.skipped()], self.images, where, stacklevel=4)
        if not self.whole:
            warnings.warn(f"Stopped: the result is of {self.images} images only.", stacklevel=3)


@dataclass
class Look:
    """A pass over a chunk of images, on a worker or here.

    Attributes:
        task: what to do with them.
        device: the kind of device on which a worker computes; None here, where the network stays where it is.
        folder: in which all images are, if they are in one.
    """

    task: Pass
    device: str | None
    folder: Path | None = None

    def begin(self, folder: str) -> str:
        """Why this worker cannot take part, or ""."""
        try:
            torch.zeros(1, device=self.device)
        except (RuntimeError, AssertionError):
            return f"it has no GPU like the client's ({self.device}); move the network to the CPU to use it"
        return ""

    def __call__(self, chunk: Chunk) -> tuple[Any, list[tuple[int, str]], list[tuple[int, str]]]:
        """What is found in the chunk, its broken files, and those that could not be read at all.

        Raises:
            NotHere: a worker sees none of its files, nor their folders.
        """
        on_worker = self.device is not None
        if on_worker:
            self.task.net.to(self.device)
        found, broken = None, []
        with frozen(self.task.net), torch.inference_mode():
            options = {"first": chunk.first, "broken": broken}
            for first, batch in batches(chunk.images, self.task.batch_size, self.task.size, **options):
                found = self.task.take(found, first, batch)
        folders = {Path(path).parent for _, path in broken}
        if on_worker and len(broken) == len(chunk.images) and not any(map(holds_something, folders)):
            from course_utils.cluster.run import NotHere

            whole = self.folder is not None and not holds_something(self.folder)
            missing = self.folder if whole else broken[0][1]
            raise NotHere(f"it does not see {missing}: images are read where the workers run")
        unread = [one for one in broken if not _broken_for_good(one[1], self.task.size)]
        return found, [one for one in broken if one not in unread], unread


def _broken_for_good(path: str, size: int) -> bool:
    """Whether the disk gives a file's bytes, and they are no picture.

    A file may be missing here for now only, and what fails once may have been the disk or the memory.
    """
    with suppress(ImageError), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        load_image(path, size)
        return False
    try:
        if not Path(path).is_file():  # a pipe would be read forever
            return Path(path).exists()
        with open(path, "rb") as file:
            while file.read(1 << 20):
                pass
    except OSError:
        return False
    return True


def go_over(
    task: Pass,
    images: Iterable | Tensor | str | Path,
    *,
    client: Client | None = None,
    checkpoint: str | Path | None = None,
    chunk: int | None = None,
    progress: bool = True,
    title: str = "",
    total: int | None = None,
) -> Over:
    """Look at every image once. An interrupted pass gives what it has.

    Args:
        task: what to do with them.
        images: see `batches`.
        client: of Dask's workers, which then read the files; None for this process.
        checkpoint: a file from which a later call goes on; None for none.
        chunk: images that go to a worker at a time, made a multiple of the batch size; None for 256 files, or two
            batches of images that are no files. Without a client and a checkpoint there are no chunks.
        progress: whether to show a bar.
        title: of the bar.
        total: how many images a folder holds, if the caller has counted them for the bar.

    Raises:
        CourseError: see `course_utils.cluster`.
        ImageError: a folder without pictures.
        TypeError, ValueError: no network, a tensor that is no batch, no client, or no path of a checkpoint.
    """
    check_module(task.net)
    check_client(client)
    if isinstance(images, Tensor):
        check_batch(None, images)
        total = len(images)
    if chunk is not None:
        check_whole(chunk=chunk)
    if checkpoint is not None:
        check_path(checkpoint=checkpoint)
    if progress and total is None and isinstance(images, (str, Path)):
        total = sum(1 for _ in walk_images(images))
    bar = long_bar(total, title=title, leave=False, disable=not progress)
    over = Over()
    with bar:
        try:
            if client is None and checkpoint is None and not task.in_chunks:
                _here(task, images, over, bar)
            else:
                _in_chunks(task, images, over, bar, client, checkpoint, chunk)
        except KeyboardInterrupt:
            if over.found is None:
                raise  # there is nothing to return yet
            over.whole = False
    return over


def _device(net: nn.Module) -> str:
    parameter = next(net.parameters(), None)
    return "cpu" if parameter is None else parameter.device.type


def _here(task: Pass, images: Any, over: Over, bar: tqdm) -> None:
    with frozen(task.net), torch.inference_mode():
        for first, batch in batches(images, task.batch_size, task.size, broken=over.broken):
            over.found = task.take(over.found, first, batch)
            over.images += len(batch)
            bar.update(len(batch))


def _in_chunks(
    task: Pass, images: Any, over: Over, bar: tqdm, client: Client | None, checkpoint: Any, chunk: int | None
) -> None:
    from course_utils.cluster.checkpoint import Done, OtherImages, can_be_saved, load, save

    if isinstance(images, (str, Path)):  # a worker runs in another folder
        images = Path(images).absolute()
    folder = images if isinstance(images, Path) else None
    done, found, broken, path = Done(), None, [], Path(checkpoint) if checkpoint is not None else None
    if path is not None:
        from course_utils.cluster.versions import here

        can_be_saved(path)  # not after hours
        key = hashlib.sha256(repr((task.key(), str(folder), here())).encode()).hexdigest()
        done, broken, found = load(path, key)
    bar.update(len(done))

    def name(item: Any) -> str:
        return "" if path is None else _known_as(item, folder)

    if len(done) and (folder is not None or isinstance(images, (list, tuple))):
        for _ in done.left(images_one_by_one(images), name):  # it raises before anything is written
            pass
    over.found, over.broken[:] = found, broken  # not earlier: what is interrupted above has nothing to return
    saved = time.monotonic()
    # replaced as one: whatever interrupts this leaves what belongs together
    now = over.found, over.broken, done
    try:
        chunks, some = _chunks(task, images, done, name, chunk), len(done) > 0
        parts = _results(task, chunks, client, folder=folder, some=some)
        for part, (found, broken, unread) in parts:
            whole, bad, so_far = now
            if found is not None:
                whole = found if whole is None and not task.in_chunks else task.merge(whole, found)
            so_far = Done(so_far.spans)
            for first, names in _without({number for number, _ in unread}, part):
                so_far.add(first, names)
            now = whole, bad + broken, so_far
            over.unread += unread
            bar.update(len(part.images))
            if path is not None and time.monotonic() - saved > SECONDS:
                save(path, key, now[2], now[1], now[0])
                saved = time.monotonic()
    except OtherImages:
        path = None  # what is saved belongs to the images that there were
        raise
    finally:
        over.found, over.broken, done = now
        over.broken = sorted(over.broken)
        over.images = len(done) - len(over.broken)
        if path is not None and len(done):
            save(path, key, done, over.broken, over.found)


def _known_as(item: Any, folder: Path | None) -> str:
    """What an image is known by when a run goes on; a photo that was replaced is another one."""
    if isinstance(item, Tensor):
        what = f"{item.dtype} {tuple(item.shape)}".encode()
        return hashlib.blake2b(what + _bytes(item), digest_size=16).hexdigest()
    name = Path(item).relative_to(folder).as_posix() if folder is not None else str(Path(item).absolute())
    try:
        there = os.stat(item)
    except OSError:
        return name
    return f"{name}|{there.st_size}|{there.st_mtime_ns}"


def _without(numbers: set[int], part: Chunk) -> Iterator[tuple[int, list]]:
    """The names of a chunk's images but for some, as runs of following numbers: the first number, and the names."""
    kept = [n for n in range(len(part.images)) if part.first + n not in numbers]
    for _, run in itertools.groupby(enumerate(kept), lambda pair: pair[1] - pair[0]):
        places = [place for _, place in run]
        yield part.first + places[0], [part.names[place] for place in places]


def _chunks(task: Pass, images: Any, done: Any, name: Any, size: int | None) -> Iterator[Chunk]:
    """All that is not done, in chunks that end at multiples of their size."""
    waiting = Chunk(0, [])
    for number, item in done.left(images_one_by_one(images), name):
        most = size or (2 * task.batch_size if isinstance(item, Tensor) else FILES)
        most = -(-most // task.batch_size) * task.batch_size
        if waiting.images and (number % most == 0 or number != waiting.first + len(waiting.images)):
            yield waiting
            waiting = Chunk(number, [])
        if not waiting.images:
            waiting.first = number
        # a view would be sent with the whole batch that it is a view of
        waiting.images.append(item.clone() if isinstance(item, Tensor) else str(Path(item).absolute()))
        waiting.names.append(name(item))
    if waiting.images:
        yield waiting


def _results(
    task: Pass, chunks: Iterator[Chunk], client: Client | None, *, folder: Path | None, some: bool
) -> Iterator[tuple[Chunk, tuple]]:
    """Each chunk with what `Look` gives for it; `some` says whether an earlier run has seen images.

    Raises:
        CourseError: no worker sees the folder, or the first images at all; perhaps a path is misspelled.
    """
    if client is None:
        look = Look(task, None)
        yield from ((chunk, look(chunk)) for chunk in chunks)
        return
    from course_utils.cluster.run import Died, Nowhere, results

    device = _device(task.net)
    if device != "cpu":  # a worker must be able to read it
        task = replace(task, net=copy.deepcopy(task.net).cpu())
    work, said = Look(task, device, folder), ""
    for chunk, result in results(client, work, chunks, ahead=2, split=lambda c: c.split(task.batch_size)):
        if isinstance(result, Died):  # a single image
            name = f"image {chunk.first}" if isinstance(chunk.images[0], Tensor) else chunk.images[0]
            result = None, [], [(chunk.first, f"{name} (its workers died)")]
        elif isinstance(result, Nowhere):
            if not some or f"does not see {folder}:" in result.said:
                raise CourseError(f"No worker can do this; {result.said}.")
            if not said:
                print(said := result.said, file=sys.stderr)
            result = None, [], list(enumerate(map(str, chunk.images), chunk.first))
        some = some or result[0] is not None or bool(result[1])
        yield chunk, result
