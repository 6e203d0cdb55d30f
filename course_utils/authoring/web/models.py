"""The networks as files of the lab: written, and held to what PyTorch says."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from course_utils.authoring.web import lite, style
from course_utils.authoring.web.graph import Graph, Weights
from course_utils.errors import CourseError
from course_utils.fun.fast_style import load_style_net, stylize
from course_utils.fun.style_net import StyleNet
from course_utils.gradients.saliency import input_gradient
from course_utils.images import photo
from course_utils.networks.network import Network
from course_utils.networks.zoo import load_network

# arrays of so many weights are stored in float16: they are most of the file, and move the maps least
HALF_FROM = 100_000
# what may lie between a graph and PyTorch on the photo "cat": of the score, of the gradient's correlation, of a pixel
BOUNDS = {"scores": 0.02, "gradient": 0.995, "painted": 0.001}


def write_models(folder: Path, *, half_from: int = HALF_FROM) -> dict[str, dict]:
    """Write all graphs and their weights.

    Args:
        folder: it must be there.
        half_from: arrays with so many weights or more are stored in float16.

    Returns:
        Of each file its size in bytes and its sha256.
    """
    net, painter = load_network("efficientnet_lite0", device="cpu"), load_style_net()
    seen, painted = (
        Weights("lite0.bin", half_from),
        Weights("style.bin", half_from=1),
    )  # its weights are float16 at home
    files = {
        "early.onnx": lite.early(net, Graph(seen)),
        "late.onnx": lite.late(net, Graph(seen)),
        "gradient.onnx": lite.gradient(net, Graph(seen)),
        "paint.onnx": style.paint(painter, Graph(painted)),
        seen.file: bytes(seen.data),
        painted.file: bytes(painted.data),
    }
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return {name: about(folder / name) for name in files}


def about(path: Path) -> dict:
    """The size of a file in bytes, and its sha256."""
    return {"bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


class Exported:
    """The written graphs, run by ONNX Runtime in Python.

    Args:
        folder: where they are.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.sessions: dict[str, object] = {}

    def run(self, graph: str, **inputs: np.ndarray | Tensor) -> dict[str, np.ndarray]:
        """All outputs of a graph by their names."""
        import onnxruntime

        if graph not in self.sessions:
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads = torch.get_num_threads()
            self.sessions[graph] = onnxruntime.InferenceSession(self.folder / f"{graph}.onnx", options)
        session = self.sessions[graph]
        values = session.run(None, {name: np.asarray(value, np.float32) for name, value in inputs.items()})
        return dict(zip([output.name for output in session.get_outputs()], values, strict=True))

    def scores(self, images: Tensor) -> dict[str, np.ndarray]:
        """The scores `(N, 1000)`, and the maps of the five layers."""
        first = self.run("early", images=images)
        return first | self.run("late", early=first["early"])

    def gradient(self, images: Tensor, target: int) -> np.ndarray:
        """The gradient of a class's score by the pixels, `(N, 3, 224, 224)`."""
        wanted = np.zeros((len(images), 1000), np.float32)
        wanted[:, target] = 1
        return self.run("gradient", images=images, wanted=wanted)["gradient"]

    def paint(self, image: Tensor, mix: np.ndarray) -> np.ndarray:
        """A picture `(1, 3, H, W)`, repainted."""
        return self.run("paint", image=image, mix=mix)["painted"]


def compare(folder: Path) -> dict[str, float]:
    """How far the written graphs are from PyTorch on one photo: see `BOUNDS`.

    Raises:
        CourseError: further than they may be.
    """
    net, painter = load_network("efficientnet_lite0", device="cpu"), load_style_net()
    found = distances(Exported(folder), net, painter, photo("cat"))
    good = found["scores"] < BOUNDS["scores"] and found["gradient"] > BOUNDS["gradient"]
    if not (good and found["painted"] < BOUNDS["painted"]):
        raise CourseError(f"The exported networks are not those of the course: {found}, allowed {BOUNDS}.")
    return found


def distances(exported: Exported, net: Network, painter: StyleNet, image: Tensor) -> dict[str, float]:
    """The largest difference of a score and of a repainted pixel, and the correlation of the gradients."""
    with torch.no_grad():
        scores = net(image)
    target = scores.argmax(1).item()
    gradient, there = input_gradient(net, image, target).numpy(), exported.gradient(image, target)
    mix = np.linspace(1, 2, len(painter.styles), dtype=np.float32)[None] / (1.5 * len(painter.styles))
    painted = stylize(painter, image, mix[0].tolist()).numpy()
    return {
        "scores": float(np.abs(exported.scores(image)["scores"] - scores.numpy()).max()),
        "gradient": float(np.corrcoef(there.ravel(), gradient.ravel())[0, 1]),
        "painted": float(np.abs(exported.paint(image, mix) - painted).max()),
    }
