"""A small writer of ONNX graphs: nodes one by one, and weights in one file that several graphs share."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

OPSET = 17


@dataclass
class Weights:
    """The numbers of one or more graphs, one array after the other in one file.

    Attributes:
        file: its name, beside the graphs.
        half_from: arrays of so many numbers or more are stored in float16, the others in float32.
        data: what is in it so far.
        places: of each name its array as it is stored, and where it begins.
    """

    file: str
    half_from: int = 0
    data: bytearray = field(default_factory=bytearray)
    places: dict[str, tuple[np.ndarray, int]] = field(default_factory=dict)

    def keep(self, name: str, values: np.ndarray) -> None:
        """Append an array, if its name is new.

        Raises:
            ValueError: a number that float16 does not hold.
        """
        if name in self.places:
            return
        with np.errstate(over="ignore"):
            stored = np.ascontiguousarray(values, dtype="<f2" if values.size >= self.half_from else "<f4")
        if not np.isfinite(stored).all():
            raise ValueError(f"{name} has numbers that {stored.dtype} does not hold.")
        self.places[name] = stored, len(self.data)
        self.data += stored.tobytes()
        self.data += bytes(-len(self.data) % 4)  # the next array begins at a multiple of four bytes


class Graph:
    """Nodes in the order in which they run. A value is known by its name, as ONNX has it.

    Args:
        weights: where large arrays go.
    """

    def __init__(self, weights: Weights):
        self.weights = weights
        self.nodes: list = []
        self.stored: dict[str, object] = {}
        self.small: dict[str, object] = {}

    def add(self, kind: str, *inputs: str, name: str = "", **attributes) -> str:
        """Add a node with one output, and return the output's name."""
        from onnx import helper

        name = name or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], **attributes))
        return name

    def weight(self, name: str, values: np.ndarray) -> str:
        """Store an array. One in float16 becomes float32 when the runtime loads it, once."""
        from onnx import TensorProto

        if name not in self.stored:
            self.weights.keep(name, values)
            array, offset = self.weights.places[name]
            half = array.dtype == np.float16
            held = TensorProto(name=f"{name}.half" if half else name, dims=array.shape)
            held.data_type = TensorProto.FLOAT16 if half else TensorProto.FLOAT
            held.data_location = TensorProto.EXTERNAL
            for key, value in (("location", self.weights.file), ("offset", offset), ("length", array.nbytes)):
                held.external_data.add(key=key, value=str(value))
            self.stored[name] = held
            if half:
                self.add("Cast", held.name, name=name, to=TensorProto.FLOAT)
        return name

    def constant(self, values) -> str:
        """A few numbers inside of the graph itself: whole numbers as int64, others as float32."""
        from onnx import numpy_helper

        array = np.asarray(values)
        array = array.astype(np.int64 if array.dtype.kind == "i" else np.float32)
        name = f"constant_{array.dtype}_{array.tolist()}"
        self.small[name] = numpy_helper.from_array(array, name)
        return name

    def bytes(self, name: str, inputs: dict[str, list], outputs: dict[str, list]) -> bytes:
        """The finished graph, checked. Inputs and outputs are float32, given by their shapes; a text is a free size."""
        import onnx
        from onnx import TensorProto, helper

        values = [
            [helper.make_tensor_value_info(key, TensorProto.FLOAT, shape) for key, shape in some.items()]
            for some in (inputs, outputs)
        ]
        held = [*self.small.values(), *self.stored.values()]
        graph = helper.make_graph(self.nodes, name, *values, initializer=held)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=9)
        onnx.checker.check_model(_without_files(model))
        return model.SerializeToString(deterministic=True)


def _without_files(model):
    """A copy whose large arrays are left out: the checker would look for their file."""
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for held in [h for h in copy.graph.initializer if h.external_data]:
        value = onnx.helper.make_tensor_value_info(held.name, held.data_type, list(held.dims))
        copy.graph.input.append(value)
        copy.graph.initializer.remove(held)
    return copy
