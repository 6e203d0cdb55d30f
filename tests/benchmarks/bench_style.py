"""Style transfer against the package `pastiche`: the time to the loss that pastiche reaches after 300 iterations.

    OMP_NUM_THREADS=2 python tests/benchmarks/bench_style.py [iterations] [size] [goal]

Same content, same style, same network weights, same loss (ours is 100 times pastiche's: content 1 and 0.01, style 1000 and 10),
both start from the content. How many steps each needs does not depend on the machine; what a step costs is measured in turns, a few
steps of one and a few of the other, and the medians are compared. Each run's own wall time is printed as well. With a goal (the loss that
pastiche reached in an earlier run) its long run is left out.
"""

import contextlib
import statistics
import sys
import tempfile
import time
import warnings
from pathlib import Path

import torch
from pastiche.pastiche import PasticheArtist

from course_utils import load_network, photo, save_image
from course_utils.fun import style_transfer
from course_utils.stimuli import style_image

warnings.filterwarnings("ignore")


def clocked(net, content, style, wanted=None, **options):
    """Run ours with a clock on every evaluation: `(seconds, width, total loss)`. Stops (and says so) at the wanted loss."""
    widths, clock, begin = [], [], time.perf_counter()
    handle = net.register_forward_pre_hook(lambda net, inputs: widths.append(inputs[0].shape[3]))

    def callback(step, image, loss):
        clock.append((time.perf_counter() - begin, widths[-1], loss.item()))
        return wanted is not None and widths[-1] == content.shape[3] and loss.item() <= wanted

    try:
        style_transfer(net, content, style, progress=False, callback=callback, **options)
    finally:
        handle.remove()
    return clock


def main(iterations: int = 300, size: int = 256, goal: float | None = None) -> None:
    net = load_network("vgg19", device="cpu")
    content = photo("china", size, crop=False)
    side = round((content.shape[2] * content.shape[3]) ** 0.5)
    style = style_image("night", side)
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(None):
        paths = [str(save_image(x, Path(folder) / f"{n}.png")) for n, x in (("content", content), ("style", style))]
        artist = PasticheArtist(paths[0], [paths[1]], size=size, style_size=side, device="cpu")
        other = PasticheArtist(paths[0], [paths[1]], size=size, style_size=side, device="cpu")
    content, style = (photo_of(x) for x in (content, style))  # 8 bits, as pastiche reads them
    print(
        f"{content.shape[3]}x{content.shape[2]} pixels, {torch.get_num_threads()} threads, torch {torch.__version__}",
        flush=True,
    )
    start = clocked(net, content, style, steps=1, scales=1)[0][2]
    print(f"loss at the start: pastiche {artist.loss:.5g}, ours / 100 {start / 100:.5g}")

    if goal is None:
        begin = time.perf_counter()
        for _ in range(iterations):
            artist.draw()
        goal = artist._calc_loss().item()
        wall = time.perf_counter() - begin
        print(f"pastiche: loss {goal:.5g} after {iterations} iterations, {wall:.0f} s", flush=True)

    cost = {"pastiche": [], 1: [], 2: []}  # seconds per step, in turns
    for _ in range(5):
        begin = time.perf_counter()
        for _ in range(2):
            other.draw()
        cost["pastiche"].append((time.perf_counter() - begin) / 2)
        for scales in (1, 2):
            clock = clocked(net, content, style, steps=3, scales=scales)
            times = [t for t, width, _ in clock if (width == content.shape[3]) == (scales == 1)][:4]
            cost[scales].append((times[-1] - times[0]) / (len(times) - 1))
    step, full, half = (statistics.median(cost[k]) for k in ("pastiche", 1, 2))
    print(
        f"seconds per step, medians of 5 in turns: pastiche {step:.3f}, ours {full:.3f}, ours at half the size {half:.3f}"
    )

    variants = {
        "low frequencies amplified, half the size first": {"scales": 2},
        "low frequencies amplified, one size": {"scales": 1},
        "pixels as variables, one size": {"scales": 1, "smoothness": 0.0},
    }
    for name, options in variants.items():
        steps = [60, iterations][-options["scales"] :]
        clock = clocked(net, content, style, wanted=100 * goal, steps=steps, **options)
        if clock[-1][2] > 100 * goal:
            name += f" (not reached, best loss {min(total for *_, total in clock) / 100:.5g})"
        large = sum(width == content.shape[3] for _, width, _ in clock)
        small = len(clock) - large
        seconds = large * full + small * half
        print(
            f"{name}: {small} + {large} evaluations, loss {clock[-1][2] / 100:.5g}, {clock[-1][0]:.0f} s; "
            f"{seconds:.0f} s of pastiche's {iterations * step:.0f} s by the medians: 1 / {iterations * step / seconds:.1f}",
            flush=True,
        )


def photo_of(image):
    return image.mul(255).round().div(255)


if __name__ == "__main__":
    arguments = sys.argv[1:]
    main(*map(int, arguments[:2]), *map(float, arguments[2:]))
