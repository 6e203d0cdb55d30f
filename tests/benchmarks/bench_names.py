"""Class images: do other networks name them, and do people?

    python tests/benchmarks/bench_names.py                     # the rank of each class in two networks that did not make it
    python tests/benchmarks/bench_names.py --out FOLDER        # also 01.png to 20.png in a random order, and key.txt

A person looks at the pictures one by one, writes a name for each, and then opens key.txt. Made on efficientnet_lite0, judged by
efficientnet_lite1 and efficientnet_lite2: 20 images in less than 7 minutes on two cores.
"""

import argparse
import random
import time
from pathlib import Path

import torch

from course_utils.gradients import PHASES, visualize
from course_utils.images import resize, save_image
from course_utils.networks import load_network

# the ten of bench_ascent.py, and ten more
CLASSES = [1, 22, 130, 207, 291, 340, 471, 817, 949, 985]
CLASSES += [9, 84, 107, 323, 386, 388, 604, 849, 920, 954]
JUDGES = ("efficientnet_lite1", "efficientnet_lite2")


@torch.no_grad()
def ranks(name: str, images: torch.Tensor, classes: list[int]) -> list[int]:
    """The place of each image's class among the classes of a network, 1 for the first."""
    judge = load_network(name)
    scores = torch.cat([judge(resize(one, judge.input_size)) for one in images.split(1)])
    own = scores.gather(1, torch.tensor(classes)[:, None])
    return ((scores > own).sum(1) + 1).tolist()


def write(folder: Path, images: torch.Tensor, names: list[str]) -> None:
    """The pictures as 01.png, 02.png, ... in a random order, and what they are in key.txt."""
    folder.mkdir(parents=True, exist_ok=True)
    order = random.sample(range(len(names)), len(names))
    for number, which in enumerate(order, 1):
        save_image(images[which], folder / f"{number:02d}.png")
    lines = [f"{number:02d} {names[which]}" for number, which in enumerate(order, 1)]
    (folder / "key.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--out", type=Path, help="a folder for the pictures and the key")
    options.add_argument("--seed", type=int, default=0, help="of the first phases and of the crops")
    options.add_argument(
        "--classes", type=int, nargs="+", default=CLASSES, help="class numbers; the twenty if not given"
    )
    options.add_argument("--batch", type=int, default=5, help="pictures in one pass")
    given = options.parse_args()
    net = load_network("efficientnet_lite0")
    start, busy = time.perf_counter(), time.process_time()
    classes = given.classes
    batches = [classes[i : i + given.batch] for i in range(0, len(classes), given.batch)]
    images = torch.cat([visualize(net, batch, seed=given.seed, progress=False, **PHASES) for batch in batches])
    seconds, busy = (time.perf_counter() - start) / len(classes), (time.process_time() - busy) / len(classes)
    print(f"{seconds:.1f} s an image, {busy:.1f} s of processor time, {torch.get_num_threads()} threads")
    names = [net.category(c) for c in classes]
    places = [ranks(judge, images, classes) for judge in JUDGES]
    print(f"{'class':24}" + "".join(f"{judge:>20}" for judge in JUDGES))
    for name, *each in zip(names, *places, strict=True):
        print(f"{name:24}" + "".join(f"{place:>20}" for place in each))
    print(f"{'first':24}" + "".join(f"{sum(p == 1 for p in each):>17} of {len(classes)}" for each in places))
    if given.out:
        write(given.out, images, names)


if __name__ == "__main__":
    main()
