"""Train `cifar_net`, the network whose every filter can be looked at: `python -m course_utils.training.cifar_net --help`."""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import typer

from course_utils.errors import CourseError
from course_utils.one_line import OneLineCommand

TRAIN, TEST = "cifar10_train.npz", "cifar10_test.npz"
SNAPSHOTS = (0, 200, 400, 700, 1000)  # steps after which the first layer is kept; after the last step it is kept always


@dataclass(frozen=True)
class Pictures:
    """Labelled pictures: `images` (N, 3, 32, 32) uint8 RGB, `labels` (N,) int64."""

    images: object
    labels: object


@dataclass
class Trained:
    """What a training gives: the network, the first layer's weights after some steps, and the loss of every step."""

    model: object
    first_layer: dict[int, object] = field(default_factory=dict)
    losses: list[float] = field(default_factory=list)


def read_npz(path: Path) -> Pictures:
    """CIFAR-10 from one .npz file.

    Args:
        path: a file with the arrays `jpeg` (uint8: the bytes of all pictures, one file after the other), `offsets`
            (N + 1: where each picture begins, and the end of the last) and `labels` (N).

    Raises:
        CourseError: the file is missing, is no .npz, lacks an array, or holds a picture that cannot be read.
    """
    import numpy as np
    import torch
    from PIL import Image

    try:
        with np.load(path, allow_pickle=False) as stored:
            jpeg, offsets, labels = (stored[name] for name in ("jpeg", "offsets", "labels"))
    except FileNotFoundError:
        raise CourseError(f"there is no file {path}.") from None
    except KeyError as error:
        raise CourseError(f"{path} needs the arrays jpeg, offsets and labels ({error.args[0]}).") from None
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise CourseError(f"{path} cannot be read as an .npz file ({error}).") from None
    if len(offsets) != len(labels) + 1 or len(jpeg) != offsets[-1]:
        raise CourseError(f"{path} is damaged: its offsets fit neither its labels nor its pictures.")
    images = np.empty((len(labels), 32, 32, 3), np.uint8)
    for index, (start, end) in enumerate(zip(offsets[:-1], offsets[1:], strict=True)):
        try:
            images[index] = np.asarray(Image.open(io.BytesIO(jpeg[start:end].tobytes())).convert("RGB"))
        except (OSError, ValueError) as error:
            raise CourseError(f"picture {index} of {path} is no 32 x 32 JPEG ({error}).") from None
    return Pictures(
        torch.from_numpy(images).permute(0, 3, 1, 2).contiguous(), torch.from_numpy(labels.astype(np.int64))
    )


def read_cifar(data: Path | None) -> tuple[Pictures, Pictures]:
    """CIFAR-10's 50,000 training and 10,000 test pictures.

    Args:
        data: a folder with cifar10_train.npz and cifar10_test.npz, or one of these two files; None for a download by
            torchvision (170 MB, kept beside the torch hub's checkpoints).

    Raises:
        CourseError: a file is missing or damaged.
    """
    import torch

    if data is not None:
        folder = data.parent if data.is_file() else data
        if not folder.is_dir():
            raise CourseError(f"--data needs a folder with {TRAIN} and {TEST}; there is no {data}.")
        for name in (TRAIN, TEST):
            if not (folder / name).is_file():
                raise CourseError(f"--data needs a folder with {TRAIN} and {TEST}; there is no {folder / name}.")
        return read_npz(folder / TRAIN), read_npz(folder / TEST)

    from torchvision.datasets import CIFAR10

    root = Path(torch.hub.get_dir()) / "datasets"
    try:
        parts = [CIFAR10(root, train=train, download=True) for train in (True, False)]
    except (OSError, RuntimeError) as error:  # no network (a URLError is an OSError), or a damaged download
        reason = str(error).splitlines()[0]
        raise CourseError(f"CIFAR-10 could not be downloaded ({reason}); give the pictures with --data.") from None
    return tuple(
        Pictures(torch.from_numpy(part.data).permute(0, 3, 1, 2).contiguous(), torch.tensor(part.targets))
        for part in parts
    )


