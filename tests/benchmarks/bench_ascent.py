"""Class images judged by a network that did not make them, for every setting of the regularizers; and the loop's overhead.

    python tests/benchmarks/bench_ascent.py            # both, about 10 minutes on two cores
    python tests/benchmarks/bench_ascent.py overhead   # only the overhead
    python tests/benchmarks/bench_ascent.py Adam       # only the settings whose name begins so

Made on efficientnet_lite0, judged by efficientnet_lite2 at 260 px: how many of 10 classes the judge names first, and among
its first five.
"""

import sys
import time
from pathlib import Path
from statistics import median

import torch

from course_utils.gradients import (
    CROPS,
    PHASES,
    ROBUST,
    YOSINSKI,
    Blur,
    ClipSmallContribution,
    ClipSmallNorm,
    Fourier,
    L2Decay,
    Phase,
    Pixels,
    class_score,
    visualize,
)
from course_utils.images import resize
from course_utils.networks import load_network
from course_utils.plots import show_images

CLASSES = [1, 22, 130, 207, 291, 340, 471, 817, 949, 985]
PLAIN = {"image": Pixels(), "transforms": (), "optimizer": "ascent", "lr": 0.02}
ADAM = {"image": Pixels(), "transforms": (), "lr": 0.02}
FEW, BEST = {"size": 160, "steps": 96}, {"size": 192, "steps": 240, "image": Fourier(decay=1.4)}
SETTINGS = {
    "nothing": {**PLAIN, **FEW},
    "L2 decay 0.1": {**PLAIN, **FEW, "regularizers": [L2Decay(0.1)]},
    "blur": {**PLAIN, **FEW, "regularizers": [Blur(1.0, 4)]},
    "small norm": {**PLAIN, **FEW, "regularizers": [ClipSmallNorm(20)]},
    "small contribution": {**PLAIN, **FEW, "regularizers": [ClipSmallContribution(20)]},
    **{f"Yosinski {n}": {**PLAIN, **FEW, "regularizers": pieces} for n, pieces in YOSINSKI.items()},
    "Yosinski 3 + transforms": {**PLAIN, **FEW, "regularizers": YOSINSKI[3], "transforms": ROBUST},
    "transforms": {**PLAIN, **FEW, "transforms": ROBUST},
    "Adam": {**ADAM, **FEW},
    "Adam + transforms": {**ADAM, **FEW, "transforms": ROBUST},
    "Adam + crops": {**ADAM, **FEW, "transforms": CROPS},
    "Fourier": {**FEW, "transforms": ()},
    "Fourier + transforms": FEW,
    "Fourier + crops": {**FEW, "transforms": CROPS},
    "best: larger, longer, decay 1.4": BEST,
    "phases": {"image": Phase(), "lr": PHASES["lr"], "transforms": (), **FEW},
    "phases + crops": {"image": Phase(), "lr": PHASES["lr"], "transforms": CROPS, **FEW},
    "PHASES": PHASES,
}


def ranks(judge, images, classes):
    """The place of each image's class among the judge's classes, 1 for the first."""
    with torch.no_grad():
        scores = judge(resize(images, judge.input_size))
    own = scores.gather(1, torch.tensor(classes)[:, None])
    return ((scores > own).sum(1) + 1).tolist()


def judge_table(settings, pictures: Path | None = None):
    net, judge = load_network("efficientnet_lite0"), load_network("efficientnet_lite2")
    print(f"{torch.get_num_threads()} threads; 10 classes in one pass")
    print(f"{'setting':36}{'size':>5}{'steps':>6}{'top-1':>7}{'top-5':>7}{'median':>8}{'s/image':>9}{'cpu s':>7}")
    for name, options in settings.items():
        start, busy = time.perf_counter(), time.process_time()
        images = visualize(net, class_score(CLASSES), progress=False, **options)
        seconds = (time.perf_counter() - start) / len(CLASSES)
        busy = (time.process_time() - busy) / len(CLASSES)
        places = ranks(judge, images, CLASSES)
        first, five = sum(p == 1 for p in places), sum(p <= 5 for p in places)
        line = f"{name:36}{options['size']:>5}{options['steps']:>6}{first:>7}{five:>7}{median(places):>8g}{seconds:>9.1f}{busy:>7.1f}"
        print(line, places, flush=True)
        if pictures:
            show_images(images, columns=5).savefig(pictures / f"{name.split(':')[0].replace(' ', '_')}.png")


def overhead(size=224, count=4, repetitions=5, steps=4):
    """The loop against a bare forward and backward pass of the same batch; interleaved, median of the ratios.

    In processor time of one thread, which other programs on the machine hardly disturb.
    """
    torch.set_num_threads(1)
    net = load_network("efficientnet_lite0")
    classes = torch.tensor(CLASSES[:count])

    def bare(side):
        pixels = torch.rand(count, 3, side, side).contiguous(memory_format=torch.channels_last).requires_grad_()
        start = time.process_time()
        for _ in range(steps):
            torch.autograd.grad(net(pixels).gather(1, classes[:, None]).sum(), pixels)
        return time.process_time() - start

    def loop(**options):
        times = []
        watch = lambda *_: times.append(time.process_time())  # noqa: E731
        visualize(net, classes.tolist(), size=size, steps=steps + 1, progress=False, callback=watch, **options)
        return times[-1] - times[0]

    for name, border, options in (
        ("pixels", 0, {"image": Pixels(), "transforms": (), "optimizer": "ascent"}),
        ("Fourier, no transforms", 0, {"transforms": ()}),
        ("Fourier, transforms", ROBUST[0].pixels, {}),
    ):
        loop(**options), bare(size + 2 * border)
        pairs = [(loop(**options), bare(size + 2 * border)) for _ in range(repetitions)]
        ratios = sorted(a / b for a, b in pairs)
        each = median(a for a, _ in pairs) / steps
        print(
            f"{name:24} {each * 1000:6.0f} ms a step of {count} at {size} px = {median(ratios):.2f} x bare", flush=True
        )


if __name__ == "__main__":
    what = sys.argv[1] if len(sys.argv) > 1 else "all"
    folder = Path(sys.argv[2]) if len(sys.argv) > 2 else None
    if what in ("all", "overhead"):
        overhead()
    if what != "overhead":
        everything = what in ("all", "table")
        judge_table({k: v for k, v in SETTINGS.items() if everything or k.startswith(what)}, folder)
