"""Images from gradient ascent: what would the network like to see?

Four things can be chosen apart from each other: what is turned (`pictures`), what happens to the picture before the
network sees it (`transforms`), what is made large (`objectives`), and what pulls the picture back (`regularizers`), all
of them in `course_utils.optimize`, whose `descend` puts them together.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from course_utils.hooks import features
from course_utils.networks.network import Network
from course_utils.optimize.descend import Callback, Watch, descend
from course_utils.optimize.objectives import Objective, as_objective
from course_utils.optimize.pictures import Fourier, Phase, Pixels
from course_utils.optimize.regularizers import Regularizer
from course_utils.optimize.transforms import CROPS, ROBUST, Transform
from course_utils.validate import WrongSize, check_choice, check_images, check_seed, check_whole, seeded

# Class images of which people can say what they show: `visualize(net, "zebra", **PHASES)`.
PHASES = {"image": Phase(), "transforms": CROPS, "views": 2, "lr": 0.2, "steps": 160, "size": 224}


@torch.inference_mode(False)  # a gradient is needed, also in a caller's inference mode
def visualize(
    net: Network,
    objective: Objective | int | str | Sequence,
    *,
    image: Pixels | Fourier | Phase | None = None,
    transforms: Sequence[Transform] = ROBUST,
    views: int = 1,
    regularizers: Sequence[Regularizer] = (),
    steps: int = 256,
    lr: float = 0.05,
    optimizer: str = "adam",
    size: int | tuple[int, int] | None = None,
    seed: int = 0,
    callback: Callback | None = None,
    progress: bool = True,
) -> Tensor:
    """Draw a picture that makes an objective large, by gradient ascent on the picture.

        visualize(net, "flamingo")                                # a class, the defaults
        visualize(net, ["relu4_1:3", "relu4_1:7"])                # two channels in one pass
        visualize(net, "zebra", **PHASES)                         # a person can say what it is
        visualize(net, class_score(130), image=Pixels(), transforms=(), optimizer="ascent", lr=0.01,
                  regularizers=[L2Decay(0.01), Blur(1.0, every=4)])

    Args:
        net: the network.
        objective: an `Objective`, a class, a unit `"layer:channel"` (the mean of the channel), or a list of classes or
            units: one image each, which is faster than one after the other.
        image: `Fourier()` (the default), `Phase()` or `Pixels()`, and where it starts.
        transforms: random changes before each step; `()` for none.
        views: how many draws of the transforms each step takes the mean over.
        regularizers: applied to the pixels after each step but the last, in this order; only with `Pixels`.
        steps: how many.
        lr: size of the steps. With "adam", its learning rate (0.05 suits `Fourier`, 0.2 `Phase`). With "ascent", the
            mean change of a number of the parameter in one step.
        optimizer: "adam", or "ascent": `z <- z + lr * g / mean|g|`, each image on its own. Yosinski et al. step by
            `lr * g`, where a good `lr` depends on network and unit.
        size: side of the picture, or (height, width); None for that of the starting images, or the network's.
        seed: of the start and of the transforms.
        callback: called as `callback(step, images, values)` in each step, with the pictures before the step and their
            objective under that step's transforms, `(N,)`. True ends the ascent.
        progress: show a bar.

    Returns:
        `(N, 3, H, W)` in [0, 1], on the network's device. Ctrl-C returns what is there so far.

    Raises:
        ValueError: no such class or unit, a setting out of range, regularizers without pixels, starting images of
            another number or size than was asked for, or a size that the network does not take.

    References:
        Simonyan, Vedaldi, Zisserman: Deep Inside Convolutional Networks, ICLR Workshop 2014.
        Yosinski et al.: Understanding Neural Networks Through Deep Visualization, ICML Workshop 2015.
        Olah, Mordvintsev, Schubert: Feature Visualization, Distill 2017.
        Fel et al.: Unlocking Feature Visualization for Deeper Networks with MAgnitude Constrained Optimization,
        NeurIPS 2023 (`Phase`).
    """
    objective, image = as_objective(objective), Fourier() if image is None else image
    check_choice("optimizer", optimizer, ["adam", "ascent"])
    check_whole(steps=steps)
    if regularizers and not isinstance(image, Pixels):
        raise ValueError("regularizers act on pixels; use image=Pixels(), or leave them out.")
    generator = seeded(seed)
    how = {"steps": steps, "size": size, "optimizer": optimizer, "lr": lr, "maximize": True, "best": False}
    how |= {"transforms": transforms, "views": views, "regularizers": regularizers, "generator": generator}
    with Watch(callback, looks=steps, name=objective.name, progress=progress) as watch:
        try:
            return descend(net, objective, image, watch=watch, **how).images
        except WrongSize as error:
            raise WrongSize(
                f"{net.name} takes only pictures of one size; give size=, and no Pad in transforms: it enlarges. "
                f"{error}"
            ) from None


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

    Raises:
        ValueError: fewer images than facets, no such layer, or a setting out of range.

    Reference:
        Nguyen, Yosinski, Clune: Multifaceted Feature Visualization, ICML Workshop 2016.
    """
    from scipy.spatial.distance import pdist
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA

    checked = check_images(net, images)
    check_whole(count=count, nearest=nearest, components=components)
    if len(checked) < count:
        raise ValueError(f"{count} facets need at least {count} images; there are {len(checked)}.")
    found = features(net, checked, layer=layer)
    vectors = found.double().cpu().numpy()
    reduced = PCA(min(components, *vectors.shape), svd_solver="full").fit_transform(vectors)
    clusters = KMeans(count, n_init=4, random_state=check_seed(seed) % 2**32).fit(reduced)
    distance = torch.from_numpy(clusters.transform(reduced))
    labels = torch.from_numpy(clusters.labels_).long()
    apart = pdist(clusters.cluster_centers_).min(initial=np.inf)
    rounding = 100 * torch.finfo(found.dtype).eps * np.linalg.norm(vectors, axis=1).max()
    if len(labels.unique()) < count or apart <= rounding:  # the same image twice in a batch may differ by rounding
        raise ValueError(f"the features of these images are too much alike for {count} facets; ask for fewer.")
    members = [torch.nonzero(labels == k)[:, 0] for k in range(count)]
    members = [m[distance[m, k].argsort()][:nearest] for k, m in enumerate(members)]
    members = [members[k] for k in torch.bincount(labels, minlength=count).argsort(descending=True, stable=True)]
    starts = torch.stack([checked[m.to(checked.device)].mean(0) for m in members])
    return starts.to(images), members
