"""EfficientNet-Lite0 as ONNX, in three graphs that share their weights.

- `early`: from `images` `(N, 3, H, W)` in [0, 1], sides that are multiples of 4, to `early` `(N, 24, H/4, W/4)` and the
  maps of two layers;
- `late`: from `early` `(N, 24, 56, 56)` to `scores` `(N, 1000)` and the maps of three layers;
- `gradient`: from `images` `(N, 3, 224, 224)` and `wanted` `(N, 1000)` to `scores` and `gradient`, that of
  `(scores * wanted).sum()` by the pixels.

The forward pass is cut in two since a covered window changes only a small part of `early`: occlusion computes that part
anew from a crop, and the rest stays.

Batch norm is folded into the convolutions, so a layer is a convolution, sometimes a ReLU6, sometimes a sum. On the way
back each of them has one rule:

| forward | backward |
|---|---|
| convolution | the transposed convolution, with the same weights |
| ReLU6 | the signal passes where the output was above 0 and below 6 |
| sum of two branches | the signal goes into both |
| mean over all places | the signal, divided by their number, at every place |
"""

from __future__ import annotations

from collections.abc import Callable

from torch import nn

from course_utils.authoring.web.graph import Graph
from course_utils.networks.network import Network

CUT = 2  # blocks[:2] are in `early`
EARLY = "blocks.1.1"  # the layer whose output `early` is
MAPS = {  # the layers whose maps the page shows, and the graph that puts them out
    "bn1.act": "early",
    "blocks.1.1.bn2.act": "early",
    "blocks.2.1.bn2.act": "late",
    "blocks.4.2.bn2.act": "late",
    "bn2.act": "late",
}

FREE = ["N", "C", "h", "w"]  # a map of any size

Backward = Callable[[str], str]  # the name of the signal above a layer -> the name of the signal below it


