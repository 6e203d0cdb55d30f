"""Fooling images: small changes of a photo that change what a network says (Szegedy et al., 2014).

`fool` returns a `Fooled` where `fgsm` and `pgd` return pictures: it is a search that ends for each image at its own
step, so how many steps each took, and whether it got there, is the result and cannot be read off the pictures. An
attack of a given length has only its pictures; `fooled` says of them who was fooled.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from tqdm.auto import tqdm

from course_utils.engines.steps import loss_gradient, need_target, unit_length
from course_utils.networks.network import Network, frozen
from course_utils.validate import Target, check_images, check_positive, check_target, check_whole


@dataclass
class Fooled:
    """What `fool` found.

    Attributes:
        images: `(N, 3, H, W)` in [0, 1].
        steps: `(N,)` int, how many steps each image needed; those that are not fooled have taken all steps.
        success: `(N,)` bool, the network now says the target class.
        confidence: `(N, steps taken + 1)`, the probability of the target class before each step and at the end; a
            fooled image keeps its last value.
        original: the same for the class that the network saw at first.
    """

    images: Tensor
    steps: Tensor
    success: Tensor
    confidence: Tensor
    original: Tensor


@torch.inference_mode(False)  # a caller who switched gradients off gets them here
def fool(
    net: Network,
    images: Tensor,
    target: Target,
    *,
    lr: float = 0.5,
    steps: int = 100,
    progress: bool = True,
) -> Fooled:
    """Climb the score of another class until the network says it, and stop: `x <- x + lr * g / |g|_2`, `g = dS_t/dx`.

    Each image stops at its own success. Pixels are kept in [0, 1].

    Args:
        net: a classifier.
        images: `(N, 3, H, W)` RGB in [0, 1]; they are copied.
        target: the class to be seen: index or name, or one per image.
        lr: length of a step, the L2 norm of the change over all pixels.
        steps: at most.
        progress: show a bar. Interrupting returns the images so far.

    Returns:
        `Fooled`: the images, and how many steps each needed.

    Raises:
        ValueError: `target` is None: fooling needs another class than the predicted one. No such class, no steps.

    Reference:
        Szegedy et al.: Intriguing properties of neural networks, ICLR 2014; the step is Stanford CS231n's.
    """
    check_positive(lr=lr)
    check_whole(steps=steps)
    need_target(target)
    pixels = check_images(net, images).clone()
    count = len(pixels)
    taken = torch.zeros(count, dtype=torch.long, device=pixels.device)
    confidence, original = [], []
    with frozen(net), tqdm(total=steps, desc="fool", leave=False, disable=not progress) as bar:
        with torch.no_grad():
            scores = net(pixels)
            classes, first = check_target(net, target, scores), scores.argmax(1)
        probabilities = scores.softmax(1)
        done = scores.argmax(1) == classes

        def record():
            confidence.append(probabilities.gather(1, classes[:, None])[:, 0])
            original.append(probabilities.gather(1, first[:, None])[:, 0])

        record()
        try:
            for _ in range(steps):
                todo = (~done).nonzero()[:, 0]
                if len(todo) == 0:
                    break
                gradient, _ = loss_gradient(net, pixels[todo], classes[todo], "score")
                pixels[todo] = (pixels[todo] + lr * unit_length(gradient)).clamp(0, 1)
                with torch.no_grad():
                    scores = net(pixels[todo])
                taken[todo] += 1
                probabilities[todo] = scores.softmax(1)
                done[todo] = scores.argmax(1) == classes[todo]
                record()
                bar.update()
                bar.set_postfix_str(f"{int(done.sum())} of {count} fooled", refresh=False)
        except KeyboardInterrupt:
            pass
    found = pixels, taken, done, torch.stack(confidence, 1), torch.stack(original, 1)
    return Fooled(*(part.to(images.device) for part in found))


def fooled(net: Network, images: Tensor, target: Target, *, targeted: bool = True) -> Tensor:
    """Whether the network now says the target class, or no longer says it.

    Args:
        net: a classifier.
        images: `(N, 3, H, W)` RGB in [0, 1].
        target: index or name, or one per image.
        targeted: True for "says it", False for "no longer says it".

    Returns:
        `(N,)` bool.

    Raises:
        ValueError: no target, or no such class.
    """
    need_target(target)
    ready = check_images(net, images)
    with frozen(net), torch.no_grad():
        scores = net(ready)
    says = check_target(net, target, scores) == scores.argmax(1)
    return (says if targeted else ~says).to(images.device)


def magnify(change: Tensor, factor: float = 10.0) -> Tensor:
    """A change of an image as a picture: gray where nothing changes, `0.5 + factor * change`, cut off at 0 and 1.

    A difference is no photo: adding a mean color to it, or leaving negative values to wrap around or to be cut off at
    0, shows a change that is not there.

    Args:
        change: `(N, 3, H, W)`, the difference of two images.
        factor: how much stronger it is shown.

    Returns:
        `(N, 3, H, W)` in [0, 1].
    """
    return (0.5 + factor * change).clamp(0, 1)
