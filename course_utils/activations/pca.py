"""Principal component analysis: the directions in which features vary most (Pearson, 1901)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from course_utils.activations.distances import check_rows
from course_utils.validate import check_whole


@dataclass(frozen=True)
class Pca:
    """Directions of largest variance.

    Attributes:
        mean: `(D,)`.
        components: `(k, D)`, orthonormal rows, the largest variance first.
        variances: `(k,)`, the variance of the data along each, with N - 1 in the denominator.
        ratio: `(k,)`, each variance as a share of the whole.
    """

    mean: Tensor
    components: Tensor
    variances: Tensor
    ratio: Tensor

    def project(self, x: Tensor) -> Tensor:
        """Coordinates `(N, k)` of rows `(N, D)`."""
        return (x - self.mean) @ self.components.T

    def reconstruct(self, coordinates: Tensor) -> Tensor:
        """Rows `(N, D)` from coordinates `(N, k)`; what the left-out directions held is lost."""
        return coordinates @ self.components + self.mean


def pca(x: Tensor, *, k: int | None = None) -> Pca:
    """Principal components by the singular value decomposition of the centered data, `X - mean = U S V^T`.

    The rows of `V^T` are the directions and `S^2 / (N - 1)` the variances; the D x D covariance matrix is never built.
    A direction has no sign of its own: each is turned so that its largest entry is positive, as in scikit-learn.

    Args:
        x: `(N, D)`, at least two rows.
        k: how many directions; None for all `min(N, D)`.

    Returns:
        `Pca`, on x's device.

    Raises:
        ValueError: fewer than two rows, or `k` larger than `min(N, D)`.

    Reference:
        Pearson: On lines and planes of closest fit to systems of points in space, 1901.
    """
    x = check_rows(x, "x")
    if len(x) < 2:
        raise ValueError("PCA needs at least two rows; one point has no variance.")
    most = min(x.shape)
    k = most if k is None else k
    check_whole(k=k)
    if not k <= most:
        raise ValueError(f"k must be between 1 and {most}, the smaller side of the {tuple(x.shape)} data; not {k}.")
    mean = x.mean(0)
    _, s, vt = torch.linalg.svd(x - mean, full_matrices=False)
    largest = vt.gather(1, vt.abs().argmax(1, keepdim=True))
    vt = vt * torch.where(largest < 0, -1.0, 1.0).to(vt)
    variances = s.square() / (len(x) - 1)
    total = variances.sum()
    ratio = variances / total if total > 0 else torch.zeros_like(variances)
    return Pca(mean, vt[:k], variances[:k], ratio[:k])
