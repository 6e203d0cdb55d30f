"""Occlusion against Captum: window 32, stride 16, 224 px, medians of interleaved repetitions.

    OMP_NUM_THREADS=2 python tests/benchmarks/bench_occlusion.py [vgg19] [efficientnet_lite0] [--repeat 3] [--captum 1,8,32]

Captum gets its best `perturbations_per_eval`, found in a first round on the same machine.
"""

import argparse
import statistics
import time

import torch
from captum.attr import Occlusion

from course_utils.activations import occlusion
from course_utils.images import photo
from course_utils.networks import load_network


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", default=["vgg19", "efficientnet_lite0"])
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--captum", default="1,8,32")
    parser.add_argument("--full", action="store_true", help="also our own full pass")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    for name in options.networks:
        net = load_network(name, device=options.device)
        image = photo("dalmatian").to(options.device)
        if net.categories is None:  # no classifier: the mean of one channel of the last layer
            target, watched, forward = "pool5:137", None, lambda x, net=net: net(x)[:, 137].mean((1, 2))
        else:
            target, forward = int(net(image).argmax()), net
            watched = target

        def captum(count, image=image, forward=forward, watched=watched):
            with torch.no_grad():
                return Occlusion(forward).attribute(
                    image,
                    target=watched,
                    sliding_window_shapes=(3, 32, 32),
                    strides=(3, 16, 16),
                    baselines=0.5,
                    perturbations_per_eval=count,
                )[:, 0]

        runs = {
            f"captum, {count} at a time": lambda count=count, captum=captum: captum(count)
            for count in map(int, options.captum.split(","))
        }
        runs["ours, incremental"] = lambda net=net, image=image, target=target: occlusion(
            net, image, target, method="incremental", progress=False
        )
        if options.full:
            runs["ours, full pass"] = lambda net=net, image=image, target=target: occlusion(
                net, image, target, method="full", batch_size=8, progress=False
            )
        times, maps = {key: [] for key in runs}, {}
        for round_ in range(options.repeat):
            for key, run in list(runs.items()):
                start = time.perf_counter()
                maps[key] = run()
                if options.device != "cpu":
                    torch.cuda.synchronize()
                times[key].append(time.perf_counter() - start)
            if round_ == 0:  # only Captum's best stays in the race
                slow = sorted((k for k in runs if k.startswith("captum")), key=lambda k: times[k][0])[1:]
                for key in slow:
                    del runs[key]
        medians = {key: statistics.median(values) for key, values in times.items()}
        theirs = min(v for k, v in medians.items() if k.startswith("captum"))
        best = min((k for k in runs if k.startswith("captum")), key=medians.get)
        gap = (maps["ours, incremental"] - maps[best]).abs().max().item()
        scale = maps[best].abs().max().item()
        print(f"{name}: {torch.get_num_threads()} threads on {options.device}")
        for key, value in medians.items():
            print(f"  {key:22} {value:8.3f} s   {theirs / value:6.2f} x   ({len(times[key])} runs)")
        print(f"  largest difference from Captum {gap:.2e}, largest value {scale:.3g}, relative {gap / scale:.1e}")


if __name__ == "__main__":
    main()
