"""Efros-Leung with loops only, one pixel after the other: what the fast version must equal."""

import math

import numpy as np
import torch


def naive_efros_leung(sample, size, *, window=11, tolerance=0.1, max_error=0.3, seed=0):
    pixels = (sample[0].permute(1, 2, 0).double() * 255).round().int().tolist()
    sample_height, sample_width = len(pixels), len(pixels[0])
    height, width = (size, size) if isinstance(size, int) else size
    half, sigma = window // 2, window / 6.4
    bell = [math.exp(-((k - half) ** 2) / (2 * sigma**2)) for k in range(window)]
    weight = [[round(65536 * a * b) for b in bell] for a in bell]

    rng = np.random.default_rng(seed)
    top, left = int(rng.integers(0, sample_height - 2)), int(rng.integers(0, sample_width - 2))
    source = [[None] * width for _ in range(height)]
    for a in range(3):
        for b in range(3):
            source[height // 2 - 1 + a][width // 2 - 1 + b] = (top + a, left + b)

    def is_filled(y, x):
        return 0 <= y < height and 0 <= x < width and source[y][x] is not None

    while any(s is None for line in source for s in line):
        ring, counts = [], []
        for y in range(height):
            for x in range(width):
                count = sum(is_filled(y + a, x + b) for a in (-1, 0, 1) for b in (-1, 0, 1))
                if source[y][x] is None and count:
                    ring.append((y, x))
                    counts.append(count)
        order = rng.permutation(len(ring)).tolist()
        order.sort(key=lambda i: -counts[i])
        draws, progress = rng.random(len(ring)), False
        for draw, i in zip(draws, order, strict=True):
            y, x = ring[i]
            errors = []
            for top in range(sample_height - window + 1):
                for left in range(sample_width - window + 1):
                    error = total = 0
                    for a in range(window):
                        for b in range(window):
                            if is_filled(y + a - half, x + b - half):
                                from_y, from_x = source[y + a - half][x + b - half]
                                old, new = pixels[from_y][from_x], pixels[top + a][left + b]
                                square = sum((old[c] - new[c]) ** 2 for c in range(3))
                                error += weight[a][b] * square
                                total += weight[a][b]
                    errors.append((error, top + half, left + half))
            limit = min(e[0] for e in errors) * (1 + tolerance)
            good = [e for e in errors if e[0] <= limit]
            error, from_y, from_x = good[int(draw * len(good))]
            if error <= max_error * total * (3 * 255**2):
                source[y][x], progress = (from_y, from_x), True
        if not progress:
            max_error *= 1.1
    where = torch.tensor(source)
    return sample[:, :, where[..., 0], where[..., 1]], where
