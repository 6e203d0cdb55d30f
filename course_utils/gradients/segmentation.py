"""Segmentation without labels: a saliency map says where the object surely is, GrabCut finds its outline."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from course_utils.images import to_pil


def segment(
    image: Tensor, saliency_map: Tensor, *, foreground: float = 0.95, background: float = 0.30, iterations: int = 5
) -> Tensor:
    """Cut an object out of a photo with seeds from its saliency map.

    Pixels above the `foreground` quantile of the map are surely object, pixels below the `background` quantile surely
    not; GrabCut (OpenCV) learns the colors of both and decides the rest. The largest connected piece is kept.

    Args:
        image: `(1, 3, H, W)` or `(3, H, W)` in [0, 1].
        saliency_map: `(H, W)`, not negative. A light blur helps: single pixels make poor seeds.
        foreground, background: quantiles in (0, 1), background below foreground.
        iterations: of GrabCut.

    Returns:
        `(H, W)` bool, True on the object.

    Reference:
        Simonyan et al. 2014, section 3.2; Rother, Kolmogorov, Blake: GrabCut, SIGGRAPH 2004.
    """
    import cv2
    from scipy.ndimage import label

    if not 0 < background < foreground < 1:
        raise ValueError(f"need 0 < background < foreground < 1, got background={background}, foreground={foreground}.")
    heat = saliency_map.detach().cpu().double().squeeze().numpy()
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
    # GrabCut starts its color models with OpenCV's own random generator; the same picture should give the same mask
    cv2.setRNGSeed(0)
    models = np.zeros((1, 65)), np.zeros((1, 65))
    pixels = np.ascontiguousarray(np.asarray(to_pil(image))[:, :, ::-1])
    cv2.grabCut(pixels, mask, None, *models, iterations, cv2.GC_INIT_WITH_MASK)
    chosen = (mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD)
    pieces, count = label(chosen)
    if count > 1:
        chosen = pieces == 1 + np.argmax(np.bincount(pieces.flat)[1:])
    return torch.from_numpy(chosen)


def blur(heat: Tensor, sigma: float) -> Tensor:
    """A Gaussian blur of a map `(H, W)`; sigma in pixels."""
    from scipy.ndimage import gaussian_filter

    return torch.from_numpy(gaussian_filter(heat.detach().cpu().numpy(), sigma)).to(heat)
