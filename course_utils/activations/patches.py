"""Maximally activating patches: which parts of which photos make a channel answer most, and how much of a photo it sees."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from matplotlib.figure import Figure
from torch import Tensor
from tqdm.auto import tqdm

from course_utils import plots
from course_utils.activations.occlusion_incremental import POINTWISE, sliding_window
from course_utils.activations.recording import Unrecordable, record
from course_utils.errors import ImageError
from course_utils.hooks import forward_to
from course_utils.images import image_files, load_image
from course_utils.networks.network import Network, frozen
from course_utils.validate import check_images, check_positive

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class ReceptiveField:
    """What one place of a layer sees of the image, `(y, x)` each: place `(i, j)` sees `size` pixels from `start + (i, j) stride`.

    Attributes:
        size: in pixels, before it is cut at the border.
        stride: pixels between the fields of neighboring places; 0 if every place sees the whole image.
        start: of the first place's field; negative if padding lets it reach outside.
        image: `(H, W)` for which it holds.
        rows, columns: for each row (column) of the map the first pixel it sees and the one after the last, cut at the border
            of every layer on the way; empty if every place sees the whole image.
    """

    size: tuple[int, int]
    stride: tuple[int, int]
    start: tuple[int, int]
    image: tuple[int, int]
    rows: tuple[tuple[int, int], ...] = ()
    columns: tuple[tuple[int, int], ...] = ()

    def box(self, y: int, x: int) -> Box:
        """`(top, left, bottom, right)` of the pixels that place `(y, x)` sees; bottom and right are not in it."""
        if not self.rows:
            return 0, 0, *self.image
        (top, bottom), (left, right) = self.rows[y], self.columns[x]
        return top, left, bottom, right


@dataclass
class _Axis:
    """One axis of a map. Far from borders, place i sees the pixels `low + i jump` to `high + i jump`; `seen` `(n, 2)` holds
    the first and the last pixel that each place really sees."""

    low: int
    high: int
    jump: int
    seen: Tensor

    def slide(self, kernel: int, stride: int, padding: int, dilation: int, count: int) -> _Axis:
        taps = torch.arange(count)[:, None] * stride - padding + torch.arange(kernel) * dilation
        inside = (taps >= 0) & (taps < len(self.seen))
        first, last = self.seen[taps.clamp(0, len(self.seen) - 1)].unbind(-1)
        seen = torch.stack([first.where(inside, _NONE[0]).amin(1), last.where(inside, _NONE[1]).amax(1)], 1)
        low = self.low - padding * self.jump
        high = self.high + ((kernel - 1) * dilation - padding) * self.jump
        return _Axis(low, high, self.jump * stride, seen)

    def pad(self, before: int, count: int) -> _Axis:
        return self.slide(1, 1, before, 1, count)  # padding is a sliding window of one place that begins outside

    def joined(self, other: _Axis) -> _Axis:
        seen = torch.stack([self.seen[:, 0].minimum(other.seen[:, 0]), self.seen[:, 1].maximum(other.seen[:, 1])], 1)
        return _Axis(min(self.low, other.low), max(self.high, other.high), self.jump, seen)


_NONE = (torch.tensor(2**31), torch.tensor(-1))  # first and last pixel of a place that sees only padding
_Span = tuple[_Axis, _Axis] | None  # None: every place sees the whole image


def receptive_field(net: Network, layer: str, *, size: int | tuple[int, int] | None = None) -> ReceptiveField:
    """The exact receptive field of a layer: which pixels a place of it can depend on.

    With kernel k, stride s, padding p and dilation d, a place sees `(k-1) d + 1` places of the layer below, from `s i - p` on;
    from layer to layer, `size += (k-1) d jump`, `start -= p jump`, `jump *= s`. Where branches meet (residual additions,
    concatenations), it is the hull of what the branches see. A global pooling or a linear layer sees the whole image.

    Args:
        net: the network.
        layer: a dotted path or alias.
        size: side of the images, or `(H, W)`; None for the network's own size. Some networks choose their padding by it.

    Raises:
        ValueError: no such layer, or an operation on the way whose field is not known; the message names it.

    Reference:
        Araujo, Norris, Sim: Computing Receptive Fields of Convolutional Neural Networks, Distill 2019.
    """
    height, width = size if isinstance(size, (tuple, list)) else (size or net.input_size,) * 2
    blank = torch.full((1, net.channels, height, width), 0.5, dtype=net.mean.dtype, device=net.device)
    try:
        recording = record(net, blank, layers=(layer,), stop=True)
    except Unrecordable as reason:
        raise ValueError(f"{net.name} has no receptive field that can be read off: {reason}.") from None
    if layer not in recording.layers:
        raise ValueError(f"{net.name} never runs layer {layer!r}, or its output is not one tensor.")
    target = recording.layers[layer]
    spans: dict[int, _Span] = {0: tuple(_Axis(0, 0, 1, torch.arange(n)[:, None].repeat(1, 2)) for n in (height, width))}
    unknown: dict[int, str] = {}
    for op in recording.ops:
        try:
            span = _span_after(op, [spans[n] for n in op.inputs if n in spans], recording.values)
        except ValueError as error:
            span, reason = None, str(error)
            unknown.update(dict.fromkeys(op.out, reason))
        for n in op.inputs:
            if n in unknown:
                unknown.update(dict.fromkeys(op.out, unknown[n]))
        spans.update(dict.fromkeys(op.out, span))
        if target in op.out:
            break
    if target in unknown:
        raise ValueError(f"The receptive field of {layer} in {net.name} is not known: {unknown[target]}.")
    if spans[target] is None:
        return ReceptiveField((height, width), (0, 0), (0, 0), (height, width))
    axes = spans[target]
    tables = [tuple((max(0, min(a, b + 1)), b + 1) for a, b in axis.seen.tolist()) for axis in axes]
    return ReceptiveField(
        tuple(a.high - a.low + 1 for a in axes),
        tuple(a.jump for a in axes),
        tuple(a.low for a in axes),
        (height, width),
        *tables,
    )


def _span_after(op, inputs: list[_Span], values: dict) -> _Span:
    """What the output of one operation sees, from what its inputs see."""
    if any(span is None for span in inputs):
        return None
    name, shape = op.name, values[op.inputs[0]].shape
    size = values[op.out[0]].shape[2:]
    slid = sliding_window(op)
    if slid is not None:
        return tuple(axis.slide(*(v[a] for v in slid), size[a]) for a, axis in enumerate(inputs[0]))
    if name == "constant_pad_nd" and len(op.args[1]) <= 4:
        left, top = op.args[1][0], op.args[1][2] if len(op.args[1]) > 2 else 0
        return inputs[0][0].pad(top, size[0]), inputs[0][1].pad(left, size[1])
    same_plane = len(shape) == 4 and all(values[n].shape[2:] == size for n in op.inputs)
    if name in POINTWISE or name == "native_batch_norm" or (name == "cat" and op.args[1] in (1, -3)):
        if not same_plane:
            raise ValueError(f"{name} joins maps of different sizes")
        hull = inputs[0]
        for span in inputs[1:]:
            if any(a.jump != b.jump for a, b in zip(hull, span, strict=True)):
                raise ValueError(f"{name} joins branches with different strides")
            hull = tuple(a.joined(b) for a, b in zip(hull, span, strict=True))
        return hull
    if name in ("slice", "split", "chunk") and same_plane:
        return inputs[0]
    if name == "mean" and len(shape) == 4 and {2, 3} <= {d % 4 for d in op.args[1]}:
        return None
    if name in ("addmm", "mm", "view", "_unsafe_view", "reshape") and len(values[op.out[0]].shape) == 2:
        return None  # the plane is gone: flattened, or summed over by a linear layer
    if name == "_adaptive_avg_pool2d" and all(n % m == 0 for n, m in zip(shape[2:], size, strict=True)):
        if tuple(size) == (1, 1):
            return None
        return tuple(a.slide(n // m, n // m, 0, 1, m) for a, n, m in zip(inputs[0], shape[2:], size, strict=True))
    raise ValueError(f"it goes through {name}, whose field has no fixed size and stride")


@dataclass
class TopPatches:
    """The k strongest answers of every channel so far. It takes more images any time, and two of them can be merged.

    Memory grows with `channels x k` only. The order is total: by value, then by image, then by place (row by row), so the
    result does not depend on how the images were divided into batches or halves.

    Attributes:
        layer: what is watched.
        channels: `(C,)`, the watched channels.
        k: how many are kept for each.
        per_image: how many patches of one image may be kept for a channel; None for any number.
        values: `(C, k)`, best first; -inf where there are fewer than k.
        images: `(C, k)`, the number of the image; -1 where there is none.
        places: `(C, k, 2)`, (y, x) in the layer's map.
        boxes: `(C, k, 4)`, the receptive field in the image: top, left, bottom, right (not in it).
    """

    layer: str
    channels: Tensor
    k: int
    per_image: int | None = 1
    values: Tensor = field(default=None)
    images: Tensor = field(default=None)
    places: Tensor = field(default=None)
    boxes: Tensor = field(default=None)
    last_image: int = -1

    def __post_init__(self):
        if self.values is None:
            shape = (len(self.channels), self.k)
            self.values = torch.full(shape, -torch.inf)
            self.images = torch.full(shape, -1)
            self.places = torch.zeros((*shape, 2), dtype=torch.long)
            self.boxes = torch.zeros((*shape, 4), dtype=torch.long)

    def update(self, maps: Tensor, first: int, field: ReceptiveField) -> None:
        """Take the feature maps `(N, C, H, W)` of images number `first`, `first + 1`, ... (in rising order over calls)."""
        if first <= self.last_image:
            raise ValueError(f"image {first} comes after image {self.last_image}; number the images in rising order.")
        self.last_image = first + len(maps) - 1
        best = maps.amax((2, 3)).cpu()
        wide = maps.shape[3]
        for row in range(len(maps)):
            # An image with a higher number loses a tie, so only channels that beat their k-th value can change.
            (change,) = torch.nonzero(best[row] > self.values[:, -1], as_tuple=True)
            if not len(change):
                continue
            flat = maps[row].flatten(1)[change.to(maps.device)]
            count = min(self.k if self.per_image is None else min(self.per_image, self.k), flat.shape[1])
            values, where = _first_largest(flat, count)
            values, where = values.float().cpu(), where.cpu()
            y, x = where // wide, where % wide
            if field.rows:
                (top, bottom), (left, right) = (
                    torch.tensor(field.rows)[y].unbind(-1),
                    torch.tensor(field.columns)[x].unbind(-1),
                )
                boxes = torch.stack([top, left, bottom, right], -1)
            else:
                boxes = torch.tensor([0, 0, *field.image]).expand(*where.shape, 4)
            numbers = torch.full_like(where, first + row)
            self._take(change, values, numbers, torch.stack([y, x], -1), boxes)

    def _take(self, rows: Tensor, values: Tensor, images: Tensor, places: Tensor, boxes: Tensor) -> None:
        values = torch.cat([self.values[rows], values], 1)
        images = torch.cat([self.images[rows], images], 1)
        places = torch.cat([self.places[rows], places], 1)
        boxes = torch.cat([self.boxes[rows], boxes], 1)
        order = torch.arange(values.shape[1]).expand_as(values)
        # The least important key first; every sort keeps the order of equals.
        for key, down in ((places[..., 1], False), (places[..., 0], False), (images, False), (values, True)):
            order = order.gather(1, key.gather(1, order).argsort(dim=1, stable=True, descending=down))
        order = order[:, : self.k]
        self.values[rows], self.images[rows] = values.gather(1, order), images.gather(1, order)
        self.places[rows] = places.gather(1, order[..., None].expand(-1, -1, 2))
        self.boxes[rows] = boxes.gather(1, order[..., None].expand(-1, -1, 4))

    def merge(self, other: TopPatches, *, shift: int = 0) -> TopPatches:
        """The result over both sets of images, as a new object.

        Args:
            other: over other images, same layer, channels, k and per_image.
            shift: added to the other's image numbers, for two runs that both began at 0.
        """
        mine, theirs = (self.layer, self.k, self.per_image), (other.layer, other.k, other.per_image)
        if mine != theirs or not torch.equal(self.channels, other.channels):
            raise ValueError(f"cannot merge {mine} with {theirs}: layer, channels, k and per_image must be the same.")
        shifted = torch.where(other.images >= 0, other.images + shift, other.images)
        if set(self.images[self.images >= 0].tolist()) & set(shifted[shifted >= 0].tolist()):
            raise ValueError(
                "both hold an image of the same number; give shift= the number of images of the first run."
            )
        new = TopPatches(
            self.layer, self.channels, self.k, self.per_image,
            self.values.clone(), self.images.clone(), self.places.clone(), self.boxes.clone(),
            max(self.last_image, other.last_image + shift),
        )  # fmt: skip
        new._take(torch.arange(len(new.channels)), other.values, shifted, other.places, other.boxes)
        return new

    def cut(
        self, images: Iterable | str | Path, *, channels: Sequence[int] | None = None, size: int = 224
    ) -> list[list[Tensor]]:
        """The patches themselves, cut out of the images: for each channel a list of `(1, 3, h, w)`, best first.

        Args:
            images: the same images again, as `top_patches` had them; only those needed are kept.
            channels: some of the watched channels; None for all.
            size: as in `top_patches`.
        """
        rows = (
            [self.channels.tolist().index(c) for c in channels] if channels is not None else range(len(self.channels))
        )
        wanted = {}
        for row in rows:
            for rank, number in enumerate(self.images[row].tolist()):
                if number >= 0:
                    wanted.setdefault(number, []).append((row, rank))
        found: dict[tuple[int, int], Tensor] = {}
        for first, batch in _batches(images, 1, size):
            for row, rank in wanted.get(first, ()):
                top, left, bottom, right = self.boxes[row, rank].tolist()
                found[row, rank] = batch[:, :, top:bottom, left:right].clone()
        return [[found[row, rank] for rank in range(self.k) if (row, rank) in found] for row in rows]


def _first_largest(flat: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The `count` largest of every row and where they are; of equal ones those that come first, which `topk` does not promise."""
    if count == 1:
        values, where = flat.max(1, keepdim=True)
        return values, where
    if flat.shape[1] <= 1024:
        values, where = flat.sort(dim=1, descending=True, stable=True)
        return values[:, :count], where[:, :count]
    values, where = flat.topk(min(count + 1, flat.shape[1]), dim=1)
    tied = (
        (values[:, count - 1] == values[:, -1]) if values.shape[1] > count else torch.zeros(len(flat), dtype=torch.bool)
    )
    values, where = values[:, :count].clone(), where[:, :count].clone()
    for row in torch.nonzero(tied)[:, 0].tolist():  # the border runs through equal values: take the first of them
        edge = values[row, -1]
        above = where[row][values[row] > edge]
        equal = torch.nonzero(flat[row] == edge)[: count - len(above), 0]
        where[row] = torch.cat([above, equal])
        values[row] = flat[row][where[row]]
    return values, where


