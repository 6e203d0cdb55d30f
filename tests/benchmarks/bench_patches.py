"""Top patches against a bare forward pass, and the peak memory for 200 and 2,000 images.

OMP_NUM_THREADS=2 python tests/benchmarks/bench_patches.py [--images 48] [--repeat 3]
"""

import argparse
import resource
import statistics
import subprocess
import sys
import time

import torch

from course_utils.activations import top_patches
from course_utils.hooks import forward_to
from course_utils.networks import load_network


def throughput(name: str, layer: str, count: int, repeat: int) -> None:
    net = load_network(name, device="cpu")
    images = torch.rand(count, 3, 224, 224, generator=torch.Generator().manual_seed(0))

    def bare():
        with torch.inference_mode():
            for part in images.split(16):
                forward_to(net, part, [layer])

    def ours():
        top_patches(net, images, layer, k=9, progress=False)

    times = {"bare forward": [], "top_patches": []}
    for run in (bare, ours):
        run()
    for _ in range(repeat):
        for label, run in (("bare forward", bare), ("top_patches", ours)):
            start = time.perf_counter(), time.process_time()
            run()
            times[label].append((time.perf_counter() - start[0], time.process_time() - start[1]))
    wall, cpu = (
        [statistics.median(t[i] for t in times[label]) for label in ("bare forward", "top_patches")] for i in (0, 1)
    )
    print(
        f"{name} {layer}, {count} images: bare {wall[0]:.2f} s, top_patches {wall[1]:.2f} s, "
        f"throughput {wall[0] / wall[1]:.3f} of bare (processor time: {cpu[0] / cpu[1]:.3f})"
    )


def peak(count: int) -> None:
    net = load_network("efficientnet_lite0", device="cpu")
    generator = torch.Generator().manual_seed(0)
    stream = (torch.rand(3, 96, 96, generator=generator) for _ in range(count))
    top_patches(net, stream, "blocks.5.0", k=9, progress=False)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=48)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--peak", type=int)
    options = parser.parse_args()
    if options.peak:
        peak(options.peak)
        return
    throughput("efficientnet_lite0", "blocks.2.1", options.images, options.repeat)
    throughput("efficientnet_lite0", "blocks.5.0", options.images, options.repeat)
    few, many = (
        float(subprocess.run([sys.executable, __file__, "--peak", str(n)], capture_output=True, text=True).stdout)
        for n in (200, 2000)
    )
    print(f"peak memory: {few:.0f} MB for 200 images, {many:.0f} MB for 2,000, difference {many - few:.0f} MB")


if __name__ == "__main__":
    main()
