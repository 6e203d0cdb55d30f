"""`cifar_net`: a small network whose every filter can be looked at, trained by this project on CIFAR-10."""

from __future__ import annotations

from collections import OrderedDict

from torch import Tensor, nn

from course_utils.networks.network import Network
from course_utils.networks.weights import own_weights
from course_utils.validate import WrongSize

CATEGORIES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SIDE = 32  # pixels of a CIFAR-10 image
MEAN = (0.4914, 0.4822, 0.4465)  # of the training images' channels
STD = (0.2470, 0.2435, 0.2616)
WIDTHS = (16, 20, 20)
DURING = "during_training.conv1."  # snapshots of the first layer: this, and the number of steps


class FlatPositions(nn.Flatten):
    """Channels and positions in one row; says in one line what size the classifier needs."""

    def forward(self, maps: Tensor) -> Tensor:
        if maps.shape[-2:] != (SIDE // 8, SIDE // 8):
            raise WrongSize(
                f"cifar_net classifies images of {SIDE} x {SIDE} pixels, and these are about "
                f"{8 * maps.shape[-2]} x {8 * maps.shape[-1]}; make them {SIDE} x {SIDE}, as photo(name, {SIDE}) does."
            )
        return super().forward(maps)


def cifar_stack() -> nn.Sequential:
    """The architecture with random weights: 7 x 7 convolutions (3 -> 16 -> 20 -> 20), each with ReLU and pooling."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    width = 3
    for number, channels in enumerate(WIDTHS, 1):
        layers[f"conv{number}"] = nn.Conv2d(width, channels, 7, padding=3)
        layers[f"relu{number}"] = nn.ReLU()
        layers[f"pool{number}"] = nn.MaxPool2d(2)
        width = channels
    layers["flatten"] = FlatPositions()
    layers["classifier"] = nn.Linear(width * (SIDE // 8) ** 2, len(CATEGORIES))
    return nn.Sequential(layers)


def cifar_network(model: nn.Module) -> Network:
    """The `Network` around a `cifar_stack`: CIFAR-10's classes, and its mean and spread of the colors."""
    return Network(
        model,
        name="cifar_net",
        mean=MEAN,
        std=STD,
        categories=CATEGORIES,
        input_size=SIDE,
        feature_layer="flatten",
    )


def load_cifar_net() -> Network:
    """The trained network; data/weights/cifar_net.md says how it was trained and how good it is."""
    model = cifar_stack()
    model.load_state_dict({k: v for k, v in own_weights("cifar_net").items() if not k.startswith(DURING)})
    return cifar_network(model)


def first_layer_during_training() -> dict[int, Tensor]:
    """The first layer's weights `(16, 3, 7, 7)` as they were after so many steps of the training, 0 first."""
    stored = own_weights("cifar_net")
    steps = sorted(int(name.removeprefix(DURING)) for name in stored if name.startswith(DURING))
    return {step: stored[f"{DURING}{step}"] for step in steps}