def _batches(images: Iterable | str | Path | Tensor, batch_size: int, size: int) -> Iterator[tuple[int, Tensor]]:
    """Batches of equal-sized images with the number of the first one, whatever holds the images."""
    if isinstance(images, (str, Path)):
        numbered = enumerate(image_files(images))
        waiting, number, broken = [], 0, []

        def flush():
            return waiting[0][0], torch.cat([w[1] for w in waiting])

        for number, path in numbered:
            try:
                image = load_image(path, size)
            except ImageError:
                broken.append(path.name)
                if waiting:
                    yield flush()
                waiting = []
                continue
            waiting.append((number, image))
            if len(waiting) == batch_size:
                yield flush()
                waiting = []
        if waiting:
            yield flush()
        if len(broken) == number + 1:
            raise ImageError(f"None of the {len(broken)} files in {images} can be read as a picture.")
        if broken:
            import warnings

            warnings.warn(
                f"{len(broken)} files in {images} cannot be read as pictures: {', '.join(broken)}", stacklevel=3
            )
        return
    if isinstance(images, Tensor):
        images = [images] if images.ndim == 4 else images
    first, waiting = 0, []
    for item in images:
        item = item[0] if isinstance(item, (tuple, list)) else item  # a DataLoader gives (images, labels)
        if not isinstance(item, Tensor):
            raise TypeError(f"images must give tensors (3, H, W) or (N, 3, H, W), not {type(item).__name__}.")
        item = item[None] if item.ndim == 3 else item
        if waiting and waiting[0].shape[1:] != item.shape[1:]:  # another size: what waits goes first
            yield first, torch.cat(waiting)
            first, waiting = first + sum(map(len, waiting)), []
        for part in item.split(batch_size):
            if waiting and sum(map(len, waiting)) + len(part) > batch_size:
                yield first, torch.cat(waiting)
                first, waiting = first + sum(map(len, waiting)), []
            waiting.append(part)
    if waiting:
        yield first, torch.cat(waiting)


