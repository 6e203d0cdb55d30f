"""Images from gradient ascent: what would the network like to see?

Four things can be chosen apart from each other: what is turned (`parameterizations`), what happens to the picture before
the network sees it (`transforms`), what is made large (`objectives`), and what pulls the picture back (`regularizers`).
The loop here puts them together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from tqdm.auto import tqdm

from course_utils.gradients.objectives import Objective, as_objective
from course_utils.gradients.parameterizations import Fourier, Pixels
from course_utils.gradients.regularizers import Regularizer
from course_utils.gradients.transforms import ROBUST, Transform, transform
from course_utils.hooks import features
from course_utils.networks.network import Network, frozen
from course_utils.validate import check_choice, check_images, check_positive

OPTIMIZERS = ("adam", "ascent")


def visualize(
    net: Network,
    objective: Objective | int | str | Sequence,
    *,
    image: Pixels | Fourier | None = None,
    transforms: Sequence[Transform] = ROBUST,
    regularizers: Sequence[Regularizer] = (),
    steps: int = 256,
    lr: float = 0.05,
    optimizer: str = "adam",
    size: int | tuple[int, int] | None = None,
    seed: int = 0,
    callback: Callable[[int, Tensor, Tensor], object] | None = None,
    progress: bool = True,
) -> Tensor:
    """Draw a picture that makes an objective large, by gradient ascent on the picture.

        visualize(net, "flamingo")                                # a class, the defaults
        visualize(net, ["relu4_1:3", "relu4_1:7"])                # two channels in one pass
        visualize(net, class_score(130), image=Pixels(), transforms=(), optimizer="ascent", lr=0.01,
                  regularizers=[L2Decay(0.01), Blur(1.0, every=4)])

    Args:
        net: the network.
        objective: an `Objective`, a class, a unit `"layer:channel"` (the mean of the channel), or a list of classes or
            units: one image each, which is faster than one after the other.
        image: `Fourier()` (the default) or `Pixels()`, and where it starts.
        transforms: random changes before each step; `()` for none.
        regularizers: applied to the pixels after each step but the last, in this order; only with `Pixels`.
        steps: how many.
        lr: size of the steps. With "adam", its learning rate (0.05 suits `Fourier`). With "ascent", the mean change of a
            number of the parameter in one step.
        optimizer: "adam", or "ascent": `z <- z + lr * g / mean|g|`, each image on its own. Yosinski et al. step by
            `lr * g`, where a good `lr` depends on network and unit.
        size: side of the picture, or (height, width); None for that of the starting images, or the network's.
        seed: of the start and of the transforms.
        callback: called as `callback(step, images, values)` in each step, with the pictures before the step and their
            objective under that step's transforms, `(N,)`. True ends the ascent.
        progress: show a bar.

    Returns:
        `(N, 3, H, W)` in [0, 1], on the network's device. Ctrl-C returns what is there so far.

    References:
        Simonyan, Vedaldi, Zisserman: Deep Inside Convolutional Networks, ICLR Workshop 2014.
        Yosinski et al.: Understanding Neural Networks Through Deep Visualization, ICML Workshop 2015.
        Olah, Mordvintsev, Schubert: Feature Visualization, Distill 2017.
    """
    objective, image = as_objective(objective), image or Fourier()
    check_positive(steps=steps, lr=lr)
    check_choice("optimizer", optimizer, OPTIMIZERS)
    if regularizers and not isinstance(image, Pixels):
        raise ValueError("regularizers act on pixels; use image=Pixels(), or leave them out.")
    size = _size(net, image, size)
    generator = torch.Generator().manual_seed(seed)
    z = image.begin(net, _count(objective, image), size, generator).requires_grad_()
    step_up = _Adam(z, lr) if optimizer == "adam" else _Ascent(z, lr)
    bar = tqdm(range(steps), desc=objective.name[:30], leave=False, disable=not progress)
    with frozen(net), bar:
        try:
            for step in bar:
                with torch.enable_grad():
                    images = image.images(net, z, size)
                    seen = transform(images, transforms, generator).contiguous(memory_format=torch.channels_last)
                    values = objective(net, seen)
                    (gradient,) = torch.autograd.grad(values.sum(), z)
                if callback is not None and callback(step, images.detach(), values.detach()):
                    break
                with torch.no_grad():
                    step_up(gradient)
                    if step < steps - 1:
                        for regularizer in regularizers:
                            z.copy_(regularizer(z, gradient, step))
                    z.copy_(image.limit(net, z))
        except KeyboardInterrupt:
            pass
        with torch.no_grad():
            return image.images(net, z.detach(), size).clamp(0, 1)


class _Ascent:
    """`z <- z + lr * g / mean|g|`, each image on its own; an image without a gradient stays."""

    def __init__(self, z: Tensor, lr: float):
        self.z, self.lr = z, lr

    def __call__(self, gradient: Tensor) -> None:
        size = gradient.abs().flatten(1).mean(1).view(-1, *[1] * (gradient.ndim - 1))
        self.z.add_(gradient / size.clamp(min=torch.finfo(gradient.dtype).tiny), alpha=self.lr)


class _Adam:
    """PyTorch's Adam, uphill. It works number by number, so that the images of a batch do not mix."""

    def __init__(self, z: Tensor, lr: float):
        self.z, self.adam = z, torch.optim.Adam([z], lr=lr, maximize=True, fused=True)

    def __call__(self, gradient: Tensor) -> None:
        self.z.grad = gradient
        self.adam.step()
        self.z.grad = None