class _Lite:
    """Writes the forward pass, and notes for each step how to come back."""

    def __init__(self, net: Network, graph: Graph, side: int):
        self.net, self.graph = net, graph
        self.back: list[Backward] = []
        self.values: dict[str, str] = {}
        self.side = side
        self.names = {module: name for name, module in net.model.named_modules()}

    def early(self, images: str) -> str:
        add, constant, model = self.graph.add, self.graph.constant, self.net.model
        mean, std = (float(x.flatten()[0]) for x in (self.net.mean, self.net.std))
        x = add("Div", add("Sub", images, constant(mean)), constant(std))
        self.back.append(lambda signal: add("Div", signal, constant(std)))
        x = self.layer(x, model.conv_stem, model.bn1)
        for stage in model.blocks[:CUT]:
            x = self.blocks(x, stage)
        return x

    def late(self, x: str) -> str:
        model = self.net.model
        for stage in model.blocks[CUT:]:
            x = self.blocks(x, stage)
        x = self.layer(x, model.conv_head, model.bn2)
        return self.classify(x, model.classifier)

    def blocks(self, x: str, stage: nn.Sequential) -> str:
        for block in stage:
            x = self.block(x, block)
        return x

    def block(self, x: str, block: nn.Module) -> str:
        first, y = len(self.back), x
        layers = [(block.conv_dw, block.bn1), (block.conv_pw, block.bn2)]  # the first block has no expansion
        if hasattr(block, "conv_pwl"):
            layers = [(block.conv_pw, block.bn1), (block.conv_dw, block.bn2), (block.conv_pwl, block.bn3)]
        for convolution, norm in layers:
            y = self.layer(y, convolution, norm)
        if block.has_skip:
            y = self.graph.add("Add", x, y)
            inside, self.back[first:] = self.back[first:], []
            self.back.append(lambda signal: self.graph.add("Add", signal, _run_back(inside, signal)))
        return y

    def layer(self, x: str, convolution: nn.Conv2d, norm: nn.Module) -> str:
        """A convolution with its batch norm folded in, and ReLU6 where the norm has one."""
        add = self.graph.add
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        name = self.names[convolution]
        weight = self.graph.weight(f"{name}.weight", (convolution.weight * scale[:, None, None, None]).numpy())
        bias = self.graph.weight(f"{name}.bias", (norm.bias - norm.running_mean * scale).numpy())
        how = self.shape(convolution)
        y = add("Conv", x, weight, bias, **how)
        self.back.append(lambda signal: self.convolution_back(signal, weight, convolution, how))
        if isinstance(norm.act, nn.ReLU6):
            y = self.relu6(y)
        self.values[f"{self.names[norm]}.act"] = y
        return y

    def shape(self, convolution: nn.Conv2d) -> dict:
        """ONNX's attributes. A stride of 2 has TensorFlow's padding: the larger half below and right."""
        side, stride = convolution.kernel_size[0], convolution.stride[0]
        before = self.side
        self.side = -(-before // stride)
        missing = max((self.side - 1) * stride + side - before, 0)
        pads = [missing // 2] * 2 + [missing - missing // 2] * 2
        return {"kernel_shape": [side] * 2, "strides": [stride] * 2, "pads": pads, "group": convolution.groups}

    def convolution_back(self, signal: str, weight: str, convolution: nn.Conv2d, how: dict) -> str:
        """The transposed convolution. Where the stride is 1 it is written as a convolution, which runs faster."""
        add = self.graph.add
        if how["strides"] == [2, 2]:
            return add("ConvTranspose", signal, weight, **how)
        if convolution.groups == 1:  # 1 x 1: only what comes in and what goes out change places
            turned = add("Transpose", weight, perm=[1, 0, 2, 3])
        else:  # one map each: the kernel turned by 180 degrees
            ends, axes = self.graph.constant([-1, -1]), self.graph.constant([2, 3])
            turned = add("Slice", weight, ends, self.graph.constant([-99, -99]), axes, ends)
        return add("Conv", signal, turned, **how)

    def relu6(self, x: str) -> str:
        add, constant = self.graph.add, self.graph.constant
        y = add("Clip", x, constant(0.0), constant(6.0))

        def back(signal: str) -> str:
            open_ = add("And", add("Greater", y, constant(0.0)), add("Less", y, constant(6.0)))
            return add("Where", open_, signal, constant(0.0))

        self.back.append(back)
        return y

    def classify(self, x: str, classifier: nn.Linear) -> str:
        add = self.graph.add
        weight = self.graph.weight("classifier.weight", classifier.weight.numpy())
        bias = self.graph.weight("classifier.bias", classifier.bias.numpy())
        places = self.side**2
        mean = add("Flatten", add("GlobalAveragePool", x))

        def back(signal: str) -> str:
            signal = add("Div", add("Gemm", signal, weight), self.graph.constant(float(places)))
            return add("Unsqueeze", signal, self.graph.constant([2, 3]))  # the next step spreads it over all places

        self.back.append(back)
        return add("Gemm", mean, weight, bias, name="scores", transB=1)


def _run_back(steps: list[Backward], signal: str) -> str:
    for step in reversed(steps):
        signal = step(signal)
    return signal


def early(net: Network, graph: Graph) -> bytes:
    """The graph from the pixels to the output of the first blocks."""
    lite = _Lite(net, graph, net.input_size)
    graph.add("Identity", lite.early("images"), name="early")
    return graph.bytes("early", {"images": ["N", 3, "H", "W"]}, {"early": FREE, **_maps(lite, "early")})


def late(net: Network, graph: Graph) -> bytes:
    """The graph from there to the scores."""
    side = net.input_size // 4
    lite = _Lite(net, graph, side)
    lite.late("early")
    channels = net.model.blocks[CUT - 1][-1].conv_pwl.out_channels
    return graph.bytes("late", {"early": ["N", channels, side, side]}, {"scores": ["N", 1000], **_maps(lite, "late")})


def gradient(net: Network, graph: Graph) -> bytes:
    """The graph from the pixels to the scores and back."""
    lite = _Lite(net, graph, net.input_size)
    lite.late(lite.early("images"))
    graph.add("Identity", _run_back(lite.back, "wanted"), name="gradient")
    shape, scores = ["N", 3, net.input_size, net.input_size], ["N", 1000]
    return graph.bytes("gradient", {"images": shape, "wanted": scores}, {"scores": scores, "gradient": shape})


def _maps(lite: _Lite, part: str) -> dict[str, list]:
    """Put out the maps of a graph's layers."""
    layers = [layer for layer, where in MAPS.items() if where == part]
    for layer in layers:
        lite.graph.add("Identity", lite.values[layer], name=layer)
    return dict.fromkeys(layers, FREE)
