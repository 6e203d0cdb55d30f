"""Segmentation without labels: a saliency map says where the object surely is, GrabCut finds its outline."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from course_utils.engines.grab_cut import grab_cut
from course_utils.validate import check_whole, to_numpy


def segment(
    image: Tensor, saliency_map: Tensor, *, foreground: float = 0.95, background: float = 0.30, iterations: int = 5
) -> Tensor:
    """Cut an object out of a photo with seeds from its saliency map.

    Pixels above the `foreground` quantile of the map are surely object, pixels below the `background` quantile surely
    not; GrabCut (OpenCV) learns the colors of both and decides the rest. The largest connected piece is kept.

    Args:
        image: `(1, 3, H, W)` or `(3, H, W)` in [0, 1]; gray ones with one channel.
        saliency_map: `(H, W)`, not negative. A light blur helps: single pixels make poor seeds.
        foreground, background: quantiles in (0, 1), background below foreground.
        iterations: of GrabCut.

    Returns:
        `(H, W)` bool, True on the object.

    Raises:
        ValueError: quantiles in the wrong order, a map of another size than the image, or one without seeds.

    Reference:
        Simonyan et al. 2014, section 3.2; Rother, Kolmogorov, Blake: GrabCut, SIGGRAPH 2004.
    """
    import cv2

    if not 0 < background < foreground < 1:
        raise ValueError(f"need 0 < background < foreground < 1, got background={background}, foreground={foreground}.")
    check_whole(iterations=iterations)
    heat = to_numpy(saliency_map).astype("float64").squeeze()
    if heat.shape != tuple(image.shape[-2:]):
        raise ValueError(f"the map has shape {heat.shape}, the image {tuple(image.shape[-2:])}.")
    high, low = np.quantile(heat, foreground), np.quantile(heat, background)
    sure, never = heat > high, heat <= low
    if not np.isfinite(heat).all() or not sure.any() or not never.any():
        raise ValueError("the map gives no seeds: it needs both large and small finite values.")
    mask = np.where(heat > np.quantile(heat, (foreground + background) / 2), cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(
        np.uint8
    )
    mask[sure], mask[never] = cv2.GC_FGD, cv2.GC_BGD
    return grab_cut(image, mask, iterations=iterations)


def blur(heat: Tensor, sigma: float) -> Tensor:
    """A Gaussian blur of a map `(H, W)`; sigma in pixels."""
    from scipy.ndimage import gaussian_filter

    return torch.from_numpy(gaussian_filter(to_numpy(heat), sigma)).to(heat)
