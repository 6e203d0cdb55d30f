"""`load_network`: one door to every network, offline ones first."""

from __future__ import annotations

import urllib.request
from collections.abc import Callable
from pathlib import Path
from urllib.error import URLError
from urllib.parse import urlparse

import torch
from torch import nn

from course_utils.errors import WeightsError, did_you_mean
from course_utils.networks import cifar, efficientnet, vgg
from course_utils.networks.network import Network

# Networks that need no download: their weights come with installed packages or with this repository.
OFFLINE: dict[str, Callable[[], Network]] = {
    "vgg19": vgg.load_vgg19,
    "efficientnet_lite0": lambda: efficientnet.load_efficientnet_lite(0),
    "efficientnet_lite1": lambda: efficientnet.load_efficientnet_lite(1),
    "efficientnet_lite2": lambda: efficientnet.load_efficientnet_lite(2),
    "cifar_net": cifar.load_cifar_net,
}


def best_device() -> torch.device:
    """CUDA if there is one, else Apple's MPS, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    if torch.backends.mps.is_available():
        return torch.device("mps")
    return torch.device("cpu")


def torchvision_names() -> list[str]:
    """The torchvision classifiers that `load_network` takes by name."""
    import torchvision

    return torchvision.models.list_models(module=torchvision.models)


@torch.inference_mode(False)  # also for a caller in inference mode: what is made there can never have a gradient
def load_network(name: str = "efficientnet_lite0", *, device: str | torch.device | None = None) -> Network:
    """Load a trained network: eval mode, no parameter gradients, `[0, 1]` RGB images in, normalization inside.

    Args:
        name: an offline network (`vgg19`, `efficientnet_lite0`, ...) or any torchvision classifier (`resnet18`,
            `alexnet`, ...). torchvision's own VGG-19 with its classifier is `torchvision:vgg19`.
        device: where to put it; None for CUDA, then MPS, then the CPU, whichever exists.

    Raises:
        WeightsError: no such network, weights damaged, or a download needed while there is no network.
        ValueError: a device that is not there.
    """
    device = best_device() if device is None else device
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError, TypeError):  # torch says each in another way, and at length
        there = " and ".join(sorted({"cpu", best_device().type}))
        raise ValueError(f"there is no device {device!r} here; there is {there}.") from None
    if name in OFFLINE:
        with torch.random.fork_rng(devices=[]):  # modules draw weights when they are made, which nobody will see
            net = OFFLINE[name]()
    else:
        plain = str(name).removeprefix("torchvision:")
        if plain not in torchvision_names():
            close = did_you_mean(plain, [*OFFLINE, *torchvision_names()])
            raise WeightsError(
                f"There is no network {name!r}.{' ' if close else ''}{close} Offline: {', '.join(OFFLINE)}; "
                "with a download, any torchvision classifier such as alexnet, resnet18, densenet121."
            )
        net = _load_torchvision(plain, name)
    return net.to(device)


def cached_checkpoint(name: str) -> Path:
    """Where torch hub keeps (or would put) the weights of a torchvision classifier."""
    import torchvision

    url = torchvision.models.get_model_weights(name).DEFAULT.url
    return Path(torch.hub.get_dir()) / "checkpoints" / Path(urlparse(url).path).name


def _load_torchvision(plain: str, name: str) -> Network:
    import torchvision

    weights = torchvision.models.get_model_weights(plain).DEFAULT
    cached = cached_checkpoint(plain)
    try:
        if not cached.is_file():  # without a network say so at once, before torch hub announces a download
            urllib.request.urlopen(weights.url, timeout=10).close()
        with torch.random.fork_rng(devices=[]):
            model = torchvision.models.get_model(plain, weights=weights)
    except (URLError, OSError, RuntimeError) as error:
        reason = getattr(error, "reason", error)
        if cached.is_file():
            cure = f"Its cached file {cached.name} cannot be used; delete it and try again with a network connection."
        else:
            cure = "Its weights are not in the torch hub cache and there is no network to download them."
        raise WeightsError(
            f"{name} is not ready: {cure} ({type(error).__name__}: {str(reason).splitlines()[0]}) "
            f"Networks that work offline: {', '.join(OFFLINE)}."
        ) from None
    presets = weights.transforms()
    mean, std = list(presets.mean), list(presets.std)
    if getattr(
        model, "transform_input", False
    ):  # GoogLeNet and Inception turn this normalization into another one inside
        model.transform_input = False
        mean, std = [0.5] * 3, [0.5] * 3
    features = getattr(model, "features", None)
    is_vgg = plain.startswith("vgg") and isinstance(features, nn.Sequential)
    return Network(
        model,
        name=name,
        mean=mean,
        std=std,
        categories=weights.meta["categories"],
        input_size=presets.crop_size[0],
        aliases=vgg.vgg_aliases(features) if is_vgg else {},
    )
