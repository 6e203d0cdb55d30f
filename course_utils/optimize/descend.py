"""The loop: change pictures until a number is small (or large), and return the best or the last of them."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from course_utils.networks.network import Network, check_network, frozen
from course_utils.optimize.objectives import Objective, as_objective
from course_utils.optimize.pictures import Picture
from course_utils.optimize.regularizers import Regularizer
from course_utils.optimize.transforms import Transform, transform
from course_utils.validate import (
    NotFinite,
    check_batch,
    check_choice,
    check_list,
    check_pair,
    check_positive,
    check_whole,
    seeded,
    shown,
)

Callback = Callable[[int, Tensor, Tensor], object]


@dataclass
class Descent:
    """What `descend` found.

    Attributes:
        images: `(N, 3, H, W)` in [0, 1]: the best of the way, or the last.
        values: `(looks, N)`, the objective at each look.
        stopped: whether a callback or Ctrl-C ended it.
    """

    images: Tensor
    values: Tensor
    stopped: bool


class Watch:
    """What one call of a method tells on its way, over all its descents: a bar, and `callback(step, images, values)`.

    The one way to stop is here, too. A callback that returns True and Ctrl-C are the same: the descent that runs
    returns what it has, and each one after it returns its start.

    Args:
        callback: called at each look with the pictures in [0, 1] and the objective of each, `(N,)`. Steps count on.
        looks: how many there will be at most, for the bar.
        name: beside the bar.
        progress: show the bar.

    Attributes:
        stopped: whether to end.
        show: what to make of the pictures before they are shown.
    """

    def __init__(self, callback: Callback | None = None, *, looks: int = 0, name: str = "", progress: bool = False):
        self.callback, self.step, self.stopped = callback, 0, False
        self.show: Callable[[Tensor], Tensor] = lambda images: images
        self.bar = tqdm(total=looks, desc=name[:30], leave=False, disable=not progress)

    def __call__(self, images: Tensor, values: Tensor) -> None:
        if self.callback is not None:
            shown = self.show(images.detach()).clamp(0, 1)  # a copy: a careless callback may write into it
            self.stopped = bool(self.callback(self.step, shown, values.clone()))
        self.step += 1
        self.bar.update()
        if not self.bar.disable:
            self.bar.set_postfix_str(f"{values.mean().item():.3g}", refresh=False)

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *error) -> None:
        self.bar.close()


class _End(Exception):
    """Leaves an optimizer from inside of the function that it calls. Never reaches a caller of `descend`."""


@torch.inference_mode(False)  # a gradient is needed, also in a caller's inference mode
def descend(
    net: Network,
    objective: Objective | int | str | Sequence,
    picture: Picture,
    *,
    steps: int,
    size: int | tuple[int, int] | None = None,
    optimizer: str = "adam",
    lr: float = 1.0,
    maximize: bool = False,
    best: bool = True,
    transforms: Sequence[Transform] = (),
    views: int = 1,
    regularizers: Sequence[Regularizer] = (),
    generator: torch.Generator | None = None,
    watch: Watch | None = None,
) -> Descent:
    """Change pictures until an objective is small.

        descend(net, feature_error(net, photo, "relu3_1"), Fourier(), size=(112, 112), steps=60, optimizer="lbfgs")

    Args:
        net: the network.
        objective: of the pictures, or what stands for one in `visualize`. Each picture descends on its own with "adam"
            and "ascent", which work number by number and picture by picture; "lbfgs" and "lbfgsb" make the sum over the
            pictures small.
        picture: how the pictures are described, and where they start.
        steps: how many looks at the objective and its gradient, one before each step; with `best` one more at the end.
        size: side, or (height, width); None for that of the starting images, or the network's.
        optimizer: "adam"; "ascent", `z -> z -+ lr * g / mean|g|`; "lbfgs", with a line search that makes every step
            safe; "lbfgsb", which keeps pixels in [0, 1] on the way.
        lr: learning rate of "adam"; the mean change of a number in a step of "ascent"; 1 for "lbfgs"; how many
            gradients long the first step of "lbfgsb" is.
        maximize: make it large.
        best: return the best pictures that were looked at; else the last. Take the last if transforms make every look
            another one.
        transforms: random changes before each look.
        views: how many draws of the transforms one look takes: the objective is the mean over them.
        regularizers: applied to the parameter after each step but the last, in this order; "adam" and "ascent" only.
        generator: of the noise to start from and of the transforms.
        watch: what is told on the way, and how it is ended.

    Returns:
        A `Descent`. Its pictures do not depend on the memory layout of anything that was given.

    Raises:
        TypeError: what is none of what it should be.
        ValueError: unknown optimizer, a setting out of range, regularizers or transforms with "lbfgs" or "lbfgsb",
            a size or number of images that does not fit the start, or an objective that is NaN at the start. If it
            becomes NaN later, a warning says so, and the best before is returned.
    """
    check_network(net)
    check_choice("optimizer", optimizer, list(_OPTIMIZERS))
    check_whole(steps=steps, views=views)
    check_positive(lr=lr)
    objective = as_objective(objective)
    transforms, regularizers = _check_parts(picture, watch, transforms, regularizers, optimizer)
    size, watch, best = _size(net, picture, size), watch or Watch(), bool(best)
    generator = generator or seeded(0)
    z = picture.begin(net, _count(objective, picture), size, generator).clone(memory_format=torch.contiguous_format)
    z.requires_grad_()
    search = _Search(
        net, objective, picture, z, size, transforms, views, regularizers, generator, watch, maximize, steps, best
    )
    with frozen(net), torch.no_grad():
        try:
            if not watch.stopped:
                bounds = tuple(picture.limit(net, torch.full_like(z, end)) for end in (-torch.inf, torch.inf))
                _OPTIMIZERS[optimizer](z, search.look, search.finish, lr=lr, steps=steps, bounds=bounds)
        except _End:
            pass
        except KeyboardInterrupt:
            watch.stopped = True
        images = picture.images(net, search.kept if best or search.lost else z.detach(), size).clamp(0, 1)
    log = search.log
    if search.lost:
        warnings.warn(
            f"after {len(log) - 1} steps: {search.lost} The best before is returned; try a smaller lr.", stacklevel=2
        )
    return Descent(images, torch.stack(log) if log else images.new_zeros(0, len(images)), watch.stopped)


@dataclass(eq=False)
class _Search:
    """The knobs `z` of one descent, what each look at the objective gave, and the best knobs so far.

    Its fields up to `best` are those of `descend`.
    """

    net: Network
    objective: Objective
    picture: Picture
    z: Tensor
    size: tuple[int, int]
    transforms: Sequence[Transform]
    views: int
    regularizers: Sequence[Regularizer]
    generator: torch.Generator
    watch: Watch
    maximize: bool
    steps: int
    best: bool
    log: list[Tensor] = field(default_factory=list)
    lost: str = ""

    def __post_init__(self):
        self.sign = -1 if self.maximize else 1
        self.kept = self.z.detach().clone()
        self.least = torch.full((len(self.z),), torch.inf, device=self.z.device)

    def look(self) -> Tensor:
        """The loss of `z`, and its gradient in `z.grad`.

        Raises:
            _End: there was the last look, or no other makes sense.
        """
        z, sign = self.z, self.sign
        if len(self.log) == self.steps + self.best:
            raise _End
        with torch.enable_grad():
            images = self.picture.images(self.net, z, self.size)
            values = self._values(images)
            if values.requires_grad:
                (gradient,) = torch.autograd.grad(sign * values.sum(), z)
                z.grad = gradient.contiguous()  # laid out like z: fused Adam goes through memory, not through indices
        values = values.detach()
        self.log.append(values)
        better = sign * values < self.least  # False for NaN
        self.least = torch.where(better, sign * values, self.least)
        self.kept[better] = z.detach()[better]
        self.watch(images, values)
        if self.watch.stopped:
            raise _End
        if not values.isfinite().any():
            if len(self.log) == 1:
                raise NotFinite(
                    f"{self.objective.name} is NaN or infinite at the start: look at the network's weights."
                )
            self.lost = f"{self.objective.name} became NaN or infinite."
            raise _End
        return sign * values.sum()

    def _values(self, images: Tensor) -> Tensor:
        """The objective of each picture, the mean over the views; NaN where a layer puts out no finite numbers."""
        try:
            return sum(self._view(images) for _ in range(self.views)) / self.views
        except NotFinite:  # in a layer, on the way to it
            if not self.log:
                raise
            return torch.full((len(self.z),), torch.nan, device=self.z.device)

    def _view(self, images: Tensor) -> Tensor:
        """The objective of each picture under one draw of the transforms."""
        # channels_last: depthwise convolutions are much faster so
        seen = transform(images, self.transforms, self.generator).contiguous(memory_format=torch.channels_last)
        return _one_each(self.objective(self.net, seen), self.objective, len(self.z))

    def finish(self) -> None:
        """After a step of a method that takes one after the other."""
        z, step = self.z, len(self.log) - 1
        for regularizer in self.regularizers if step < self.steps - 1 else ():
            z.copy_(regularizer(z, self.sign * z.grad, step))
        z.copy_(self.picture.limit(self.net, z))


def _adam(z: Tensor, look: Callable, finish: Callable, *, lr: float, **_) -> None:
    adam = torch.optim.Adam([z], lr=lr, fused=True)
    while True:
        look()
        adam.step()
        finish()


def _ascent(z: Tensor, look: Callable, finish: Callable, *, lr: float, **_) -> None:
    """`z <- z - lr * g / mean|g|`, each picture on its own; one without a gradient stays."""
    while True:
        look()
        mean = z.grad.abs().flatten(1).mean(1).view(-1, *[1] * (z.ndim - 1))
        z.sub_(z.grad / mean.clamp(min=torch.finfo(z.dtype).tiny), alpha=lr)
        finish()


def _lbfgs(z: Tensor, look: Callable, finish: Callable, *, lr: float, steps: int, **_) -> None:
    """PyTorch's. Without the line search some steps make the loss a thousand times larger; tolerances stop it early."""
    torch.optim.LBFGS(
        [z],
        lr=lr,
        max_iter=steps,
        max_eval=2 * steps,
        history_size=50,
        tolerance_grad=0,
        tolerance_change=0,
        line_search_fn="strong_wolfe",
    ).step(look)


