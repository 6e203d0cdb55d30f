"""How far the feature error falls in 160-pixel inversions from noise, and what pruning costs against random pruning.

python tests/benchmarks/bench_inversion.py [--only inversion|pruning] [--photos cat ...]
"""

from __future__ import annotations

import argparse
import time

import numpy as np
import torch

from course_utils import gallery, labelled_photos, load_network, photo
from course_utils.gradients import channel_importance, feature_error, invert, pruning_curve

# layer: steps that take less than 30 s on two cores
STEPS = {"relu2_2": 100, "relu5_1": 60}


def inversions(names: list[str]) -> None:
    net = load_network("vgg19", device="cpu")
    for name in names:
        image = photo(name, 160)
        for layer, steps in STEPS.items():
            start = time.perf_counter()
            errors = []
            result = invert(
                net,
                image,
                layer,
                steps=steps,
                callback=lambda s, i, e, keep=errors: keep.append(e.item()),
                progress=False,
            )
            seconds = time.perf_counter() - start
            first, last = errors[0], feature_error(net, image, layer)(net, result).item()
            pixels = (result - image).square().mean().sqrt().item()
            print(
                f"{name:12s} {layer}: {steps} steps, {seconds:4.1f} s; |F-F0|^2/|F0|^2 from {first:.3f} to {last:.4f}: "
                f"fell by {1 - last / first:.1%} (without the square: {1 - (last / first) ** 0.5:.1%}); pixel rms {pixels:.3f}"
            )


def pruning(layer: str = "blocks.2", share: float = 0.2) -> None:
    net = load_network("efficientnet_lite0", device="cpu")
    photos, labels, _ = labelled_photos()
    # ranked on color photos without labels, tested on the labelled ones, which the ranking has not seen
    unlabelled = torch.cat([photo(p.name) for p in gallery(labelled=False) if "gray" not in p.source])
    start = time.perf_counter()
    values = channel_importance(net, unlabelled, layer, progress=False)
    print(f"importance of {len(values)} channels on {len(unlabelled)} photos: {time.perf_counter() - start:.1f} s")

    def cost(order):
        accuracies, losses = pruning_curve(net, photos, layer, labels, order, shares=(0, share))
        return accuracies[0] - accuracies[1], losses[1] - losses[0]

    randoms = [cost(torch.randperm(len(values), generator=torch.Generator().manual_seed(s))) for s in range(5)]
    for name, costs in (("least important", [cost(values.argsort())]), ("random, mean of 5", randoms)):
        accuracy, loss = np.mean(costs, axis=0)
        print(f"removing {share:.0%} of {layer}, {name:17s}: accuracy -{100 * accuracy:.1f} points, loss +{loss:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["inversion", "pruning"])
    parser.add_argument("--photos", nargs="+", default=["cat", "dalmatian"])
    options = parser.parse_args()
    if options.only != "pruning":
        inversions(options.photos)
    if options.only != "inversion":
        pruning()


if __name__ == "__main__":
    main()
