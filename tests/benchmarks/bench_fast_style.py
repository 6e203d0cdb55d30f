"""How good and how fast one pass of the style network is, against an optimization of the same loss.

python tests/benchmarks/bench_fast_style.py --photos FOLDER [--only loss|speed] [--size 128] [--styles-per-photo 2] [--plain]

Loss: on every 25th photo of the folder (the ones that `course_utils.training.styles` holds out), at `--size` pixels, in some of the
eight styles each (2: every style meets five of twenty photos; 8 is complete and takes hours on two cores), content + style loss
of the picture after one pass, and after 100 L-BFGS iterations started at the photo: on the pixels (`--plain`), as the method is
usually run, or with lesson 14's amplified low frequencies, which gets further in as many steps. All are losses of finished pictures,
cut off at 0 and 1. Prints the ratio of the means for each style and over all, and the means of the ratios.

Speed: one pass at 256 pixels, and lesson 14's optimization of the same picture (60 steps, as by default).
"""

from __future__ import annotations

import argparse
import json
import os
import time
from pathlib import Path
from statistics import mean, median

import torch
from torch import Tensor

from course_utils import load_network, photo
from course_utils.fun import load_style_net, style_transfer, stylize
from course_utils.fun.perceptual_loss import PerceptualLoss
from course_utils.images import image_files, load_image
from course_utils.training.styles import STYLE_WEIGHTS, style_picture

NAMES = list(STYLE_WEIGHTS)


def held_out(folder: Path, *, every: int = 25) -> list[Path]:
    return sorted(image_files(folder))[::every]


def styles_of(index: int, count: int) -> list[str]:
    """`count` styles for a photo, spread so that all styles are met about equally often."""
    return [NAMES[(index + k * len(NAMES) // count) % len(NAMES)] for k in range(count)]


def total(loss: PerceptualLoss, picture: Tensor, image: Tensor, name: str) -> float:
    with torch.no_grad():
        return loss(picture, loss.content(image), torch.tensor([NAMES.index(name)])).item()


def reference(loss: PerceptualLoss, image: Tensor, name: str, *, plain: bool, steps: int = 100) -> float:
    """The loss after `steps` L-BFGS iterations from the photo."""
    settings = {"style_weight": STYLE_WEIGHTS[name], "steps": steps, "scales": 1, "progress": False}
    settings |= {"smoothness": 0.0} if plain else {}
    return total(loss, style_transfer(loss.net, image, style_picture(name), **settings), image, name)


def losses(folder: Path, size: int, count: int, plain: bool, stored: Path | None) -> None:
    vgg, net = load_network("vgg19", device="cpu"), load_style_net()
    loss = PerceptualLoss(vgg, [style_picture(n) for n in NAMES], style_weights=list(STYLE_WEIGHTS.values()))
    known = json.loads(stored.read_text()) if stored and stored.exists() else {}
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in NAMES}
    for index, path in enumerate(held_out(folder)):
        image = load_image(path, size)
        for name in styles_of(index, count):
            key = f"{path.name} {name} {size}" + " plain" * plain
            if key not in known:
                known[key] = reference(loss, image, name, plain=plain)
                if stored:
                    stored.write_text(json.dumps(known, indent=0))
            found[name].append(
                (total(loss, image, image, name), known[key], total(loss, stylize(net, image, name), image, name))
            )
    print(f"held-out photos at {size} px; means of content + style loss (thousands)")
    print(f"{'style':10s} photos     photo   L-BFGS  one pass  ratio")
    ratios = []
    for name, rows in found.items():
        if rows:
            start, best, fast = (mean(column) / 1e3 for column in zip(*rows, strict=True))
            ratios.append(fast / best)
            print(f"{name:10s} {len(rows):6d} {start:9.0f} {best:8.0f} {fast:9.0f} {fast / best:6.2f}")
    everything = [row for rows in found.values() for row in rows]
    _, best, fast = (mean(column) for column in zip(*everything, strict=True))
    print(
        f"ratio of the mean losses {fast / best:.2f} (bar 1.5); mean of the styles' ratios {mean(ratios):.2f}; ", end=""
    )
    print(f"mean of the pairs' ratios {mean(fast / best for _, best, fast in everything):.2f}")


def speed(size: int = 256) -> None:
    """Wall-clock and processor time; on a machine that does other work only the second says something."""

    def timed(function, repeats: int) -> tuple[float, float]:
        walls, processors = [], []
        for _ in range(repeats):
            wall, processor = time.perf_counter(), time.process_time()
            function()
            walls.append(time.perf_counter() - wall)
            processors.append(time.process_time() - processor)
        return median(walls), median(processors)

    net, image = load_style_net(), photo("china", size)
    stylize(net, image, "night")
    once = timed(lambda: stylize(net, image, "night"), 7)
    vgg, style = load_network("vgg19", device="cpu"), style_picture("night")
    long = timed(lambda: style_transfer(vgg, image, style, style_weight=STYLE_WEIGHTS["night"], progress=False), 1)
    threads = f"{torch.get_num_threads()} threads, {os.cpu_count()} cores"
    print(f"{size} px, {threads}: one pass {once[0]:.3f} s (processor {once[1]:.3f} s; bar 0.5 s)")
    print(f"style_transfer, its default steps: {long[0]:.1f} s (processor {long[1]:.1f} s)")
    print(f"ratio {long[0] / once[0]:.0f} (of processor times {long[1] / once[1]:.0f}; bar 100)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=Path, help="the folder of --content in the training; needed for the loss")
    parser.add_argument("--only", choices=["loss", "speed"])
    parser.add_argument("--size", type=int, default=128)
    parser.add_argument("--styles-per-photo", type=int, default=2, choices=[1, 2, 4, 8])
    parser.add_argument("--plain", action="store_true", help="L-BFGS on the pixels")
    parser.add_argument("--references", type=Path, help="JSON file that keeps L-BFGS losses from run to run")
    options = parser.parse_args()
    if options.only != "speed":
        if options.photos is None:
            parser.error("--photos FOLDER is needed to measure the loss")
        losses(options.photos, options.size, options.styles_per_photo, options.plain, options.references)
    if options.only != "loss":
        speed()


if __name__ == "__main__":
    main()
