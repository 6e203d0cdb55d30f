"""Draws the eight pictures of `data/styles`, each from its seed, at twice the size, and reduces it:

python -m course_utils.drawing.styles
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from course_utils.stimuli.styles import FOLDER, SIDE, STYLES
from course_utils.validate import check_choice


def draw_style(name: str, *, side: int = SIDE, seed: int = 0) -> np.ndarray:
    """Draw a style picture from its seed; another seed gives another picture of the same kind.

    Returns:
        `(side, side, 3)` RGB, uint8.
    """
    import cv2

    check_choice("name", name, STYLES)
    rng = np.random.default_rng([STYLES.index(name), seed])
    large = PICTURES[name](rng, 2 * side)
    return cv2.resize(large.clip(0, 255).astype(np.uint8), (side, side), interpolation=cv2.INTER_AREA)


# What the pictures share: positions go from 0 to 1, x to the right and y down; colors from 0 to 255.


def _grid(n: int) -> tuple[np.ndarray, np.ndarray]:
    steps = (np.arange(n) + 0.5) / n
    return np.meshgrid(steps, steps)


def _noise(rng: np.random.Generator, n: int, cells: int, octaves: int = 1) -> np.ndarray:
    """Smooth noise `(n, n)` from -1 to 1, about `cells` bumps across; more octaves add finer, weaker bumps."""
    import cv2

    total = np.zeros((n, n))
    for k in range(octaves):
        coarse = rng.uniform(-1, 1, (cells * 2**k + 3,) * 2)
        total += cv2.resize(coarse, (n, n), interpolation=cv2.INTER_CUBIC) / 2**k
    return (total / (2 - 0.5 ** (octaves - 1))).clip(-1, 1)


def _blend(stops: list[tuple[float, tuple]], t: np.ndarray) -> np.ndarray:
    """Colors between stops `(position, (r, g, b))`; `t` of any shape gives `(*t.shape, 3)`."""
    places = [p for p, _ in stops]
    return np.stack([np.interp(t, places, [c[k] for _, c in stops]) for k in range(3)], -1)


def _mix(below: np.ndarray, above, amount: np.ndarray) -> np.ndarray:
    return below + (np.asarray(above, float) - below) * amount[..., None]


def _relief(canvas: np.ndarray, strength: float) -> np.ndarray:
    """Light from the upper left on thick paint: brightness is taken as height."""
    height = canvas.mean(-1)
    slope = np.roll(height, (-2, -2), (0, 1)) - np.roll(height, (2, 2), (0, 1))
    return canvas + strength * slope.clip(-40, 40)[..., None]


def _strokes(rng, canvas, color, angle, count, length, width, jitter) -> None:
    """Brush strokes along a field of directions; `color` `(n, n, 3)` and `angle` `(n, n)` say what is at each place."""
    import cv2

    n, step = len(canvas), max(2.0, length / 8)
    for x, y in rng.uniform(0, n - 1, (count, 2)):
        paint = color[int(y), int(x)] + rng.normal(0, jitter, 3) + rng.normal(0, jitter)
        path = [(x, y)]
        for _ in range(8):
            direction = angle[int(y), int(x)]
            x, y = x + step * np.cos(direction), y + step * np.sin(direction)
            if not (0 <= x < n and 0 <= y < n):
                break
            path.append((x, y))
        points = np.array(path)
        side = rng.uniform(0.8, 1.2) * width
        for offset, part, light in (
            (0, 1.0, 0),
            (-0.28, 0.28, 22),
            (0.3, 0.22, -20),
        ):  # the brush, and two of its bristles
            shifted = points + offset * side
            cv2.polylines(
                canvas,
                [np.round(shifted * 16).astype(np.int32)],
                False,
                (paint + light).clip(0, 255).tolist(),
                max(1, round(side * part)),
                cv2.LINE_AA,
                shift=4,
            )


def _night(rng: np.random.Generator, n: int) -> np.ndarray:
    """A windy night: brush strokes that follow a field of whirls, around stars and a moon, over dark hills."""
    x, y = _grid(n)
    flow_x, flow_y = 0.55 + 0.5 * _noise(rng, n, 3), 0.35 * _noise(rng, n, 3)
    sky = _blend([(0, (16, 28, 84)), (0.45, (34, 76, 152)), (0.75, (96, 150, 190)), (1, (190, 205, 170))], y / 0.75)
    sky += 26 * _noise(rng, n, 7, 2)[..., None] * np.array([0.8, 1.0, 1.2])
    whirls = [(0.36, 0.33, 0.17, 1), (0.66, 0.42, 0.13, -1), (0.08, 0.5, 0.1, 1)]
    for cx, cy, radius, turn in whirls:
        dx, dy = x - cx, y - cy
        r = np.hypot(dx, dy) + 1e-6
        pull = 3.2 * np.exp(-((r / radius) ** 2))
        flow_x, flow_y = flow_x - turn * pull * dy / r, flow_y + turn * pull * dx / r
        spiral = 0.5 + 0.5 * np.cos(2 * np.pi * r / (0.42 * radius) - turn * np.arctan2(dy, dx))
        sky = _mix(sky, (176, 206, 216), 0.75 * spiral**2 * np.exp(-((r / radius) ** 2)))
    stars = [(0.84, 0.16, 0.105)] + [(*c, rng.uniform(0.03, 0.05)) for c in _scattered(rng, 9, 0.17, 0.55)]
    for cx, cy, radius in stars:
        dx, dy = x - cx, y - cy
        r = np.hypot(dx, dy) + 1e-6
        glow = np.exp(-((r / (1.25 * radius)) ** 2))
        ring = 0.5 + 0.5 * np.cos(2 * np.pi * r / (0.7 * radius))
        flow_x, flow_y = flow_x * (1 - glow) - 3 * glow * dy / r, flow_y * (1 - glow) + 3 * glow * dx / r
        sky = _mix(sky, (244, 206, 92), glow * (0.55 + 0.45 * ring))
        sky = _mix(sky, (255, 240, 190), np.exp(-((r / (0.45 * radius)) ** 2)))
    color, angle = sky, np.arctan2(flow_y, flow_x)
    for level, top, tone in ((0.7, 0.07, (44, 82, 118)), (0.8, 0.06, (30, 62, 74)), (0.9, 0.05, (24, 44, 40))):
        ridge = level + top * np.sin(2 * np.pi * (x * rng.uniform(0.7, 1.3) + rng.uniform()))
        ground = (y > ridge).astype(float)
        bands = 0.5 + 0.5 * np.sin(60 * (y - ridge))
        color = _mix(color, np.array(tone) + 26 * bands[..., None] * np.array([0.7, 1, 0.6]), ground)
        slope = np.arctan(np.gradient(ridge, 1 / n, axis=1))
        angle = np.where(ground > 0, slope, angle)
    tree = (np.abs(x - 0.13 - 0.02 * np.sin(14 * y)) < 0.085 * ((y - 0.18) / 0.82).clip(0) ** 0.8) & (y > 0.2)
    color = _mix(color, np.array((20, 34, 26)) + 20 * _noise(rng, n, 24)[..., None], tree.astype(float))
    angle = np.where(tree, -np.pi / 2 + 0.9 * _noise(rng, n, 9), angle)
    canvas = np.ascontiguousarray((color * 0.7).clip(0, 255).astype(np.uint8))
    for count, length, width in ((5000, 0.085, 0.017), (9000, 0.06, 0.011), (9000, 0.04, 0.0075)):
        _strokes(rng, canvas, color, angle, count, length * n, width * n, 9)
    return _relief(canvas.astype(float), 0.35)


def _scattered(rng, count: int, apart: float, height: float) -> list[tuple[float, float]]:
    """Points at least `apart` from each other, above `height`."""
    points = []
    for _ in range(4000):
        one = (rng.uniform(0.03, 0.97), rng.uniform(0.03, height))
        if all(np.hypot(one[0] - a, one[1] - b) > apart for a, b in [*points, (0.84, 0.16)]):
            points.append(one)
        if len(points) == count:
            break
    return points


def _glass(rng: np.random.Generator, n: int) -> np.ndarray:
    """A rose window: pieces of colored glass around a center, in dark lead."""
    from scipy.spatial import cKDTree

    x, y = _grid(n)
    palette = np.array(
        [(206, 24, 40), (22, 60, 170), (246, 188, 30), (20, 132, 92), (120, 30, 132), (238, 110, 24), (60, 170, 214)]
    )
    points, tones = [(0.5, 0.5)], [2]
    for ring, (radius, count, choices) in enumerate(
        ((0.09, 8, (0, 5)), (0.18, 16, (1, 6)), (0.27, 16, (0, 2)), (0.35, 24, (1, 4)), (0.43, 32, (3, 6, 1)))
    ):
        for k in range(count):
            turn = 2 * np.pi * (k + 0.5 * (ring % 2)) / count
            points.append((0.5 + radius * np.cos(turn), 0.5 + radius * np.sin(turn)))
            tones.append(choices[k % len(choices)])
    while len(points) < 190:
        one = rng.uniform(-0.05, 1.05, 2)
        if np.hypot(*(one - 0.5)) > 0.5 and min(np.hypot(*(one - p)) for p in points) > 0.045:
            points.append(tuple(one))
            tones.append(int(rng.choice([1, 1, 4, 3])))
    points = np.array(points)
    tree = cKDTree(points)
    bend = 0.006 * np.stack([_noise(rng, n, 9, 2), _noise(rng, n, 9, 2)], -1)
    distances, index = tree.query(np.stack([x, y], -1) + bend, k=2)
    border = distances[..., 1] - distances[..., 0]
    color = palette[np.array(tones)][index[..., 0]] + rng.normal(0, 16, (len(points), 3))[index[..., 0]]
    light = 1.22 - 0.5 * distances[..., 0] / 0.06 + 0.18 * _noise(rng, n, 30, 3) + 0.14 * _noise(rng, n, 5)
    streak = np.sin(170 * (x * np.cos(index[..., 0] * 2.4) + y * np.sin(index[..., 0] * 2.4)) + 3 * _noise(rng, n, 12))
    color = color * (light + 0.06 * streak)[..., None]
    color = _mix(color, (255, 250, 225), 0.55 * np.exp(-((np.hypot(x - 0.5, y - 0.5) / 0.1) ** 2)))
    r = np.hypot(x - 0.5, y - 0.5)
    lead = (border < 0.0085) | (np.abs(r - 0.485) < 0.009) | (np.abs(r - 0.225) < 0.0045)
    shine = np.exp(-(((border - 0.001) / 0.0025) ** 2))
    color = np.where(lead[..., None], np.array((26, 24, 30)) + 46 * shine[..., None], color)
    return color


def _waves(rng: np.random.Generator, n: int) -> np.ndarray:
    """A print of the sea: rows of waves with foam, a pale sky, a red sun."""
    import cv2

    x, y = _grid(n)
    color = _blend([(0, (226, 196, 150)), (0.3, (243, 226, 190)), (0.5, (238, 214, 186))], y)
    color += 7 * np.sin(150 * y + 8 * _noise(rng, n, 3))[..., None] * (y < 0.6)[..., None]
    sun = np.hypot(x - 0.7, y - 0.2) < 0.115
    color = _mix(color, (206, 62, 44), 0.92 * sun)
    blues = [(150, 190, 196), (104, 158, 184), (62, 118, 164), (38, 84, 138), (24, 58, 110), (16, 38, 80)]
    canvas = np.ascontiguousarray(color.clip(0, 255).astype(np.uint8))
    for k, tone in enumerate(blues):
        level, tall, long = 0.36 + 0.115 * k, 0.05 + 0.017 * k, 2.6 - 0.26 * k
        shift = rng.uniform() + 0.12 * np.sin(2 * np.pi * (x * 1.1 + rng.uniform()))
        phase = (x * long + shift) % 1
        # a steep front and a long back, like a wave about to break
        crest = np.where(phase < 0.68, (phase / 0.68) ** 2.2, 1 - ((phase - 0.68).clip(0) / 0.32) ** 0.55)
        swell = 0.6 + 0.4 * np.sin(2 * np.pi * (0.8 * x + rng.uniform()))
        top = level - tall * crest * 1.5 * swell + 0.012 * _noise(rng, n, 8)[0][None, :]
        depth = y - top
        body = depth > 0
        shade = np.array(tone) * (1.12 - 0.9 * depth.clip(0, 0.25))[..., None]
        lines = np.sin(2 * np.pi * (depth.clip(0) / (0.02 + 0.003 * k)) ** 0.9 + 1.2 * _noise(rng, n, 10))
        thin = (lines > 0.72) & (depth < 0.02 + tall * 1.5)
        shade = _mix(shade, (206, 224, 222), 0.75 * thin)
        layer = np.where(body[..., None], shade, canvas)
        edge = (np.abs(depth) < 0.0045) * 1.0
        layer = _mix(layer, (14, 26, 56), edge)
        canvas = np.ascontiguousarray(layer.clip(0, 255).astype(np.uint8))
        profile, strength = top[0], crest[0] * swell[0]
        for column in range(0, n, max(1, n // 130)):  # foam, thicker toward the crests
            for _ in range(int(5 * strength[column] ** 2 + rng.uniform(0, 0.8))):
                px = column + rng.normal(0, 0.008 * n)
                py = (profile[column] + abs(rng.normal(0, 0.02 + 0.012 * strength[column])) - 0.012) * n
                radius = max(2, int(rng.gamma(2.0, 0.0019 * n)))
                place = (int(px), int(py))
                cv2.circle(canvas, place, radius + 2, (44, 78, 120), -1, cv2.LINE_AA)
                cv2.circle(canvas, place, radius, (247, 243, 230), -1, cv2.LINE_AA)
    grain = 5 * _noise(rng, n, 60, 3) + 3 * np.sin(40 * x + 260 * y + 12 * _noise(rng, n, 4))
    return canvas + grain[..., None]


def _mosaic(rng: np.random.Generator, n: int) -> np.ndarray:
    """A floor of small stones in rings around a sun, as the Romans laid them."""
    import cv2

    canvas = np.full((n, n, 3), (74, 66, 58), np.uint8)
    stone, center = 0.0205, np.array([0.5, 0.5])
    gold, red, cream, blue, teal, dark = (
        (226, 170, 52), (178, 58, 42), (238, 224, 196), (38, 84, 132), (74, 146, 142), (60, 44, 52),
    )  # fmt: skip

    def tone(r: float, turn: float) -> tuple:
        petal = abs(((turn * 12 / (2 * np.pi)) % 1) - 0.5) * 2  # 0 at the middle of each of twelve petals
        if r < 0.075:
            return gold if r > 0.03 else red
        if r < 0.24:
            reach = 0.1 + 0.14 * (1 - petal)
            if r < reach:
                return gold if r < 0.7 * reach else red
            return cream
        if r < 0.265:
            return dark
        if r < 0.37:
            wave = 0.3175 + 0.032 * np.sin(turn * 16)
            return blue if r < wave - 0.012 else (cream if r < wave + 0.012 else teal)
        if r < 0.395:
            return dark
        if r < 0.47:
            return (gold if int(turn * 24 / (2 * np.pi)) % 2 else red) if abs(r - 0.4325) < 0.022 else cream
        if r < 0.495:
            return blue
        return (teal if int(r / 0.062 + turn * 8 / np.pi) % 2 else (112, 86, 70)) if r < 0.62 else dark

    radius = 0.006
    while radius < 0.75:
        count = max(1, int(2 * np.pi * radius / stone))
        start = rng.uniform(0, 2 * np.pi)
        for k in range(count):
            turn = start + 2 * np.pi * k / count
            place = center + radius * np.array([np.cos(turn), np.sin(turn)]) + rng.normal(0, 0.0009, 2)
            paint = np.array(tone(radius, turn % (2 * np.pi)), float)
            paint = paint * rng.normal(1, 0.1) + rng.normal(0, 8, 3)
            size = stone * rng.uniform(0.78, 0.9, 2)
            corners = cv2.boxPoints(
                ((0.0, 0.0), tuple((size * n).tolist()), float(np.degrees(turn) + rng.normal(0, 5)))
            )
            corners = corners + place * n + rng.normal(0, 0.0012 * n, (4, 2))
            for shift, light in ((0.0, 0.72), (-0.0016 * n, 1.12), (0.0, 1.0)):  # a dark side, a bright edge, the face
                face = corners if light == 0.72 else (corners + shift - place * n) * 0.9 + place * n
                points = np.round(face * 16).astype(np.int32)
                cv2.fillPoly(canvas, [points], (paint * light).clip(0, 255).tolist(), cv2.LINE_AA, 4)
        radius += stone
    return canvas + 9 * _noise(rng, n, 90, 3)[..., None] + 8 * _noise(rng, n, 4)[..., None]


def _ink(rng: np.random.Generator, n: int) -> np.ndarray:
    """Ink on paper: mountains in mist, a bamboo branch, a red seal."""
    import cv2

    x, y = _grid(n)
    fibers = 5 * _noise(rng, n, 120, 2) + 4 * _noise(rng, n, 20, 3)
    paper = np.array((240, 234, 220)) + fibers[..., None]
    ink = np.zeros((n, n))
    for level, rough, strong in ((0.36, 0.2, 0.34), (0.5, 0.24, 0.5), (0.66, 0.2, 0.7), (0.84, 0.13, 0.92)):
        ridge = level - rough * np.abs(_noise(rng, n, 3, 6)[n // 2]) * 1.3 + 0.02
        ridge = ridge - 0.16 * rough / 0.2 * np.exp(-(((x[0] - rng.uniform(0.15, 0.85)) / 0.1) ** 2))
        depth = y - ridge[None, :]
        wash = np.exp(-depth.clip(0) / (0.06 + 0.05 * (1 + _noise(rng, n, 5, 3)))) * (depth > 0)
        slope = np.gradient(ridge, 1 / n)[None, :]
        dry = (
            np.sin(300 * (depth * 0.6 + x * (0.5 + 0.25 * np.sign(slope))) + 14 * _noise(rng, n, 14, 3)) > 0.35
        ) * 1.0
        cliffs = dry * np.exp(-depth.clip(0) / 0.05) * (depth > 0) * (0.5 + 0.5 * _noise(rng, n, 24, 2))
        edge = np.exp(-((depth / 0.004) ** 2)) * (0.55 + 0.45 * _noise(rng, n, 30, 2))
        layer = (strong * (0.72 * wash + 0.55 * cliffs) + 0.9 * strong * edge).clip(0, 0.97)
        ink = np.where(depth > 0, ink * np.exp(-depth.clip(0) / 0.02) * 0.5, ink)
        ink = 1 - (1 - ink) * (1 - layer)
    branch = np.zeros((n, n), np.uint8)
    stem = [(0.9, 1.02), (0.885, 0.8), (0.9, 0.6), (0.88, 0.4), (0.9, 0.22), (0.885, 0.06)]
    for (ax, ay), (bx, by) in zip(stem, stem[1:], strict=False):
        a, b = (int(ax * n), int((ay - 0.008) * n)), (int(bx * n), int((by + 0.008) * n))
        cv2.line(branch, a, b, 225, max(2, int(0.021 * n)), cv2.LINE_AA)
        cv2.line(branch, (a[0] + int(0.004 * n), a[1]), (b[0] + int(0.004 * n), b[1]), 150, max(1, int(0.007 * n)))
    for _ in range(34):
        top = stem[rng.integers(1, len(stem))]
        turn, length = rng.uniform(0.15, 1.25) * np.pi, rng.uniform(0.08, 0.17)
        bx, by = top[0] + rng.normal(0, 0.015), top[1] + rng.normal(0, 0.03)
        t = np.linspace(0, 1, 14)
        mid_x = bx + np.cos(turn) * length * t
        mid_y = by + np.abs(np.sin(turn)) * length * t + 0.04 * t**2
        wide = 0.011 * np.sin(np.pi * t**0.7)
        nx, ny = -np.gradient(mid_y), np.gradient(mid_x)
        size = np.hypot(nx, ny) + 1e-9
        left = np.stack([mid_x + nx / size * wide, mid_y + ny / size * wide], 1)
        right = np.stack([mid_x - nx / size * wide, mid_y - ny / size * wide], 1)
        outline = np.round(np.concatenate([left, right[::-1]]) * n).astype(np.int32)
        cv2.fillPoly(branch, [outline], int(rng.uniform(110, 245)), cv2.LINE_AA)
    dry = 0.82 + 0.18 * np.sin(500 * x + 20 * _noise(rng, n, 10, 2))
    ink = 1 - (1 - ink) * (1 - branch / 255 * dry)
    for cx, cy in ((0.28, 0.16), (0.34, 0.13), (0.4, 0.17), (0.23, 0.21)):
        for turn in (-1, 1):
            wing = np.abs(y - cy + 1.6 * (turn * (x - cx) - 0.012) ** 2 * 30 + 0.004) < 0.0022
            ink = np.maximum(ink, 0.8 * (wing & (turn * (x - cx) > 0) & (turn * (x - cx) < 0.026)))
    color = paper * (1 - ink * 0.94)[..., None] + np.array((10, 14, 24)) * ink[..., None]
    seal = (np.abs(x - 0.1) < 0.042) & (np.abs(y - 0.88) < 0.042)
    marks = (np.abs(x - 0.1) < 0.028) & (np.abs(y - 0.88) < 0.03) & (np.sin(230 * y) * np.sin(150 * x) > 0.05)
    return _mix(color, (186, 40, 30), 0.92 * (seal & ~marks) * (0.85 + 0.15 * _noise(rng, n, 60)))


def _geometry(rng: np.random.Generator, n: int) -> np.ndarray:
    """Circles, rays and planes in flat colors that change where they overlap."""
    x, y = _grid(n)
    palette = np.array(
        [(226, 62, 38), (20, 66, 128), (250, 190, 40), (236, 226, 206), (28, 130, 122), (240, 134, 44), (24, 24, 32),
         (226, 128, 140)]
    )  # fmt: skip
    color = np.broadcast_to(np.array((238, 228, 206), float), (n, n, 3)).copy()
    for cx, cy, radius, rings, sectors in (
        (0.34, 0.36, 0.33, 6, 4), (0.8, 0.68, 0.26, 5, 4), (0.2, 0.84, 0.17, 4, 2), (0.82, 0.17, 0.14, 4, 4),
    ):  # fmt: skip
        r, turn = np.hypot(x - cx, y - cy), np.arctan2(y - cy, x - cx) + rng.uniform(0, 2 * np.pi)
        ring = np.floor(r / radius * rings).astype(int)
        sector = np.floor(turn / (2 * np.pi) * sectors).astype(int) % sectors
        choice = rng.integers(0, len(palette), (rings + 1, sectors))
        for k in range(1, rings + 1):  # no two neighbors alike
            same = choice[k] == choice[k - 1]
            choice[k][same] = (choice[k][same] + 3) % len(palette)
        flat = palette[choice[ring.clip(0, rings), sector]]
        color = np.where((r < radius)[..., None], flat, color)
    for ax, ay, bx, by, cx, cy, tone in (
        (0.5, 1.0, 0.62, 0.42, 0.98, 0.97, 2),
        (0.02, 0.55, 0.5, 0.68, 0.1, 0.98, 1),
        (0.52, 0.02, 0.97, 0.42, 0.56, 0.5, 0),
    ):
        inside = _side(x, y, ax, ay, bx, by) == _side(x, y, bx, by, cx, cy)
        inside &= _side(x, y, bx, by, cx, cy) == _side(x, y, cx, cy, ax, ay)
        color = np.where(inside[..., None], 0.42 * color + 0.58 * palette[tone], color)
    for _ in range(11):
        turn, offset, wide = rng.uniform(0, np.pi), rng.uniform(-0.4, 0.4), rng.choice([0.003, 0.003, 0.006, 0.014])
        along = (x - 0.5) * np.cos(turn) + (y - 0.5) * np.sin(turn)
        across = -(x - 0.5) * np.sin(turn) + (y - 0.5) * np.cos(turn) - offset
        start, stop = np.sort(rng.uniform(-0.6, 0.6, 2))
        line = (np.abs(across) < wide) & (along > start - 0.1) & (along < stop + 0.1)
        color = np.where(line[..., None], palette[rng.choice([6, 6, 6, 0, 1])], color)
    for left, top, cells in ((0.42, 0.78, (3, 7)), (0.03, 0.05, (6, 3))):
        inside = (x > left) & (x < left + 0.03 * cells[1]) & (y > top) & (y < top + 0.03 * cells[0])
        board = (np.floor((x - left) / 0.03) + np.floor((y - top) / 0.03)) % 2 == 0
        color = np.where(inside[..., None], np.where(board[..., None], palette[6], palette[3]), color)
    for _ in range(12):
        cx, cy = rng.uniform(0.05, 0.95, 2)
        radius = rng.uniform(0.008, 0.028)
        color = np.where((np.hypot(x - cx, y - cy) < radius)[..., None], palette[rng.integers(0, 7)], color)
    canvas_weave = 4 * np.sin(2 * np.pi * x * n / 7) + 4 * np.sin(2 * np.pi * y * n / 7)
    return color * (1 + 0.07 * _noise(rng, n, 12, 4))[..., None] + canvas_weave[..., None]


def _side(x, y, ax, ay, bx, by) -> np.ndarray:
    return (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0


def _dots(rng: np.random.Generator, n: int) -> np.ndarray:
    """An evening by the water in dots of pure color, each next to its complement."""
    import cv2

    x, y = _grid(n)
    sky = _blend([(0, (96, 84, 168)), (0.25, (206, 110, 150)), (0.42, (252, 168, 92)), (0.5, (255, 222, 130))], y)
    sun = np.hypot(x - 0.62, y - 0.44)
    sky = _mix(sky, (255, 246, 190), np.exp(-((sun / 0.09) ** 2)))
    sky = _mix(sky, (246, 190, 190), 0.8 * (np.sin(9 * y * 2 * np.pi + 4 * _noise(rng, n, 4)) > 0.75) * (y < 0.36))
    mirror = 1.04 - y
    water = _blend([(0, (58, 70, 150)), (0.3, (160, 96, 150)), (0.5, (250, 190, 120))], mirror)
    ripples = np.sin(2 * np.pi * (y**2 * 26) + 3 * _noise(rng, n, 9))
    water = _mix(water, (255, 226, 140), (np.abs(x - 0.62) < 0.02 + 0.14 * (y - 0.5).clip(0)) * (ripples > -0.1) * 0.85)
    water = _mix(water, (34, 90, 150), 0.5 * (ripples > 0.6))
    color = np.where((y < 0.52)[..., None], sky, water)
    shore = y > 0.86 + 0.05 * np.sin(5 * x) + 0.02 * _noise(rng, n, 8)[n // 2][None, :]
    color = _mix(color, np.array((64, 120, 56)) + 40 * _noise(rng, n, 14)[..., None], shore * 1.0)
    hills = (y > 0.5 - 0.075 * (0.5 + 0.5 * np.sin(7 * x + 1)) * (1 - x)) & (y < 0.52)
    color = _mix(color, (84, 74, 140), hills * 1.0)
    for cx, cy, radius in ((0.17, 0.27, 0.16), (0.28, 0.36, 0.1), (0.07, 0.4, 0.12)):
        leaves = np.hypot(x - cx, (y - cy) * 1.1) < radius * (1 + 0.28 * _noise(rng, n, 12, 2))
        lit = _blend(
            [(-1, (20, 76, 84)), (0.2, (40, 124, 70)), (1, (206, 190, 60))], (x - cx) / radius + (cy - y) / radius
        )
        color = _mix(color, lit, leaves * 1.0)
    trunk = (np.abs(x - 0.17 - 0.02 * np.sin(8 * y)) < 0.016 + 0.012 * (y - 0.6).clip(0)) & (y > 0.38) & (y < 0.93)
    color = _mix(color, (88, 44, 66), trunk * 1.0)
    canvas = np.ascontiguousarray((0.55 * color + 0.45 * np.array((236, 222, 200))).clip(0, 255).astype(np.uint8))
    for count, radius in ((15000, 0.0068), (26000, 0.0048)):
        for px, py in rng.uniform(0, n - 1, (count, 2)):
            paint = color[int(py), int(px)]
            kind = rng.uniform()
            if kind < 0.13:
                paint = 255 - 0.75 * paint  # the complement, which makes its neighbors glow
            paint = paint + rng.normal(0, 26, 3)
            paint = paint.mean() + 1.25 * (paint - paint.mean())
            size = max(1, int(rng.uniform(0.75, 1.25) * radius * n))
            cv2.circle(canvas, (int(px), int(py)), size, paint.clip(0, 255).tolist(), -1, cv2.LINE_AA)
    return canvas.astype(float)


def _woodcut(rng: np.random.Generator, n: int) -> np.ndarray:
    """A woodcut: black lines that swell and thin, round a sun and over hills; one more block prints the orange."""
    x, y = _grid(n)
    wobble = _noise(rng, n, 6, 3)
    cx, cy = 0.64, 0.33
    r, turn = np.hypot(x - cx, y - cy), np.arctan2(y - cy, x - cx)
    phase = r * 34 + 0.35 * wobble  # rings around the sun
    tone = 0.28 + 0.75 * (r - 0.12).clip(0)
    rays = (np.abs(((turn * 18 / (2 * np.pi)) % 1) - 0.5) < 0.16) & (r > 0.17) & (r < 0.36)
    tone = np.where(rays, 0.05, tone)
    tone = np.where(r < 0.125, 0.0, tone)
    warm = (r < 0.125) | rays
    for k, (level, tall) in enumerate(((0.55, 0.09), (0.67, 0.1), (0.8, 0.09), (0.92, 0.05))):
        ridge = level + tall * np.sin(2 * np.pi * ((0.7 + 0.25 * k) * x + rng.uniform())) * 0.6
        ridge = ridge + 0.05 * _noise(rng, n, 4, 3)[n // 3][None, :]
        depth = y - ridge
        ground = depth > 0
        furrow = (x * np.cos(0.5 + 0.9 * k) + depth * np.sin(0.5 + 0.9 * k)) * 44 + 5 * depth * (1 + wobble)
        phase = np.where(ground, furrow if k % 2 else depth * 46 + 6 * np.sin(5 * x) + 0.5 * wobble, phase)
        shade = 0.38 + 0.26 * np.sin(9 * x + 2 * k + 2 * wobble) + 0.9 * depth
        tone = np.where(ground, shade.clip(0.12, 0.8), tone)
        tone = np.where(np.abs(depth) < 0.0055, 1.3, tone)
        warm = np.where(ground, (k == 1) & (depth < 0.09), warm)
    for tx, foot, tall in ((0.16, 0.78, 0.42), (0.3, 0.74, 0.26), (0.9, 0.8, 0.3)):
        up = (foot - y) / tall
        crown = (up > 0.12) & (
            np.abs(x - tx) < 0.09 * tall / 0.4 * np.sqrt(((1 - up) * (up - 0.1)).clip(0)) * 2.2 * (1 + 0.2 * wobble)
        )
        flame = (x - tx) * 60 + 9 * np.sin(9 * up + 14 * (x - tx)) + up * 6
        phase, tone = np.where(crown, flame, phase), np.where(crown, 0.62 + 1.6 * (tx - x) / 0.4, tone)
        stem = (np.abs(x - tx) < 0.008) & (up > 0) & (up < 0.2)
        tone, warm = np.where(stem, 1.4, tone), np.where(crown | stem, False, warm)
    birds = np.zeros_like(r, bool)
    for bx, by in ((0.36, 0.14), (0.43, 0.2), (0.27, 0.21), (0.33, 0.27)):
        birds |= (np.abs(y - by - 0.35 * np.abs(np.sin(60 * (x - bx))) * 0.03 + 0.006) < 0.0035) & (
            np.abs(x - bx) < 0.03
        )
    tone = np.where(birds, 1.4, tone)
    cut = 0.5 + 0.5 * np.sin(2 * np.pi * phase)
    ragged = 0.1 * _noise(rng, n, 130, 2)
    black = 1 / (1 + np.exp(-(tone * 1.05 - cut + ragged - 0.02) * 26))
    paper = np.array((243, 234, 214)) + 5 * _noise(rng, n, 40, 3)[..., None]
    color = _mix(paper, np.array((222, 104, 40)) + 10 * _noise(rng, n, 70, 2)[..., None], 0.95 * warm)
    return _mix(color, (24, 20, 26), black * (0.95 + 0.05 * _noise(rng, n, 100)))


PICTURES: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "night": _night,
    "glass": _glass,
    "waves": _waves,
    "mosaic": _mosaic,
    "ink": _ink,
    "geometry": _geometry,
    "dots": _dots,
    "woodcut": _woodcut,
}


def main(folder: Path = FOLDER) -> None:
    """Draw all pictures and write them as JPEG files."""
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    for name in PICTURES:
        path = folder / f"{name}.jpg"
        Image.fromarray(draw_style(name)).save(path, quality=88, optimize=True)
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