def train(
    pictures: Pictures,
    *,
    epochs: int = 12,
    steps: int | None = None,
    batch_size: int = 128,
    lr: float = 0.05,
    weight_decay: float = 5e-4,
    smoothness: float = 2e-3,
    shift: int = 3,
    seed: int = 0,
    say: Callable[[str], object] = lambda line: None,
) -> Trained:
    """Train the network by SGD with Nesterov momentum; the learning rate rises to `lr` and falls again (one cycle).

    Args:
        pictures: to learn from.
        epochs: how often each picture is seen.
        steps: stop after so many batches instead; the cycle of the learning rate is then that short.
        batch_size: pictures in one step.
        lr: the highest learning rate.
        weight_decay: pulls all weights to 0.
        smoothness: pulls the first layer's weights to their neighbors: this times the sum of squared differences of
            neighboring weights is added to the loss. It takes away the noise that the random start leaves in a filter.
        shift: each picture is moved by up to so many pixels in x and y, its border mirrored, and flipped half of the
            time.
        seed: of the first weights, the order and the shifts.
        say: called with a line about every epoch.
    """
    import torch
    from torch.nn import functional as F

    from course_utils.networks.cifar import MEAN, SIDE, STD, cifar_stack

    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = cifar_stack()
    model = model.to(memory_format=torch.channels_last)  # a third faster on a CPU
    count = len(pictures.images)
    batch_size = min(batch_size, count)
    per_epoch = count // batch_size
    total = steps or epochs * per_epoch
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9, nesterov=True, weight_decay=weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, lr, total_steps=total, pct_start=0.2, cycle_momentum=False
    )
    mean, std = (torch.tensor(values).view(1, 3, 1, 1) for values in (MEAN, STD))
    padded = F.pad(pictures.images.float(), (shift,) * 4, mode="reflect").to(torch.uint8)
    place = torch.arange(SIDE)

    def batch(index):
        """The pictures of these numbers, each moved and perhaps flipped, normalized."""
        top, left = torch.randint(0, 2 * shift + 1, (2, len(index), 1), generator=generator)
        rows, columns = top + place, left + place
        flipped = torch.rand(len(index), 1, generator=generator) < 0.5
        columns = torch.where(flipped, columns.flip(1), columns)
        channel = torch.arange(3).view(1, 3, 1, 1)
        moved = padded[index[:, None, None, None], channel, rows[:, None, :, None], columns[:, None, None, :]]
        return ((moved / 255 - mean) / std).contiguous(memory_format=torch.channels_last)

    trained = Trained(model)
    first = model.conv1.weight
    begun, right, seen = time.perf_counter(), 0, 0
    for step in range(total):
        if step in SNAPSHOTS:
            trained.first_layer[step] = first.detach().clone().contiguous()
        if step % per_epoch == 0:
            order = torch.randperm(count, generator=generator)
        index = order[step % per_epoch * batch_size :][:batch_size]
        scores = model(batch(index))
        loss = F.cross_entropy(scores, pictures.labels[index])
        rough = first.diff(dim=2).square().sum() + first.diff(dim=3).square().sum()
        optimizer.zero_grad()
        (loss + smoothness * rough).backward()
        optimizer.step()
        schedule.step()
        trained.losses.append(loss.item())
        right, seen = right + (scores.argmax(1) == pictures.labels[index]).sum().item(), seen + len(index)
        if (step + 1) % per_epoch == 0 or step + 1 == total:
            recent = trained.losses[-(seen // batch_size) :]
            minutes = (time.perf_counter() - begun) / 60
            say(
                f"step {step + 1:>6} of {total}: loss {sum(recent) / len(recent):.3f}, "
                f"{right / seen:.1%} of the training pictures right, {minutes:.1f} minutes"
            )
            right, seen = 0, 0
    trained.first_layer[total] = first.detach().clone().contiguous()
    return trained


def class_accuracy(model, pictures: Pictures, *, batch_size: int = 500) -> list[float]:
    """The share of each class's pictures that the network gets right, in the order of its classes."""
    import torch

    from course_utils.networks.cifar import CATEGORIES, cifar_network

    net = cifar_network(model)
    with torch.no_grad():
        guesses = [net(images / 255).argmax(1) for images in pictures.images.split(batch_size)]
    right = torch.cat(guesses) == pictures.labels
    return [right[pictures.labels == index].float().mean().item() for index in range(len(CATEGORIES))]


def save(trained: Trained, path: Path) -> str:
    """Write the weights and the first layer's snapshots as safetensors; returns the file's sha256."""
    from course_utils.networks.cifar import DURING
    from course_utils.networks.weights import save_weights

    snapshots = {f"{DURING}{step}": value for step, value in trained.first_layer.items()}
    return save_weights(trained.model.state_dict() | snapshots, path)


app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command(cls=OneLineCommand, name="cifar_net")
def main(
    data: Annotated[
        Path | None,
        typer.Option(
            help=f"A folder with {TRAIN} and {TEST}, or one of these files. Without it, torchvision downloads CIFAR-10.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="The file for the weights.")] = Path("cifar_net.safetensors"),
    epochs: Annotated[int, typer.Option(min=1, help="How often each picture is seen.")] = 12,
    steps: Annotated[
        int | None, typer.Option(min=2, help="Stop after so many batches instead: a short try.", show_default=False)
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the first weights, the order and the shifts.")] = 0,
) -> None:
    """Train cifar_net on CIFAR-10, print its accuracy on the test pictures, and write its weights.

    The same seed gives the same weights on the same computer. The recipe of the weights in data/weights is what you get
    without options; data/weights/cifar_net.md tells about it.
    """
    from course_utils.networks.cifar import CATEGORIES

    known, unseen = read_cifar(data)
    print(f"{len(known.images)} pictures to learn from, {len(unseen.images)} to test with", flush=True)
    trained = train(known, epochs=epochs, steps=steps, seed=seed, say=lambda line: print(line, flush=True))
    shares = class_accuracy(trained.model, unseen)
    print(", ".join(f"{name} {share:.0%}" for name, share in zip(CATEGORIES, shares, strict=True)))
    right = sum(s * (unseen.labels == i).sum().item() for i, s in enumerate(shares)) / len(unseen.labels)
    print(f"{right:.2%} of the test pictures right")
    print(f"{out}: sha256 {save(trained, out)}")


if __name__ == "__main__":
    app()
