"""GrabCut (Rother, Kolmogorov & Blake, 2004) by OpenCV, with its random generator left alone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from torch import Tensor

from course_utils.images import to_pil


def grab_cut(image: Tensor, marks: np.ndarray, *, iterations: int = 5) -> Tensor:
    """The object in a photo; the largest connected piece of it.

    Args:
        image: `(1, 3, H, W)` or `(3, H, W)` in [0, 1]; gray ones with one channel.
        marks: `(H, W)` uint8 of OpenCV's `GC_FGD`, `GC_BGD`, `GC_PR_FGD`, `GC_PR_BGD`; it is not changed.
        iterations: of GrabCut.

    Returns:
        `(H, W)` bool, True on the object.
    """
    import cv2
    from scipy.ndimage import label

    mask = marks.copy()
    pixels = np.ascontiguousarray(np.asarray(to_pil(image).convert("RGB"))[:, :, ::-1])

    def cut() -> None:
        cv2.setRNGSeed(0)  # the color models start at random; the same picture should give the same mask
        cv2.grabCut(pixels, mask, None, np.zeros((1, 65)), np.zeros((1, 65)), int(iterations), cv2.GC_INIT_WITH_MASK)

    # OpenCV has one random generator for each thread, so the caller's stays as it is.
    with ThreadPoolExecutor(1) as other_thread:
        other_thread.submit(cut).result()
    chosen = (mask == cv2.GC_FGD) | (mask == cv2.GC_PR_FGD)
    pieces, count = label(chosen)
    if count > 1:
        chosen = pieces == 1 + np.argmax(np.bincount(pieces.flat)[1:])
    return torch.from_numpy(chosen)