def _size(net: Network, image: Pixels | Fourier, size: int | tuple[int, int] | None) -> tuple[int, int]:
    start = tuple(image.start.shape[2:]) if isinstance(image.start, Tensor) else None
    if size is None:
        return start or (net.input_size, net.input_size)
    size = (size, size) if isinstance(size, int) else tuple(size)
    check_positive(height=size[0], width=size[1])
    if start and size != start:
        raise ValueError(f"size {size} is not that of the starting images, {start}; resize them first.")
    return size


def _count(objective: Objective, image: Pixels | Fourier) -> int:
    starts = len(image.start) if isinstance(image.start, Tensor) else None
    if starts and objective.count and starts != objective.count:
        raise ValueError(f"{starts} starting images, but {objective.name} is about {objective.count} images.")
    return starts or objective.count or 1


def facet_starts(
    net: Network,
    images: Tensor,
    *,
    count: int = 4,
    nearest: int = 15,
    layer: str | None = None,
    components: int = 50,
    seed: int = 0,
) -> tuple[Tensor, list[Tensor]]:
    """Where to start for several facets of one unit: mean images of clusters of the images that excite it most.

    The images' features are reduced by PCA and clustered by k-means; each start is the mean of the images nearest to a
    cluster's center. (The paper puts t-SNE between the two. For a few hundred images the picture is the same, and
    without it the clusters repeat exactly.)

    Args:
        net: the network that gives the features.
        images: `(N, 3, H, W)`, the unit's top images.
        count: clusters, so facets.
        nearest: how many images make one mean; a smaller cluster gives what it has.
        layer: of the features; None for the last-layer features.
        components: of the PCA.
        seed: of k-means.

    Returns:
        `(count, 3, H, W)`, the starts, largest cluster first, and for each the indices of its images, nearest first.

    Reference:
        Nguyen, Yosinski, Clune: Multifaceted Feature Visualization, ICML Workshop 2016.
    """
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA

    checked = check_images(net, images)
    check_positive(count=count, nearest=nearest, components=components)
    if len(checked) < count:
        raise ValueError(f"{count} facets need at least {count} images; there are {len(checked)}.")
    vectors = features(net, checked, layer=layer).double().cpu().numpy()
    reduced = PCA(min(components, *vectors.shape), svd_solver="full").fit_transform(vectors)
    clusters = KMeans(count, n_init=4, random_state=seed).fit(reduced)
    distance = torch.from_numpy(clusters.transform(reduced))
    labels = torch.from_numpy(clusters.labels_).long()
    members = [torch.nonzero(labels == k)[:, 0] for k in range(count)]
    members = [m[distance[m, k].argsort()][:nearest] for k, m in enumerate(members)]
    members = [members[k] for k in torch.bincount(labels, minlength=count).argsort(descending=True, stable=True)]
    starts = torch.stack([checked[m.to(checked.device)].mean(0) for m in members])
    return starts.to(images), members
