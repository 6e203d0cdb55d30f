"""What saliency, loading and importing cost: medians of interleaved repetitions, in one run.

python tests/benchmarks/bench_saliency.py
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

import torch

from course_utils import load_network, photo
from course_utils.gradients import saliency


def seconds(function) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def importing(extra: str) -> float:
    code = f"import time, torch, torchvision; t = time.perf_counter(); {extra}; print(time.perf_counter() - t)"
    return float(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


def main() -> None:
    net = load_network("efficientnet_lite0", device="cpu")
    images = photo("bald_eagle").repeat(4, 1, 1, 1)

    def bare() -> None:
        pixels = images.clone().requires_grad_()
        torch.autograd.grad(net(pixels)[:, 22].sum(), pixels)

    def ours() -> None:
        saliency(net, images, 22)

    bare(), ours()
    pairs = [(seconds(bare), seconds(ours)) for _ in range(15)]
    ratio = statistics.median(b / a for a, b in pairs)
    print(f"forward + backward, 4 images: {statistics.median(a for a, _ in pairs) * 1000:.0f} ms")
    print(f"saliency / (forward + backward): {ratio:.3f} (median of {len(pairs)} pairs)")
    print(
        f"loading vgg19: {statistics.median(seconds(lambda: load_network('vgg19', device='cpu')) for _ in range(5)):.2f} s"
    )
    print(
        f"import course_utils after torch and torchvision: {statistics.median(importing('import course_utils') for _ in range(3)):.4f} s"
    )


if __name__ == "__main__":
    main()
