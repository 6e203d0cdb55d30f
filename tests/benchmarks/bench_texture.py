"""How fast are the pixel methods? Against loops, and against each other; medians of interleaved runs.

python tests/benchmarks/bench_texture.py            # all; the loops take minutes
python tests/benchmarks/bench_texture.py --no-loops
"""

import argparse
import statistics
import sys
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from course_utils.fun import efros_leung, plain_efros_leung, wei_levoy
from course_utils.stimuli import texture_sample


def seconds(function, *args, **options):
    start = time.perf_counter()
    result = function(*args, **options)
    return time.perf_counter() - start, result


def against_loops():
    sample = texture_sample("pebbles", 32)
    slow, expected = seconds(plain_efros_leung, sample, 64, window=11, seed=0)
    times = []
    for _ in range(5):
        taken, image = seconds(efros_leung, sample, 64, window=11, seed=0, progress=False)
        times.append(taken)
    same = torch.equal(image, expected)
    fast = statistics.median(times)
    print(
        f"64x64 from 32x32, window 11: loops {slow:.1f} s, Efros-Leung {fast:.3f} s: {slow / fast:.0f} times; equal: {same}"
    )


def against_each_other(repetitions=3):
    wei_levoy(texture_sample("coral", 32), 8, progress=False)  # SciPy is loaded now
    for side in (64, 128):
        for name in ("pebbles", "coral"):
            sample, slow, fast = texture_sample(name, side), [], []
            for seed in range(repetitions if side == 64 else 1):
                slow.append(seconds(efros_leung, sample, 128, window=11, seed=seed, progress=False)[0])
                fast.append(seconds(wei_levoy, sample, 128, seed=seed, progress=False)[0])
            a, b = statistics.median(slow), statistics.median(fast)
            print(
                f"128x128 from {side}x{side} {name}: Efros-Leung (window 11) {a:.2f} s, Wei-Levoy {b:.3f} s: {a / b:.1f} times"
            )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--no-loops", action="store_true")
    against_each_other()
    if not parser.parse_args().no_loops:
        against_loops()
