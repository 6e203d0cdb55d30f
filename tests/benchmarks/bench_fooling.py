"""How often PGD reaches a random target class, against foolbox with the same budget, and how many steps fooling takes.

python tests/benchmarks/bench_fooling.py [--steps 20]
"""

from __future__ import annotations

import argparse
import time

import foolbox
import torch

from course_utils import labelled_photos, load_network
from course_utils.gradients import fool, fooled, pgd

EPS = 8 / 255


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=20)
    steps = parser.parse_args().steps
    net = load_network("efficientnet_lite0", device="cpu")
    photos, labels, _ = labelled_photos()
    labels = torch.tensor(labels)
    targets = (labels + torch.randint(1, 1000, (len(labels),), generator=torch.Generator().manual_seed(0))) % 1000

    start = time.perf_counter()
    ours = pgd(net, photos, targets, eps=EPS, alpha=2 / 255, steps=steps, targeted=True, progress=False)
    mine = time.perf_counter() - start
    model = foolbox.PyTorchModel(net, bounds=(0, 1), device="cpu")
    attack = foolbox.attacks.LinfPGD(abs_stepsize=2 / 255, steps=steps, random_start=False)
    start = time.perf_counter()
    _, theirs, _ = attack(model, photos, foolbox.criteria.TargetedMisclassification(targets), epsilons=EPS)
    other = time.perf_counter() - start
    for name, images, seconds in (("ours", ours, mine), ("foolbox", theirs, other)):
        share = fooled(net, images, targets).float().mean().item()
        change = (images - photos).abs().max().item() * 255
        print(
            f"PGD, {steps} steps, {name:8s}: {share:.0%} of {len(photos)} reach the target, change {change:.2f}/255, {seconds:.1f} s"
        )
    print(f"largest difference of a pixel between the two: {(ours - theirs).abs().max().item():.2g}")

    result = fool(net, photos, targets, lr=0.5, steps=100, progress=False)
    length = (result.images - photos).flatten(1).norm(dim=1)
    print(f"climb until fooled: {int(result.success.sum())} of {len(photos)}; steps {result.steps.tolist()}")
    print(f"length of the change: median {length.median():.2f}, largest {length.max():.2f}")


if __name__ == "__main__":
    main()
