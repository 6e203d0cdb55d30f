"""The network of eight styles as ONNX: `image` `(1, 3, H, W)`, sides of 4 n, and `mix` `(1, 8)` -> `painted`."""

from __future__ import annotations

from torch import nn

from course_utils.authoring.web.graph import Graph
from course_utils.fun.style_net import OVERSHOOT, Block, Layer, StyleNet


class _Style:
    def __init__(self, net: StyleNet, graph: Graph):
        self.graph = graph
        self.names = {module: name for name, module in net.named_modules()}

    def forward(self, net: StyleNet, x: str) -> str:
        add, weight, constant = self.graph.add, self.graph.weight, self.graph.constant
        a = self.layer(add("Sub", add("Mul", x, constant(2.0)), constant(1.0)), net.first)
        b = self.layer(a, net.down_1)
        c = self.layer(b, net.down_2)
        for block in net.blocks:
            c = self.block(c, block)
        d = add("Add", self.layer(add("Add", self.layer(c, net.up_1), b), net.up_2), a)
        last = weight("last.weight", net.last.weight.numpy()), weight("last.bias", net.last.bias.numpy())
        change = add("Conv", self.margin(d, 2), *last)
        total = constant(1 + 2 * OVERSHOOT)
        share = add("Div", add("Add", x, constant(OVERSHOOT)), total)
        raw = add("Log", add("Div", share, add("Sub", constant(1.0), share)))  # the logit
        styles = len(net.styles)
        color = add("MatMul", "mix", weight("color", net.color.reshape(styles, 9).numpy()))
        matrix = add("Reshape", color, constant([3, 3, 1, 1]))  # (3, 3) as a 1 x 1 convolution
        shift = add("Reshape", add("MatMul", "mix", weight("shift", net.shift.numpy())), constant([3]))
        soft = add("Sigmoid", add("Add", add("Conv", raw, matrix, shift), change))
        wide = add("Sub", add("Mul", soft, total), constant(OVERSHOOT))
        return add("Clip", wide, constant(0.0), constant(1.0), name="painted")

    def block(self, x: str, block: Block) -> str:
        return self.graph.add("Add", x, self.layer(self.layer(x, block.one), block.two))

    def layer(self, x: str, layer: Layer) -> str:
        add, name = self.graph.add, self.names[layer]
        convolution = layer.convolution
        if layer.up:
            scales = self.graph.constant([1.0, 1.0, 2.0, 2.0])
            x = add(
                "Resize",
                x,
                "",
                scales,
                mode="nearest",
                nearest_mode="floor",
                coordinate_transformation_mode="asymmetric",
            )
        weight = self.graph.weight(f"{name}.weight", convolution.weight.numpy())
        x = self.margin(x, convolution.kernel_size[0] // 2)
        x = add("Conv", x, weight, strides=list(convolution.stride))
        x = add(
            "InstanceNormalization",
            x,
            self.row(f"{name}.gamma", layer.norm.gamma),
            self.row(f"{name}.beta", layer.norm.beta),
            epsilon=1e-5,
        )
        return add("Relu", x) if layer.relu else x

    def row(self, name: str, rows: nn.Parameter) -> str:
        """The mixture of the styles' rows, `(C,)`."""
        mixed = self.graph.add("MatMul", "mix", self.graph.weight(name, rows.numpy()))
        return self.graph.add("Squeeze", mixed, self.graph.constant([0]))

    def margin(self, x: str, size: int) -> str:
        pads = self.graph.constant([0, 0, size, size, 0, 0, size, size])
        return self.graph.add("Pad", x, pads, mode="reflect")


def paint(net: StyleNet, graph: Graph) -> bytes:
    """The graph of the network."""
    _Style(net, graph).forward(net, "image")
    picture = [1, 3, "H", "W"]
    return graph.bytes("paint", {"image": picture, "mix": [1, len(net.styles)]}, {"painted": picture})
