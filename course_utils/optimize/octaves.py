"""From small pictures to large ones: large strokes first, at a fraction of the cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from torch import Tensor
from torchvision.transforms.v2.functional import resize

from course_utils.optimize.descend import Watch


def scaled(size: tuple[int, int], zoom: float) -> tuple[int, int]:
    """(height, width) divided by `zoom`, at least 1."""
    return max(1, round(size[0] / zoom)), max(1, round(size[1] / zoom))


def octave_zooms(size: tuple[int, int], octaves: int, scale: float, smallest: int = 1) -> list[float]:
    """By what to divide a size, largest number first: always 1, else none that leaves a side below `smallest`."""
    zooms = [scale**k for k in reversed(range(octaves))]
    return [zoom for zoom in zooms[:-1] if min(scaled(size, zoom)) >= smallest] + [1.0]


def through_sizes(
    photo: Tensor, zooms: Iterable[float], draw: Callable[[Tensor, float], Tensor], watch: Watch, *, start: Tensor
) -> Tensor:
    """Draw on a picture at one size after the other.

    From size to size only what was drawn is enlarged. The photo itself comes anew from the original, as sharp as ever.

    Args:
        photo: `(N, 3, H, W)` in [0, 1].
        zooms: by what to divide its size, largest first.
        draw: a function of the picture at some size and of the zoom; it returns the changed picture.
        watch: is shown the whole picture at its full size, and ends all sizes.
        start: where to start, `(N, 3, H, W)`; the photo, or something else.

    Returns:
        `(N, 3, H, W)` in [0, 1].
    """
    size, change = photo.shape[2:], start - photo

    def whole(change: Tensor) -> Tensor:
        return (photo + stretch(change, size)).clamp(0, 1)

    try:
        for zoom in zooms:
            if watch.stopped:
                break
            base = stretch(photo, scaled(size, zoom))
            watch.show = lambda image, base=base: whole(image - base)
            change = draw(base + stretch(change, base.shape[2:]), zoom) - base
    except KeyboardInterrupt:  # between two descents; inside of one, `descend` catches it
        watch.stopped = True
    return whole(change)


def stretch(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Bilinear with antialiasing, and the very same numbers if the size is right. Nothing is cut off at 0 and 1."""
    return resize(images, list(size), antialias=True)
