"""The score with a window covered: the whole network for every window, or only what the window reaches."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import torch
from torch import Tensor

from course_utils.engines.incremental import Incremental
from course_utils.engines.recording import Unrecordable, record
from course_utils.hooks import forward_to
from course_utils.networks.network import Network, check_network, is_unit
from course_utils.validate import Target, check_target


class Watched:
    """Turns what the network puts out into the one number per image that is watched."""

    def __init__(self, net: Network, target: Target | Callable[[Tensor], Tensor], of: str):
        self.net, self.target, self.of = net, target, of
        if is_unit(target):
            check_network(net)
        self.function = target if callable(target) else None
        self.layer, self.channel = net.unit(target) if is_unit(target) else (None, None)
        if of == "probability" and (self.layer or self.function):
            raise ValueError('of="probability" needs a class as target, not a unit or a function.')

    def outputs(self, images: Tensor) -> Tensor:
        """What is watched, as the network gives it: its output, or that of the unit's layer."""
        return self.net(images) if self.layer is None else forward_to(self.net, images, [self.layer])[self.layer]

    def check_channel(self, outputs: Tensor) -> None:
        if self.layer is not None and (outputs.ndim < 2 or self.channel >= outputs.shape[1]):
            known = f"channels 0 to {outputs.shape[1] - 1}" if outputs.ndim > 1 else "no channels"
            raise ValueError(f"layer {self.layer} has {known}, not {self.channel}.")

    def choose(self, outputs: Tensor) -> Tensor:
        """Settle on the classes, given the outputs `(N, ...)` for the whole images; returns the clean scores `(N,)`."""
        self.check_channel(outputs)
        if self.layer is None and self.function is None:
            self.classes = check_target(self.net, self.target, outputs)
        return torch.cat([self.read(one, image) for image, one in enumerate(outputs.split(1))])

    def read(self, outputs: Tensor, image: int, *, cut: bool = False) -> Tensor:
        """Outputs `(P, ...)` for windows on one image -> `(P,)`; `cut`: only the watched channel is there."""
        if self.function is not None:
            scores = self.function(outputs)
            if not isinstance(scores, Tensor) or tuple(scores.shape) != (len(outputs),):
                got = tuple(scores.shape) if isinstance(scores, Tensor) else type(scores).__name__
                raise ValueError(f"target must give one number per image, shape ({len(outputs)},), not {got}.")
            return scores
        if self.layer is not None:
            return outputs[:, 0 if cut else self.channel].reshape(len(outputs), -1).mean(1)
        outputs = outputs.softmax(1) if self.of == "probability" else outputs
        return outputs[:, self.classes[image]]


class WholeRuns:
    """Scores windows by running the whole network on whole images."""

    name = "full"

    def __init__(self, watch: Watched, images: Tensor, clean: Tensor | None = None):
        self.watch, self.images, self.note = watch, images, "every window ran through the whole network"
        self.clean = watch.choose(watch.outputs(images)) if clean is None else clean

    def score(self, image: int, patches: list[Tensor], places: list[tuple[int, int]]) -> Tensor:
        batch = self.images[image].repeat(len(patches), 1, 1, 1)
        for one, patch, (top, left) in zip(batch, patches, places, strict=True):
            one[:, top : top + patch.shape[1], left : left + patch.shape[2]] = patch
        return self.watch.read(self.watch.outputs(batch), image)


class WindowRuns:
    """Scores windows by recomputing only what they reach; raises `Unrecordable` if the network does not allow that."""

    name = "incremental"

    def __init__(self, watch: Watched, images: Tensor):
        self.watch, self.images, self.image = watch, images, None
        self._prepare(0)
        self.clean = watch.choose(self.outputs if len(images) == 1 else watch.outputs(images))

    def _prepare(self, image: int) -> None:
        self.engine = None  # one image's clean maps at a time
        layer = self.watch.layer
        recording = record(self.watch.net, self.images[image : image + 1], layers=(layer,) if layer else ())
        if layer and layer not in recording.layers:
            raise Unrecordable(f"the output of layer {layer} could not be followed")
        wanted = recording.layers[layer] if layer else recording.output
        self.outputs = recording.values[wanted]
        if layer:
            turned = self.watch.outputs(self.images[image : image + 1])
            self.watch.check_channel(turned)
            if turned.shape != self.outputs.shape:
                raise Unrecordable(f"layer {layer} has its channels on the last axis")
        self.cut = bool(layer) and self.outputs.ndim == 4
        self.engine, self.image = Incremental(recording, wanted, self.watch.channel if self.cut else None), image

    @property
    def note(self) -> str:
        whole = ", ".join(sorted(self.engine.whole_maps)) or "nothing"
        return f"only what a window reaches was computed; whole tensors for: {whole}"

    def score(self, image: int, patches: list[Tensor], places: list[tuple[int, int]]) -> Tensor:
        if image != self.image:
            self._prepare(image)
        outputs = self.engine.run(patches, [p[0] for p in places], [p[1] for p in places])
        return self.watch.read(outputs, image, cut=self.cut)


def choose_runs(
    method: str,
    watch: Watched,
    images: Tensor,
    covers: Tensor,
    places: list[tuple[int, int]],
    window: tuple[int, int],
) -> WindowRuns | WholeRuns:
    """What scores the windows: `WindowRuns` where it works, else `WholeRuns` (for method "auto", with a warning)."""
    if method == "full":
        return WholeRuns(watch, images)
    try:
        fast = WindowRuns(watch, images)
        if fast.engine.unsure:
            check_against_whole(fast, covers[0], [places[0], places[len(places) // 2], places[-1]], window)
        return fast
    except Unrecordable as reason:
        message = f"{watch.net.name} cannot be computed incrementally: {reason}."
        if method == "incremental":
            raise ValueError(message) from None
        warnings.warn(f"{message} Every window runs through the whole network.", stacklevel=2)
        full = WholeRuns(watch, images)
        full.note = message
        return full


def check_against_whole(
    fast: WindowRuns, cover: Tensor, places: list[tuple[int, int]], window: tuple[int, int]
) -> None:
    """Raise `Unrecordable` unless some windows score the same on crops as in full."""
    patches = [cut_window(cover, *place, window) for place in places]
    theirs = WholeRuns(fast.watch, fast.images, fast.clean).score(0, patches, places)
    try:
        ours = fast.score(0, patches, places)
    except Exception as error:  # whatever an operation says that does not take crops, or batches of them
        raise Unrecordable(f"on crops, {str(error).splitlines()[0] or type(error).__name__}") from None
    close = 1e-4 * max(1.0, float(fast.clean[0].abs()))
    for one, other in zip(ours, theirs, strict=True):
        if not torch.allclose(one, other, rtol=1e-4, atol=close):
            raise Unrecordable(f"a window scored {one.item():.6g} on crops but {other.item():.6g} in full")


def cut_window(picture: Tensor, top: int, left: int, window: tuple[int, int]) -> Tensor:
    return picture[:, top : top + window[0], left : left + window[1]]