def _lbfgsb(z: Tensor, look: Callable, finish: Callable, *, lr: float, steps: int, bounds: tuple) -> None:
    """SciPy's, in float64. Its first step is as long as the gradient, so the loss is scaled by `lr`."""
    from scipy.optimize import Bounds, minimize

    def numbers(tensor: Tensor) -> np.ndarray:
        return tensor.detach().double().cpu().numpy().ravel()

    def compute(at: np.ndarray) -> tuple[float, np.ndarray]:
        z.copy_(torch.from_numpy(at).view_as(z))
        return lr * look().item(), lr * numbers(z.grad)

    options = {"maxiter": steps, "maxfun": 2 * steps, "maxcor": 20, "ftol": 0, "gtol": 0}
    minimize(compute, numbers(z), jac=True, method="L-BFGS-B", bounds=Bounds(*map(numbers, bounds)), options=options)


_OPTIMIZERS = {"adam": _adam, "ascent": _ascent, "lbfgs": _lbfgs, "lbfgsb": _lbfgsb}


def _check_parts(picture: object, watch: object, transforms: object, regularizers: object, optimizer: str) -> tuple:
    """The transforms and the regularizers as lists.

    Raises:
        TypeError: what is none of what it should be.
        ValueError: regularizers or transforms with "lbfgs" or "lbfgsb".
    """
    if not hasattr(type(picture), "begin"):  # of its type: `Pixels` itself, without parentheses, describes nothing
        raise TypeError(
            "a picture is described by Pixels(), Fourier(), Phase() or Smooth(), with start= for images to start from; "
            f"not by {shown(picture)}."
        )
    if watch is not None and not isinstance(watch, Watch):
        raise TypeError(f"watch must be a Watch, such as Watch(callback), not {shown(watch)}.")
    transforms = check_list("transforms", transforms, "transforms such as Jitter(8), or () for none")
    regularizers = check_list("regularizers", regularizers, "regularizers such as L2Decay(0.01), or () for none")
    for one in regularizers:
        if isinstance(one, type) or not callable(one):
            raise TypeError(
                "a regularizer is one of L2Decay(), Blur(), ClipSmallNorm(), ClipSmallContribution(); "
                f"not {shown(one)}."
            )
    if optimizer.startswith("lbfgs") and (regularizers or transforms):
        raise ValueError(f"{optimizer} needs the same function at each look: no regularizers and no transforms.")
    return transforms, regularizers