def top_patches(
    net: Network,
    images: Iterable | Tensor | str | Path,
    layer: str,
    *,
    channels: Sequence[int] | None = None,
    k: int = 9,
    per_image: int | None = 1,
    batch_size: int = 16,
    size: int = 224,
    progress: bool = True,
) -> TopPatches:
    """The k places, over all images, where each channel of a layer answers most.

    One pass; memory grows with channels x k, not with the number of images. Only where a channel beats its k-th best value
    so far is anything more than a maximum computed.

    Args:
        net: the network.
        images: `(N, 3, H, W)` in [0, 1]; or anything that gives such batches or single images `(3, H, W)`, in any mix of
            sizes (a list, a generator, a DataLoader with or without labels); or a folder, whose broken files are skipped.
        layer: a dotted path or alias, with feature maps `(N, C, H, W)`.
        channels: which channels; None for all.
        k: how many patches for each channel.
        per_image: how many of them may come from one image; None for any number (neighbors then crowd in).
        batch_size: images at a time.
        size: side to which the pictures of a folder are cut.
        progress: whether to show a bar. An interrupted run returns what it has.

    Returns:
        A `TopPatches`. With fewer than k answers, the rest of a row has value -inf and image -1.

    Raises:
        ValueError: no images, no such layer or channel, a layer without feature maps, or k larger than the number of images
            if `per_image` is 1 and that number is known.

    Reference:
        Zeiler, Fergus: Visualizing and Understanding Convolutional Networks, ECCV 2014 (the patches beside the deconvnet).
    """
    check_positive(k=k, batch_size=batch_size, size=size)
    if per_image is not None:
        check_positive(per_image=per_image)
    known = len(images) if isinstance(images, Tensor) and images.ndim == 4 else None
    if known is not None and per_image is not None and k > known * per_image:
        raise ValueError(f"k={k} patches need more than the {known} images given, with per_image={per_image}.")
    result, fields, index = None, {}, None
    total = known or (len(image_files(images)) if isinstance(images, (str, Path)) else None)
    bar = tqdm(total=total, desc=f"patches of {layer}", leave=False, disable=not progress)
    try:
        with bar, frozen(net), torch.inference_mode():
            for first, batch in _batches(images, batch_size, size):
                ready = check_images(net, batch)
                maps = forward_to(net, ready, [layer])[layer]
                if maps.ndim != 4:
                    raise ValueError(f"layer {layer} has no feature maps: its output has shape {tuple(maps.shape)}.")
                if result is None:
                    chosen = torch.arange(maps.shape[1]) if channels is None else torch.as_tensor(list(channels))
                    wrong = chosen[(chosen < 0) | (chosen >= maps.shape[1])].tolist()
                    if wrong or not len(chosen):
                        raise ValueError(f"layer {layer} has channels 0 to {maps.shape[1] - 1}, not {wrong or 'none'}.")
                    result = TopPatches(layer, chosen, k, per_image)
                    index = None if channels is None else chosen.to(maps.device)
                plane = tuple(ready.shape[2:])
                if plane not in fields:
                    fields[plane] = receptive_field(net, layer, size=plane)
                result.update(maps if index is None else maps[:, index], first, fields[plane])
                bar.update(len(ready))
    except KeyboardInterrupt:
        pass
    if result is None:
        raise ValueError("there are no images to look at.")
    return result


