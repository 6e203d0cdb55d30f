"""Measures how often an attack on some networks reaches another one (lesson 10); some minutes on an idle core.

A run that was interrupted goes on where it stopped:

python -m course_utils.training.transfer
"""

from __future__ import annotations

import copy
import json
from itertools import cycle, islice, pairwise
from pathlib import Path

import torch
from torch import Tensor, nn

from course_utils.gradients.adversarial import pgd
from course_utils.gradients.ensemble import Ensemble
from course_utils.gradients.transfer import FILE
from course_utils.images import labelled_photos, resize
from course_utils.networks import Network, load_network
from course_utils.validate import seeded

NETWORKS = ("efficientnet_lite0", "efficientnet_lite1", "efficientnet_lite2")
# which networks are attacked: the third one is kept to be asked
LARGER = "efficientnet_lite0 at 240 pixels"  # the control: a second size, and no second network
SOURCES = (NETWORKS[:1], NETWORKS[1:2], (NETWORKS[0], LARGER), NETWORKS[:2])
SWAPPED = "efficientnet_lite0, the change of another photo"  # a control: as strong, as structured
EPS = (4, 8, 12, 16)  # of 255
PAIRS, STEPS, BATCH = 50, 5, 10
# once more, with more steps and the largest eps; the third network is then also asked at the size of the photos
MORE_STEPS = 20
SMALLER = "efficientnet_lite2 at 224 pixels"


def networks() -> dict[str, Network]:
    """The three classifiers, made faster."""
    return {name: faster(load_network(name, device="cpu")) for name in NETWORKS}


def faster(net: Network) -> Network:
    """The same network in less than two thirds of the time: batch norms become part of the convolutions before them."""
    for module in list(net.modules()):
        for (_, convolution), (name, norm) in pairwise(list(module.named_children())):
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                scale = norm.weight / (norm.running_var + norm.eps).sqrt()
                weight, bias = convolution.weight * scale[:, None, None, None], norm.bias - norm.running_mean * scale
                convolution.weight = nn.Parameter(weight, requires_grad=False)
                convolution.bias = nn.Parameter(bias, requires_grad=False)
                setattr(module, name, getattr(norm, "act", nn.Identity()))  # timm's batch norm ends in a ReLU6
    return net.to(memory_format=torch.channels_last)


def enlarged(net: Network, side: int = 240) -> Network:
    """The same network, which sees its images at another size (smaller, too)."""
    larger = copy.copy(net)
    larger.input_size = side
    return larger


def longer_attack(sources: str) -> str:
    """The name of the attack with more steps."""
    return f"{sources}, {MORE_STEPS} steps"


def says(net: Network, images: Tensor) -> list[int]:
    """The class that a network says of each image, at its own size."""
    with torch.no_grad():
        return [net(resize(x, net.input_size)).argmax(1).item() for x in images.split(1)]


def pairs(nets: dict[str, Network], count: int = PAIRS) -> tuple[list[str], Tensor, Tensor, Tensor]:
    """Photos that all networks name right, again and again, each time with another target.

    Returns:
        names, images `(N, 3, 224, 224)`, labels and targets `(N,)`. No target is the photo's class.
    """
    photos, labels, names = labelled_photos()
    answers = zip(*(says(net, photos) for net in nets.values()), strict=True)
    good = [i for i, (label, said) in enumerate(zip(labels, answers, strict=True)) if set(said) == {label}]
    chosen = list(islice(cycle(good), count))
    right = torch.tensor([labels[i] for i in chosen])
    targets = torch.randint(999, (count,), generator=seeded(0))
    return [names[i] for i in chosen], photos[chosen], right, targets + (targets >= right)


def rounded(images: Tensor) -> Tensor:
    """As a file without losses keeps them: whole numbers from 0 to 255."""
    return (images * 255).round() / 255


def attacked(nets: list[Network], images: Tensor, targets: Tensor, eps: int, steps: int = STEPS) -> Tensor:
    """PGD on the sum of the networks' losses, without a random start."""
    options = {"eps": eps / 255, "steps": steps, "targeted": True, "of": "score", "progress": False}
    parts = zip(images.split(BATCH), targets.split(BATCH), strict=True)
    several = Ensemble(nets)
    return rounded(torch.cat([pgd(several, x, t, **options) for x, t in parts]))


def with_another_change(images: Tensor, attacked: Tensor) -> Tensor:
    """On each photo the change that was made for the photo before it."""
    return rounded((images + (attacked - images).roll(1, 0)).clamp(0, 1))


def changed_at_random(images: Tensor, eps: int) -> Tensor:
    """Every pixel goes up or down by eps."""
    signs = torch.randint(0, 2, images.shape, generator=seeded(eps)) * 2.0 - 1
    return rounded((images + eps / 255 * signs).clamp(0, 1))


def main(path: Path = FILE, *, count: int = PAIRS, strengths: tuple[int, ...] = EPS, steps: int = STEPS) -> None:
    """Measure what is missing in the file, and write it after each attack."""
    nets = networks()
    sources = nets | {LARGER: enlarged(nets[NETWORKS[0]])}
    photos, images, labels, targets = pairs(nets, count)
    head = {"command": "python -m course_utils.training.transfer", "steps": steps, "photos": photos}
    head |= {"labels": labels.tolist(), "targets": targets.tolist()}
    rows = json.loads(path.read_text(encoding="utf-8"))["rows"] if path.is_file() else []
    there = {(row["sources"], row["eps"], row["judge"]) for row in rows}
    at_224 = {SMALLER: enlarged(nets[NETWORKS[2]], 224)}
    made = {("", 0): lambda: images}
    made |= {("random", eps): lambda eps=eps: changed_at_random(images, eps) for eps in strengths}
    for eps in strengths:
        for names in SOURCES:
            several = [sources[name] for name in names]
            made[" + ".join(names), eps] = lambda s=several, e=eps: attacked(s, images, targets, e, steps)
        first = [nets[NETWORKS[0]]]
        made[SWAPPED, eps] = lambda s=first, e=eps: with_another_change(images, attacked(s, images, targets, e, steps))
    made[longer_attack(NETWORKS[0]), strengths[-1]] = lambda: attacked(
        [nets[NETWORKS[0]]], images, targets, strengths[-1], MORE_STEPS
    )
    for (source, eps), make in made.items():
        judges = nets | (at_224 if source in ("", "random", longer_attack(NETWORKS[0])) else {})
        judges = {judge: net for judge, net in judges.items() if (source, eps, judge) not in there}
        if judges:
            seen = make()
            for judge, net in judges.items():
                said = torch.tensor(says(net, seen))
                rows.append({"sources": source, "eps": eps, "judge": judge, "said": said.tolist()})
                reached, right = (said == targets).sum().item(), (said == labels).sum().item()
                print(f"{source or 'clean'}, {eps}: {judge} says {reached} targets, {right} right", flush=True)
            write(path, head, rows)


def write(path: Path, head: dict, rows: list[dict]) -> None:
    """One line for each row."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f' "{key}": {json.dumps(value)}' for key, value in head.items()]
    lines.append(' "rows": [\n  ' + ",\n  ".join(map(json.dumps, rows)) + "\n ]")
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