def _one_each(values: Tensor, objective: Objective, count: int) -> Tensor:
    """The values of an objective, if there is one for each picture, and if they depend on the pictures.

    Raises:
        ValueError: another shape, or no gradient.
    """
    if not isinstance(values, Tensor) or tuple(values.shape) != (count,):
        given = tuple(values.shape) if isinstance(values, Tensor) else type(values).__name__
        raise ValueError(f"{objective.name} must give one number for each picture, ({count},), not {given}.")
    if not values.requires_grad:
        raise ValueError(f"{objective.name} does not depend on the picture, so nothing can make it larger or smaller.")
    return values


def _size(net: Network, picture: Picture, size: int | tuple[int, int] | None) -> tuple[int, int]:
    start = tuple(picture.start.shape[2:]) if isinstance(picture.start, Tensor) else None
    if start is not None:
        check_batch(net, picture.start, name="the starting images")
    if size is None:
        return start or (net.input_size, net.input_size)
    size = check_pair("size", size)
    if start and size != start:
        raise ValueError(f"size {size} is not that of the starting images, {start}; resize them first.")
    return size


def _count(objective: Objective, picture: Picture) -> int:
    starts = len(picture.start) if isinstance(picture.start, Tensor) else None
    if starts and objective.count and starts != objective.count:
        raise ValueError(f"{starts} starting images, but {objective.name} is about {objective.count} images.")
    return starts or objective.count or 1