def show_patches(
    result: TopPatches,
    images: Iterable | Tensor | str | Path,
    *,
    channels: Sequence[int] | None = None,
    places: bool = False,
    title: str | None = None,
    size: int = 224,
) -> Figure:
    """One row of patches for each channel, strongest first.

    Args:
        result: from `top_patches`.
        images: the same images again.
        channels: some of the watched channels; None for the first 8.
        places: show the whole photos, with a frame around each patch.
        title: one line above all.
        size: as in `top_patches`.
    """
    channels = list(channels) if channels is not None else result.channels[:8].tolist()
    rows = [result.channels.tolist().index(c) for c in channels]
    figure, axes = plots.new_figure(len(rows), result.k, aspect=1.06)
    if places:
        wanted = {n for row in rows for n in result.images[row].tolist()}
        photos = {first: batch[0] for first, batch in _batches(images, 1, size) if first in wanted}
    else:
        patches = result.cut(images, channels=channels, size=size)
    for line, (row, channel) in enumerate(zip(rows, channels, strict=True)):
        for rank in range(result.k):
            ax, number = axes[line, rank], int(result.images[row, rank])
            ax.set_xticks([])
            ax.set_yticks([])
            for side in ax.spines.values():
                side.set_visible(False)
            if number < 0:
                continue
            if places:
                top, left, bottom, right = result.boxes[row, rank].tolist()
                ax.imshow(plots.to_array(photos[number]))
                frame = {"fill": False, "edgecolor": "#ffd500", "linewidth": 1.5}
                ax.add_patch(_rectangle((left - 0.5, top - 0.5), right - left, bottom - top, **frame))
            else:
                patch = plots.to_array(patches[line][rank])
                ax.imshow(patch, interpolation="nearest" if max(patch.shape[:2]) < 40 else "antialiased")
            ax.set_title(plots.short(float(result.values[row, rank])), fontsize=7, pad=2)
        axes[line, 0].set_ylabel(str(channel), fontsize=8)
    if title:
        figure.suptitle(title, fontsize=11)
    return figure


def _rectangle(*args, **options):
    from matplotlib.patches import Rectangle

    return Rectangle(*args, **options)
