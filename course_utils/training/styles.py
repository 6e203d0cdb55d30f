"""Train the network of lesson 15, one network for many styles:

    python -m course_utils.training.styles --content FOLDER --styles all --out data/weights/styles.safetensors

`--content` is any folder of photos; every 25th one is held out (`--every`). The run can be stopped and goes on from its
checkpoint. A few minutes show a falling loss (`--stages 64x4x100`); the default stages take five to eight hours of a
core.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import torch
import typer
from torch import Tensor, nn

from course_utils.errors import CourseError
from course_utils.fun.fast_style import load_style_net, style_rows, stylize
from course_utils.fun.own_style import save_style_net
from course_utils.fun.perceptual_loss import PerceptualLoss
from course_utils.fun.style import style_transfer
from course_utils.fun.style_net import STYLE_NAMES, StyleNet
from course_utils.images import image_files, load_image, resize
from course_utils.networks import Network, load_network
from course_utils.one_line import OneLineCommand
from course_utils.places import written_whole
from course_utils.stimuli.styles import style_image, style_names
from course_utils.validate import check_positive

# How strong each of our styles is painted, in units in which lesson 14's default is 1000. Roughly one over the square root of
# the style loss of a photo: styles far from any photo (black and white stripes) would else leave nothing of it.
# Night and ink have several times as much, or the optimum has no strokes and no washes; waves and mosaic a little more.
STYLE_WEIGHTS = {
    "night": 12.0,
    "glass": 0.6,
    "waves": 2.5,
    "mosaic": 1.5,
    "ink": 12.0,
    "geometry": 0.6,
    "dots": 1.0,
    "woodcut": 0.5,
}
# the side of a style's picture in the training, where it is not 256 pixels: its stars and hills have to fit into a crop
STYLE_SIZES = {"night": 160, "ink": 160}
SHORTER_SIDE = 288  # photos are kept at this size; crops are cut from them


@dataclass(frozen=True)
class Stage:
    """A part of the training: crops of `side` pixels, `batch` pictures in a step, `steps` steps."""

    side: int
    batch: int
    steps: int

    @classmethod
    def read(cls, text: str) -> Stage:
        """`"64x4x1000"`.

        Raises:
            CourseError: anything else.
        """
        try:
            side, batch, steps = (int(part) for part in text.split("x"))
            check_positive(side=side, batch=batch, steps=steps)
        except ValueError:
            raise CourseError(f"a stage is SIDExBATCHxSTEPS, for example 64x4x1000; not {text!r}.") from None
        return cls(side, batch, steps)

    def __str__(self) -> str:
        return f"{self.side}x{self.batch}x{self.steps}"


def style_picture(name: str) -> Tensor:
    """The picture of one of our styles as the network is trained on it, `(1, 3, side, side)` in [0, 1]."""
    return style_image(name, STYLE_SIZES.get(name, 256))


def pass_and_steps(
    vgg: Network, net: StyleNet, photo: Tensor, name: str, steps: int
) -> tuple[tuple[Tensor, float], list[tuple[Tensor, float]]]:
    """One pass, and an optimization of the same photo on the same loss, as in lesson 14, at one size.

    Args:
        vgg: the judge.
        net: has the style.
        photo: `(1, 3, H, W)` in [0, 1].
        name: one of our styles.
        steps: updates of L-BFGS, which begins at the photo.

    Returns:
        The painting `(3, H, W)` and its content and style loss; then the same of the optimization before each step and
        after the last. A loss of 1 is that of the photo.
    """
    style, weight, looks = style_picture(name), STYLE_WEIGHTS[name], []
    loss = PerceptualLoss(vgg, [style], style_weights=[weight])
    painted = stylize(net, photo, name)
    with torch.no_grad():
        reached = loss(painted, loss.content(photo), torch.zeros(1, dtype=torch.long)).item()

    def note(step: int, picture: Tensor, value: Tensor) -> None:
        looks.append((picture[0], value.item()))

    style_transfer(vgg, photo, style, style_weight=weight, steps=steps, scales=1, callback=note)
    start = looks[0][1]
    return (painted[0], reached / start), [(picture, value / start) for picture, value in looks]


STAGES = (Stage(64, 4, 1800), Stage(96, 4, 6000), Stage(128, 4, 3500))


def crops(photos: Sequence[Tensor], count: int, side: int, generator: torch.Generator) -> Tensor:
    """Random squares of photos, more often large than small, scaled to `side`, half of them mirrored: `(count, 3, side, side)` in [0, 1].

    Args:
        photos: uint8 `(3, H, W)`.
    """

    def draw(high: int) -> int:
        return int(torch.randint(high, (), generator=generator))

    out = []
    for _ in range(count):
        one = photos[draw(len(photos))]
        height, width = one.shape[1:]
        most = min(height, width)
        least = min(side, most)
        # the larger of two draws: it is mostly whole photos that are repainted, so that scale should be seen most
        cut = least + max(draw(most - least + 1), draw(most - least + 1))
        top, left = draw(height - cut + 1), draw(width - cut + 1)
        square = one[None, :, top : top + cut, left : left + cut].float() / 255
        square = resize(square, side)
        out.append(square.flip(3) if draw(2) else square)
    return torch.cat(out)


def photos_of(folder: str | Path, *, every: int = 25) -> tuple[list[Tensor], list[Path]]:
    """The photos of a folder to train on, uint8 `(3, H, W)`, and the files of every `every`-th one, which are held out.

    Raises:
        ImageError: no such folder, or no pictures in it that can be read.
    """
    files = sorted(image_files(folder))
    held_out, train = files[::every] if every else [], []
    for path in files:
        if path in held_out:
            continue
        image = load_image(path, None)
        scale = SHORTER_SIDE / min(image.shape[2:])
        if abs(scale - 1) > 0.02:
            image = resize(image, (round(image.shape[2] * scale), round(image.shape[3] * scale)))
        train.append(image[0].mul(255).round().to(torch.uint8))
    return train, held_out


def train(
    net: StyleNet,
    loss: PerceptualLoss,
    photos: Sequence[Tensor],
    *,
    stages: Sequence[Stage] = STAGES,
    lr: float = 2e-3,
    decay: float = 0.6,
    shares: Sequence[int] | None = None,
    seed: int = 0,
    checkpoint: Path | None = None,
    checkpoint_every: float = 180,
    log: Callable[[dict], None] | None = None,
    log_every: int = 25,
) -> list[dict[str, float]]:
    """Train a `StyleNet` in place with Adam.

    Every loss is divided by the loss of the untouched photo in the same style: 1 is "did nothing". For the gradient it
    is divided once more, by its own running mean, so that a percent less counts the same in every style, however far
    the style is from photos. Each photo of a batch is painted in several styles, so that its content features are
    computed once.

    Args:
        net: the network; the rows of the styles get five times the step of the shared convolutions.
        loss: has as many styles as the network.
        photos: uint8 `(3, H, W)`.
        stages: small crops first, since they cost least.
        lr: Adam's, constant, then going down in a straight line to 0.
        decay: over which part of the steps it goes down.
        shares: how often each style is painted, in whole numbers (3, 1: three times as often); all alike, if not given.
        seed: of crops and styles.
        checkpoint: file to go on from, and to save to every `checkpoint_every` seconds.
        log: gets a dictionary with "step", "loss", and "seconds" every `log_every` steps; "loss" is their mean.

    Returns:
        Those dictionaries.
    """
    total = sum(stage.steps for stage in stages)
    rows = style_rows(net)
    own = {id(p) for p in rows}
    groups = [{"params": [p for p in net.parameters() if id(p) not in own], "scale": 1}, {"params": rows, "scale": 5}]
    adam = torch.optim.Adam([g for g in groups if g["params"]], lr=lr, betas=(0.9, 0.99))
    deal = torch.arange(len(net.styles)).repeat_interleave(torch.tensor(shares or [1] * len(net.styles)))
    at_photo, reached = torch.zeros(len(net.styles)), torch.ones(len(net.styles))
    history, first, began = [], 0, time.perf_counter()
    if checkpoint is not None and checkpoint.exists():
        stored = torch.load(checkpoint, weights_only=True)
        net.load_state_dict(stored["net"])
        adam.load_state_dict(stored["adam"])
        at_photo, reached = stored["at_photo"], stored["reached"]
        history, first = stored["history"], stored["step"]
        began -= history[-1]["seconds"] if history else 0
    saved, recent, order = time.perf_counter(), [], []
    plan = [stage for stage in stages for _ in range(stage.steps)]
    net.train()
    for step in range(first, total):
        stage = plan[step]
        # a generator of each step: a run that went on from a checkpoint draws what an unbroken run draws
        generator = torch.Generator().manual_seed(seed * 1_000_003 + step)
        while len(order) < stage.batch:
            order += deal[torch.randperm(len(deal), generator=generator)].tolist()
        numbers, order = torch.tensor(order[: stage.batch]), order[stage.batch :]
        few = max(1, stage.batch // 4)
        which = torch.arange(stage.batch) % few
        some = crops(photos, few, stage.side, generator)
        content = {name: value[which] for name, value in loss.content(some).items()}
        for n in numbers.tolist():  # the loss of the photo itself: known only up to the crop, so a mean over crops
            if at_photo[n] == 0:
                with torch.no_grad():
                    sample = crops(photos, 4, 96, torch.Generator().manual_seed(seed))
                    at_photo[n] = loss(sample, loss.content(sample), torch.full((4,), n)).mean()
        rate = lr * min(1.0, (total - step) / max(1.0, decay * total), (step + 1) / 20)
        for group in adam.param_groups:
            group["lr"] = rate * group["scale"]
        pictures = net(some[which], nn.functional.one_hot(numbers, len(net.styles)).to(some))
        each = loss(pictures, content, numbers) / at_photo[numbers]
        adam.zero_grad()
        for n, value in zip(numbers.tolist(), each.tolist(), strict=True):
            reached[n] += 0.02 * (value - reached[n])
        (each / reached[numbers]).mean().backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        adam.step()
        recent.append(each.mean().item())
        if len(recent) == log_every or step + 1 == total:
            seconds = time.perf_counter() - began
            history.append({"step": step + 1, "loss": sum(recent) / len(recent), "seconds": seconds})
            recent = []
            if log is not None:
                log(history[-1])
        now = time.perf_counter()
        if checkpoint is not None and (now - saved > checkpoint_every or step + 1 == total):
            saved = now
            state = {"net": net.state_dict(), "adam": adam.state_dict(), "at_photo": at_photo, "reached": reached}
            with written_whole(checkpoint) as part, open(part, "wb") as file:
                torch.save({**state, "history": history, "step": step + 1}, file)
    net.eval()
    return history


def _styles(text: str) -> dict[str, Tensor]:
    """Names of our styles separated by commas, "all", or a folder of pictures."""
    if Path(text).is_dir():
        return {path.stem: load_image(path, 256) for path in sorted(image_files(text))}
    names = list(STYLE_NAMES) if text == "all" else text.split(",")
    wrong = [name for name in names if name not in style_names()]
    if wrong:
        raise CourseError(
            f"{wrong[0]!r} is neither a folder nor a style of the course ({', '.join(style_names())}, or all)."
        )
    return {name: style_picture(name) for name in names}


def _shares(text: str, names: Sequence[str]) -> list[int]:
    """`"night=3,ink=2"`: those so often, the others once."""
    found = dict.fromkeys(names, 1)
    for part in text.split(","):
        name, _, count = part.partition("=")
        if name not in found or not count.isdigit() or int(count) < 1:
            raise CourseError(f"--shares are styles that are trained and whole numbers, night=3,ink=2; not {text!r}.")
        found[name] = int(count)
    return list(found.values())


def _weights(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise CourseError(f"--weights are numbers separated by commas, for example 2,0.5; not {text!r}.") from None


app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


@app.command(cls=OneLineCommand, name="styles")
def main(
    content: Annotated[Path, typer.Option(help="A folder of photos.")],
    out: Annotated[Path, typer.Option(help="The file for the weights (.safetensors).")],
    styles: Annotated[
        str, typer.Option(help="all, names of our styles (night,dots), or a folder of pictures.")
    ] = "all",
    weights: Annotated[
        str | None, typer.Option(help="The style weight of each style (2,0.5); ours, or 2 for others, if not given.")
    ] = None,
    stages: Annotated[str, typer.Option(help="SIDExBATCHxSTEPS, separated by commas.")] = ",".join(map(str, STAGES)),
    every: Annotated[int, typer.Option(min=0, help="Hold out every so-many-th photo; 0: none.")] = 25,
    lr: Annotated[float, typer.Option(help="Adam's learning rate.")] = 2e-3,
    start: Annotated[
        Path | None, typer.Option(help="Weights to go on from, of the same styles in the same order.")
    ] = None,
    shares: Annotated[str | None, typer.Option(help="Styles to paint more often (night=3,ink=2).")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the first weights, the crops and the styles.")] = 0,
) -> None:
    """Train one network for many styles, and write its weights.

    Stopped and started again, it goes on from its checkpoint, which lies beside --out.
    """
    pictures, plan = _styles(styles), [Stage.read(text) for text in stages.split(",")]
    chosen = _weights(weights) if weights else [STYLE_WEIGHTS.get(name, 2.0) for name in pictures]
    often = _shares(shares, list(pictures)) if shares else None
    check_positive(lr=lr)
    photos, held_out = photos_of(content, every=every)
    print(f"{len(photos)} photos to train on, {len(held_out)} held out; styles: {', '.join(pictures)}", flush=True)
    torch.manual_seed(seed)
    net = StyleNet(list(pictures)) if start is None else load_style_net(start).requires_grad_(True)
    if list(net.styles) != list(pictures):
        raise CourseError(f"{start} paints {', '.join(net.styles)}, not {', '.join(pictures)}.")
    loss = PerceptualLoss(load_network("vgg19", device="cpu"), list(pictures.values()), style_weights=chosen)
    train(
        net,
        loss,
        photos,
        stages=plan,
        lr=lr,
        shares=often,
        seed=seed,
        checkpoint=out.with_suffix(".checkpoint"),
        log=lambda entry: print(json.dumps(entry), flush=True),
    )
    print(f"{out}: sha256 {save_style_net(net, out)}")


if __name__ == "__main__":
    app()
