"""Draws the six color textures of `data/textures`, each from its seed:

python -m course_utils.drawing.textures
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from course_utils.images import to_pil
from course_utils.stimuli.textures import FOLDER, SIDE


def _noise(rng: np.random.Generator, sigma: float | tuple[float, float], channels: int = 1) -> np.ndarray:
    """Smooth noise `(SIDE, SIDE, channels)` with mean 0 and standard deviation 1; it continues across the border."""
    from scipy.ndimage import gaussian_filter

    sigma = (sigma, sigma) if np.isscalar(sigma) else sigma
    smooth = gaussian_filter(rng.normal(size=(SIDE, SIDE, channels)), (*sigma, 0), mode="wrap")
    return (smooth - smooth.mean((0, 1))) / smooth.std((0, 1))


def _scattered(rng: np.random.Generator, spacing: float) -> np.ndarray:
    """Points `(n, 2)` on a jittered grid, also beyond the border: never two on top of each other, never in rows."""
    grid = np.arange(-2 * spacing, SIDE + 2 * spacing, spacing)
    points = np.stack(np.meshgrid(grid, grid), -1).reshape(-1, 2)
    return points + rng.uniform(-0.42, 0.42, points.shape) * spacing


def _lit(height: np.ndarray, strength: float) -> np.ndarray:
    """How bright a surface of this height is with a lamp at the upper left; around 1."""
    slope_y, slope_x = np.gradient(height)
    normal = np.stack([-slope_y * strength, -slope_x * strength, np.ones_like(height)], -1)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    return normal @ (np.array([-0.5, -0.5, 0.7]) / np.linalg.norm([0.5, 0.5, 0.7])) / 0.7


def _pebbles(rng: np.random.Generator) -> np.ndarray:
    """Round stones of six colors in dark sand."""
    from scipy.ndimage import gaussian_filter
    from scipy.spatial import cKDTree

    points = _scattered(rng, 17)
    places = np.stack(np.mgrid[:SIDE, :SIDE], -1) + 1.2 * _noise(rng, 4, 2)
    distances, nearest = cKDTree(points).query(places, k=2)
    gap = distances[..., 1] - distances[..., 0]
    height = gaussian_filter(8 * np.sqrt(np.clip(gap - 1.5, 0, 9) / 9), 1)
    palette = np.array(
        [
            [0.74, 0.69, 0.6],
            [0.55, 0.5, 0.47],
            [0.62, 0.38, 0.28],
            [0.36, 0.4, 0.46],
            [0.82, 0.78, 0.72],
            [0.46, 0.47, 0.37],
        ]
    )
    colors = palette[rng.integers(0, len(palette), len(points))] * rng.uniform(0.88, 1.1, (len(points), 1))
    stone = colors[nearest[..., 0]] * (1 + 0.05 * _noise(rng, 1.2))
    sand = np.array([0.2, 0.16, 0.13]) * (1 + 0.2 * _noise(rng, 0.8))
    cover = np.clip((gap - 1.2) / 1.5, 0, 1)[..., None]
    return (cover * stone + (1 - cover) * sand) * _lit(height, 0.75)[..., None]


def _leaves(rng: np.random.Generator) -> np.ndarray:
    """Fallen leaves, one over the other, each with a middle rib."""
    picture = np.full((SIDE, SIDE, 3), 0.1)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    palette = np.array(
        [
            [0.8, 0.42, 0.1],
            [0.67, 0.2, 0.1],
            [0.85, 0.65, 0.18],
            [0.45, 0.28, 0.12],
            [0.55, 0.5, 0.15],
            [0.3, 0.38, 0.14],
        ]
    )
    for _ in range(900):
        y, x, angle, length = rng.uniform(-10, SIDE + 10, 2).tolist() + [rng.uniform(0, 2 * np.pi), rng.uniform(11, 17)]
        box = np.s_[max(0, int(y) - 20) : max(0, int(y) + 21), max(0, int(x) - 20) : max(0, int(x) + 21)]
        dy, dx = rows[box] - y, columns[box] - x
        along, across = dx * np.cos(angle) + dy * np.sin(angle), -dx * np.sin(angle) + dy * np.cos(angle)
        width = 0.4 * length * np.clip(1 - (along / length) ** 2, 0, None)  # a lens: pointed at both ends
        color = palette[rng.integers(len(palette))] * rng.uniform(0.85, 1.15)
        shade = (
            1
            + 0.3 * across / length
            - 0.45 * np.exp(-((across / 0.7) ** 2))
            + 0.08 * np.sin(1.6 * along - 1.2 * np.abs(across))
        )
        edge = np.clip(width - np.abs(across) + 0.5, 0, 1)[..., None]
        shadow = np.clip((width + 2 - np.abs(across)) / 3, 0, 1)[..., None]
        picture[box] *= 1 - 0.45 * shadow
        picture[box] = (1 - edge) * picture[box] + edge * color * shade[..., None]
    return picture


def _coral(rng: np.random.Generator) -> np.ndarray:
    """A labyrinth of ridges: noise of one width of stripe, cut at its mean."""
    from scipy.ndimage import gaussian_filter

    stripes = _noise(rng, 3.2)[..., 0]
    for _ in range(12):  # sharpen, keep one width: like a reaction that spreads and is held back
        stripes = gaussian_filter(np.tanh(3 * stripes), 2.2, mode="wrap") - 0.92 * gaussian_filter(
            np.tanh(3 * stripes), 4.4, mode="wrap"
        )
        stripes /= stripes.std()
    ridge = (np.tanh(2.2 * stripes) + 1) / 2
    color = ridge[..., None] * np.array([0.95, 0.62, 0.45]) + (1 - ridge[..., None]) * np.array([0.1, 0.3, 0.42])
    return color * (0.55 + 0.45 * _lit(3.5 * ridge, 0.8))[..., None] * (1 + 0.04 * _noise(rng, 1))


def _wood(rng: np.random.Generator) -> np.ndarray:
    """Grain: lines that run downward and bend around, and short dark pores."""
    _, columns = np.mgrid[:SIDE, :SIDE]
    bent = columns + 9 * _noise(rng, (40, 12))[..., 0] + 0.8 * _noise(rng, (14, 1.5))[..., 0]
    rings = 0.5 + 0.5 * np.sin(2 * np.pi * bent / 13)
    rings = rings**2 * (1 + 0.15 * _noise(rng, (30, 8))[..., 0])
    light, dark = np.array([0.82, 0.6, 0.36]), np.array([0.5, 0.29, 0.14])
    picture = light + np.clip(rings, 0, 1.2)[..., None] * (dark - light)
    picture *= 1 + 0.06 * _noise(rng, (9, 0.7))
    pores = np.clip(_noise(rng, (4, 0.6)) - 1.9, 0, 1)
    return picture * (1 - 0.7 * pores)


def _weave(rng: np.random.Generator) -> np.ndarray:
    """A basket: flat bands of 16 pixels that go over and under, strictly regular but for the color of each band."""
    band = 16
    rows, columns = np.mgrid[:SIDE, :SIDE]
    over = ((rows // band + columns // band) % 2).astype(bool)
    across = np.where(over, rows % band, columns % band) + 0.5 - band / 2  # from the middle of the band on top
    along = np.where(over, columns % band, rows % band) + 0.5 - band / 2
    tone = np.where(
        over, rng.uniform(0.85, 1.1, SIDE // band)[rows // band], rng.uniform(0.85, 1.1, SIDE // band)[columns // band]
    )
    bulge = np.cos(np.pi * along / (band * 1.25)) * np.clip(1.08 - (np.abs(across) / (band / 2)) ** 6, 0, 1)
    fibers = np.where(over, _noise(rng, (0.6, 5))[..., 0], _noise(rng, (5, 0.6))[..., 0])
    base = np.where(over[..., None], np.array([0.86, 0.7, 0.42]), np.array([0.62, 0.36, 0.2]))
    return base * (tone * (0.25 + 0.8 * bulge) * (1 + 0.06 * fibers))[..., None]


def _scales(rng: np.random.Generator) -> np.ndarray:
    """Fish scales: half circles in shifted rows, each a little different in color."""
    radius, step = 13, 10
    rows, columns = np.mgrid[:SIDE, :SIDE].astype(float)
    picture = np.zeros((SIDE, SIDE, 3))
    for number, y in reversed(list(enumerate(np.arange(-2 * step, SIDE + 2 * step, step)))):
        for x in np.arange(-radius, SIDE + 2 * radius, 2 * radius) + radius * (number % 2):
            distance = np.hypot(rows - y, columns - x)
            inside = distance < radius
            hue = np.array([0.12, 0.52, 0.55]) + rng.normal(0, [0.05, 0.08, 0.09])
            shine = 0.55 + 0.65 * np.clip(1 - distance / radius, 0, 1) + 0.5 * np.exp(-((distance - radius + 2.2) ** 2))
            scale = hue.clip(0, 1) * shine[..., None]
            picture[inside] = scale[inside]
    return picture * (1 + 0.03 * _noise(rng, 1))


_DRAWN: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "pebbles": _pebbles,
    "leaves": _leaves,
    "coral": _coral,
    "wood": _wood,
    "scales": _scales,
    "weave": _weave,
}


def draw_texture(name: str, *, seed: int = 0) -> Tensor:
    """Draw a texture anew: `(1, 3, 256, 256)` in [0, 1]. The pictures in data/textures are those of seed 0."""
    if name not in _DRAWN:
        raise ValueError(f"there is no drawn texture {name!r}; there are {', '.join(_DRAWN)}.")
    values = _DRAWN[name](np.random.default_rng([seed, *name.encode()])).clip(0, 1)
    return torch.from_numpy(values).permute(2, 0, 1)[None].float().mul(255).round().div(255)


def write_samples(folder: Path = FOLDER) -> list[Path]:
    """Draw all textures and write them as PNG files."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"{name}.png" for name in _DRAWN]
    for path in paths:
        to_pil(draw_texture(path.stem)).save(path, optimize=True)
    return paths


if __name__ == "__main__":
    write_samples()
