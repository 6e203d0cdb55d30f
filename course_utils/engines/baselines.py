"""What covers a part of an image: gray, its mean color, itself blurred, noise, or a picture."""

from __future__ import annotations

import torch
from torch import Tensor

from course_utils.validate import check_choice, seeded

BASELINES = ("gray", "mean", "blur", "noise")


def baseline_images(images: Tensor, baseline: str | float | Tensor = "gray", *, seed: int = 0) -> Tensor:
    """What a covered place shows instead of the image, as whole pictures.

    Args:
        images: `(N, 3, H, W)` RGB in [0, 1].
        baseline: "gray" (0.5), "mean" (each image's mean color), "blur" (the image, blurred), "noise" (uniform), a
            number from 0 to 1, or a picture that broadcasts to the images.
        seed: of the noise.

    Returns:
        `(N, 3, H, W)` in [0, 1].

    Raises:
        ValueError: an unknown name, a number or a picture outside [0, 1], or a picture that does not fit.
        TypeError: neither a name, a number nor a picture.
    """
    if isinstance(baseline, Tensor):
        try:
            whole = baseline.detach().to(images).expand_as(images)
        except RuntimeError:
            raise ValueError(
                f"a baseline of shape {tuple(baseline.shape)} does not fit images of shape {tuple(images.shape)}."
            ) from None
        low, high = whole.aminmax()
        if not (low >= -1e-4 and high <= 1 + 1e-4):  # NaN is neither
            raise ValueError(f"a baseline must lie in [0, 1]; this one goes from {low:.4g} to {high:.4g}.")
        return whole
    if isinstance(baseline, (int, float)) and not isinstance(baseline, bool):
        if not 0 <= baseline <= 1:
            raise ValueError(f"baseline must be a gray value from 0 to 1, not {baseline}.")
        return torch.full_like(images, baseline)
    if not isinstance(baseline, str):
        raise TypeError(f"baseline must be a name, a number or a picture, not {type(baseline).__name__}.")
    check_choice("baseline", baseline, BASELINES)
    if baseline == "gray":
        return torch.full_like(images, 0.5)
    if baseline == "mean":
        return images.mean((2, 3), keepdim=True).expand_as(images)
    if baseline == "blur":
        from torchvision.transforms.functional import gaussian_blur

        sigma = max(images.shape[2:]) / 20
        kernel = min(2 * round(3 * sigma) + 1, *(2 * side - 1 for side in images.shape[2:]))
        return gaussian_blur(images, [kernel, kernel], [sigma, sigma])
    generator = seeded(seed)
    return torch.rand(images.shape, generator=generator, dtype=torch.float64).to(images)
