"""What the lab's stored weights change: top-1 on labelled photos, and the maps.

    python tests/benchmarks/bench_lab.py FOLDER --photos 500 --maps 20

FOLDER holds photos whose names begin with the number of their ImageNet class, as in 281_cat.jpg. Compared with PyTorch: all
weights in float32; as the lab has them (large arrays in float16); all in float16. `maps` photos get a saliency map of the
predicted class by each.
"""

import argparse
import re
import tempfile
from pathlib import Path

import numpy as np

from course_utils import iter_folder, load_network, saliency
from course_utils.authoring.web import models

STORED = {"all float32": 10**9, "as in the lab": models.HALF_FROM, "all float16": 1}


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("folder", type=Path)
    options.add_argument("--photos", type=int, default=500, help="how many are classified")
    options.add_argument("--maps", type=int, default=20, help="how many get a map")
    given = options.parse_args()
    net = load_network("efficientnet_lite0", device="cpu")
    photos = [(path, image) for path, image in iter_folder(given.folder) if re.match(r"\d+_", path.name)]
    photos = photos[:: max(1, len(photos) // given.photos)][: given.photos]
    labels = np.array([int(path.name.split("_")[0]) for path, _ in photos])
    every = max(1, len(photos) // given.maps)
    scores = np.concatenate([net(image).numpy() for _, image in photos])
    said = scores.argmax(1)
    maps = {i: saliency(net, photos[i][1], said[i].item()).numpy() for i in range(0, len(photos), every)}
    print(f"PyTorch: {len(photos)} photos, top-1 {100 * (said == labels).mean():.1f}%")
    for name, half_from in STORED.items():
        with tempfile.TemporaryDirectory() as place:
            files = models.write_models(Path(place), half_from=half_from)
            exported = models.Exported(Path(place))
            there = np.concatenate([exported.scores(image)["scores"] for _, image in photos])
            alike = [
                np.corrcoef(np.abs(exported.gradient(photos[i][1], said[i])).max(1).ravel(), map_.ravel())[0, 1]
                for i, map_ in maps.items()
            ]
        best = there.argmax(1)
        print(
            f"{name}: lite0.bin {files['lite0.bin']['bytes'] / 1e6:.1f} MB, top-1 {100 * (best == labels).mean():.1f}%, "
            f"another class than PyTorch for {(best != said).sum()}, largest difference of a score {np.abs(there - scores).max():.3f}; "
            f"{len(alike)} saliency maps correlate with {np.median(alike):.4f} in the median, {min(alike):.4f} at least",
            flush=True,
        )


if __name__ == "__main__":
    main()
