"""Checks of lesson 10: fooling images."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from course_utils.exercises.compare import close
from course_utils.exercises.machine import Call, Draw, exercise
from course_utils.exercises.quizzes import read_quiz
from course_utils.exercises.steady import steady


def score(scores: Tensor) -> Tensor:
    return scores


def loss(scores: Tensor) -> Tensor:
    """The cross-entropy, for each class as the label."""
    return -scores.log_softmax(1)


def gradient(net, images: Tensor, classes: list[int], of=score) -> Tensor:
    """Each image's own gradient of the score or of the loss of its class."""
    pixels = images.clone().requires_grad_()
    chosen = of(net(pixels))[range(len(images)), classes]
    return torch.autograd.grad(chosen.sum(), pixels)[0]


def length(x: Tensor) -> Tensor:
    return x.flatten(1).norm(dim=1)[:, None, None, None]


def unit(g: Tensor) -> Tensor:
    return g / length(g)


def attacked(net, images, labels, eps, *, of=loss, rule=torch.sign, cut=True) -> Tensor:
    moved = images + eps * rule(gradient(net, images, labels, of))
    return moved.clamp(0, 1) if cut else moved


def moves_every_pixel(right: Tensor, net, images, labels, eps) -> bool:
    """Whether no gradient is 0: the text leaves open what becomes of such a pixel."""
    return bool((gradient(net, images, labels, loss) != 0).all())


@steady(attacked, fits=moves_every_pixel)
def attacks(draw: Draw, count: int) -> tuple:
    net, images = draw.net("conv"), draw.images(count)
    predicted = net(images).argmax(1).tolist()
    labels = [(predicted[0] + 1) % 5]
    if count == 3:  # the second one is the predicted class, and not all labels are equal
        labels += [predicted[1], (predicted[2] + 2) % 5]
        labels[0] = labels[0] if len(set(labels)) > 1 else (labels[0] + 1) % 5
    return net, images, labels, draw.number(0.1, 0.3)


@exercise("10.1", "attack_in_one_step")
def attack_in_one_step(call: Call, draw: Draw) -> None:
    for count, what in ((3, "the batch of attacked images"), (1, "the attacked image of a batch of one")):
        inputs, right = attacks(draw, count)
        close(call(*inputs), right, what=what)


attack_in_one_step.slips = {
    "You went down the loss, toward the label. To leave a class, its loss has to rise: add the step.": (
        partial(attacked, rule=lambda g: -g.sign())
    ),
    "You went up the score of the label. That makes the network more sure; the loss has to rise.": (
        partial(attacked, of=score)
    ),
    "You went down the score of the label. FGSM goes up its loss (cross-entropy), "
    "in which the other classes count as well.": partial(attacked, of=lambda scores: -scores),
    "The result leaves the range [0, 1]: it is no image any more. Cut it off at the end.": partial(attacked, cut=False),
    "The gradient of the mean loss is added as it is. FGSM adds only its sign, so that every pixel moves by eps.": (
        partial(attacked, rule=lambda g: g / len(g))
    ),
    "The gradient itself is added. FGSM adds only its sign, so that every pixel moves by eps.": (
        partial(attacked, rule=lambda g: g)
    ),
    "cross_entropy was given probabilities. It takes the scores: the softmax is part of it.": (
        partial(attacked, of=lambda scores: loss(scores.softmax(1)))
    ),
    "The gradient is divided by its length. FGSM takes the sign of every pixel's gradient.": (
        partial(attacked, rule=unit)
    ),
    "All three colors of a pixel get the same sign. Each color has its own gradient.": (
        partial(attacked, rule=lambda g: g.sum(1, keepdim=True).sign())
    ),
    "You used the first image's label for every image.": (
        lambda net, images, labels, eps: attacked(net, images, labels[:1] * len(images), eps)
    ),
    "You used the predicted class. labels says which class to leave.": (
        lambda net, images, labels, eps: attacked(net, images, net(images).argmax(1).tolist(), eps)
    ),
    "You returned the change alone. Return the changed images.": (
        lambda net, images, labels, eps: eps * gradient(net, images, labels, loss).sign()
    ),
}


def climbed(net, image, target, lr, steps, *, look="before", of=score, rule=unit, cut=True, anew=True) -> Tensor:
    """`look` says when it stops: the target is predicted "before" a step, "after" it, a step too "late", or "never"."""
    start = image
    for _ in range(steps):
        done = net(image).argmax(1).item() == target
        if done and look == "before":
            break
        image = image + lr * rule(gradient(net, image if anew else start, [target], of))
        image = image.clamp(0, 1) if cut else image
        if (done and look == "late") or (look == "after" and net(image).argmax(1).item() == target):
            break
    return image


def all_steps_are_made(right: Tensor, net, image, target, lr, steps) -> bool:
    return net(climbed(net, image, target, lr, steps - 1)).argmax().item() != target


@steady(climbed, fits=all_steps_are_made)
def curved_ways(draw: Draw) -> tuple:
    """A few steps on a curved network: is the step right?"""
    net, image = draw.net("conv"), draw.images(1)
    return net, image, net(image).argmin(1).item(), draw.number(1.2, 1.8), 3


def stops_on_the_way(right: Tensor, net, image, target, lr, steps) -> bool:
    best, second = net(image)[0].topk(2).values
    one_less, as_many, one_more = (climbed(net, image, target, lr, count) for count in (4, 5, 6))
    stops = net(one_less).argmax().item() != target and net(as_many).argmax().item() != target
    return stops and net(one_more).argmax().item() == target and bool(best - second > 1e-3)


@steady(climbed, fits=stops_on_the_way)
def straight_ways(draw: Draw) -> tuple:
    """A linear network, where the way to success is known: does it stop?"""
    height, width = draw.integer(5, 7), draw.integer(8, 10)
    net, image = draw.net("linear", height=height, width=width), draw.images(1, height, width)
    target = net(image).argmin(1).item()
    lr = small = 0.02
    walked = image
    for count in range(1, 400):  # how far is it?
        walked = climbed(net, walked, target, small, 1)
        if net(walked).argmax(1).item() == target:
            lr = small * count / 5.5
            break
    return net, image, target, lr, 40


@exercise("10.2", "fool_image")
def fool_image(call: Call, draw: Draw) -> None:
    inputs, right = curved_ways(draw)
    first, second = call.twice(*inputs)
    close(first, right, what="the image after three steps")
    close(second, right, what="the image of the second call")
    inputs, right = straight_ways(draw)
    close(call(*inputs), right, what="the fooling image")
    net, image, _, lr, _ = inputs
    what = "the image when the network says the target class from the start"
    close(call(net, image, net(image).argmax(1).item(), lr, 10), image, what=what)


def changes_its_image(net, image, *rest):
    return image.copy_(climbed(net, image, *rest))


fool_image.slips = {
    "The step is not normalized: divide the gradient by its length, the root of the sum of all its squares.": (
        partial(climbed, rule=lambda g: g)
    ),
    "You walk down the score. Fooling climbs it: add the step.": partial(climbed, rule=lambda g: -unit(g)),
    "You took the sign of the gradient. Here the step is the gradient divided by its length.": (
        partial(climbed, rule=torch.sign)
    ),
    "You went up the loss of the target class. It is the score of the target that has to rise.": (
        partial(climbed, of=loss)
    ),
    "You climbed the probability of the target (or went down its loss, which gives the same steps). "
    "The task climbs its score, before the softmax.": partial(climbed, of=lambda scores: -loss(scores)),
    "You divided by the mean size of the gradient, as in lesson 09. Here the step is divided by the length: the root "
    "of the sum of all squares.": partial(climbed, rule=lambda g: g / g.abs().mean()),
    "You divided by the sum of the sizes. The length is the root of the sum of all squares.": (
        partial(climbed, rule=lambda g: g / g.abs().sum())
    ),
    "The image leaves the range [0, 1]. Cut it off after every step.": partial(climbed, cut=False),
    "The gradient is computed once. It belongs to one image: compute it again after every step.": (
        partial(climbed, anew=False)
    ),
    "Every color has its own length in your step. The length is that of the whole gradient.": (
        partial(climbed, rule=lambda g: g / g.flatten(2).norm(dim=2)[..., None, None])
    ),
    "You divided by the largest value of the gradient; divide by its length.": (
        partial(climbed, rule=lambda g: g / g.abs().max())
    ),
    "The image is cut off at the end only. Cut it after every step: the next gradient is taken at a real image.": (
        lambda *inputs: climbed(*inputs, cut=False).clamp(0, 1)
    ),
    "It takes one step too few.": lambda net, image, target, lr, steps: climbed(net, image, target, lr, steps - 1),
    "It takes one step too many.": lambda net, image, target, lr, steps: climbed(net, image, target, lr, steps + 1),
    "The image did not change at all.": lambda net, image, *rest: image,
    "Your function changes the caller's image: work on a copy, image.clone(), and add steps with x = x + step.": (
        changes_its_image
    ),
    "It goes on after the network is fooled. Stop as soon as the network says the target class.": (
        partial(climbed, look="never")
    ),
    "It needs no step at all: look at the scores first.": partial(climbed, look="after"),
    "It takes one step too many: look at the scores of the present image before the step, "
    "and stop if they show the target.": partial(climbed, look="late"),
}


def stepped(
    present, clean, g, alpha, eps, *, ball=lambda change, eps: change.clamp(-eps, eps), rule=torch.sign, cut=True
):
    moved = clean + ball(present + alpha * rule(g) - clean, eps)
    return moved.clamp(0, 1) if cut else moved


@exercise("10.3", "pgd_step")
def pgd_step(call: Call, draw: Draw) -> None:
    clean = draw.images(2)
    eps = draw.number(0.1, 0.2)
    alpha = draw.number(0.5, 0.9) * eps
    present = (clean + eps * draw.uniform(*clean.shape, low=-1, high=1)).clamp(0, 1)
    inputs = present, clean, draw.normal(*clean.shape), alpha, eps
    close(call(*inputs), stepped(*inputs), what="the images after the step")


def everywhere(present, clean, g, alpha, eps):
    return (present + alpha * g.sign()).clamp(-eps, eps)


pgd_step.slips = {
    "The images are not brought back into the ball around the clean photos: "
    "cut the change from clean to [-eps, eps].": partial(stepped, ball=lambda change, eps: change),
    "The images may leave the range [0, 1]: cut them off at the end.": partial(stepped, cut=False),
    "You cut the image itself to [-eps, eps]. It is the change that has to lie in this range.": everywhere,
    "The gradient itself is added. The step takes only its sign.": partial(stepped, rule=lambda g: g),
    "You walk against the gradient. It already points where to go: add the step.": (
        partial(stepped, rule=lambda g: -g.sign())
    ),
    "Every step starts from the clean photos. It goes on from the present images.": (
        lambda present, clean, *rest: stepped(clean, clean, *rest)
    ),
    "The step has length eps. It has length alpha; eps is the radius of the ball.": (
        lambda present, clean, g, alpha, eps: stepped(present, clean, g, eps, eps)
    ),
    "The change is shortened as a whole (an L2 ball). Here the limit holds for every pixel by itself.": (
        partial(stepped, ball=lambda change, eps: change * (eps / length(change)).clamp_max(1))
    ),
    "Only positive changes are limited: cut at -eps as well.": (
        partial(stepped, ball=lambda change, eps: change.clamp(max=eps))
    ),
    "You returned the change. Return the images.": (
        lambda present, clean, *rest: stepped(present, clean, *rest, cut=False) - clean
    ),
}

MEAN = torch.tensor([0.485, 0.456, 0.406], dtype=torch.float64).view(3, 1, 1)
STD = torch.tensor([0.229, 0.224, 0.225], dtype=torch.float64).view(3, 1, 1)


def enlarged(before, after, factor, *, gray=0.5) -> Tensor:
    return (gray + factor * (after - before)).clamp(0, 1)


@exercise("10.4", "magnified")
def magnified(call: Call, draw: Draw) -> None:
    before = draw.images(1)
    after = (before + 0.06 * draw.normal(*before.shape)).clamp(0, 1)
    after[:, :, 0] = before[:, :, 0]  # nothing changes in the first row
    inputs = before, after, draw.number(8, 12)
    close(call(*inputs), enlarged(*inputs), what="the picture of the change")


def stretched(before, after, factor):
    change = after - before
    return (change - change.min()) / (change.max() - change.min())


magnified.slips = {
    "A mean color is added to a difference. The mean has canceled out when you subtracted; "
    "and all values are too large by far.": lambda before, after, factor: factor * ((after - before) * STD + MEAN),
    "Everything is white: a constant (a mean color, or 0.5) is multiplied by the factor as well. "
    "Multiply only the change, then add 0.5.": (
        lambda before, after, factor: (factor * ((after - before) * STD + MEAN)).clamp(0, 1)
    ),
    "The change is multiplied by the standard deviations of the colors, and a mean color is added. "
    "Both belong to normalized images; here multiply by the factor and add 0.5.": (
        lambda before, after, factor: (factor * (after - before) * STD + MEAN).clamp(0, 1)
    ),
    "The change is multiplied by the standard deviations of the colors. The images are not normalized: leave it out.": (
        lambda before, after, factor: (factor * (after - before) * STD + 0.5).clamp(0, 1)
    ),
    "A mean color is added to a difference. Where nothing changes, the picture has to be gray: 0.5 in all colors.": (
        partial(enlarged, gray=MEAN)
    ),
    "Negative changes are black, the same as no change. Add 0.5, so that both directions show.": (
        partial(enlarged, gray=0)
    ),
    "The absolute value loses the direction of the change. Add 0.5 instead.": (
        lambda before, after, factor: (factor * (after - before).abs()).clamp(0, 1)
    ),
    "The sign is wrong: the change is after minus before.": lambda before, after, factor: enlarged(
        after, before, factor
    ),
    "The values leave the range [0, 1]: cut them off.": lambda before, after, factor: 0.5 + factor * (after - before),
    "You stretched the change from its own smallest to its largest value. Then every picture looks equally strong.": (
        stretched
    ),
    "The factor is not used.": lambda before, after, factor: 0.5 + after - before,
}


def mean(values: Tensor) -> Tensor:
    return values.mean()


def log_p(scores: Tensor) -> Tensor:
    return scores.log_softmax(1)


def over_places(net, photos, patch, corners, target, *, of=log_p, together=mean, on="over", swap=False) -> Tensor:
    """`on` says how the patch gets on a photo: "over" it, or "added" to it."""
    patch = patch.clone().requires_grad_()
    height, width = patch.shape[1:]
    pasted = []
    for image, corner in zip(photos, corners, strict=True):
        top, left = reversed(corner) if swap else corner
        image = image.clone()
        seen = image[:, top : top + height, left : left + width]
        image[:, top : top + height, left : left + width] = patch if on == "over" else seen.clone() + patch
        pasted.append(image)
    return torch.autograd.grad(together(of(net(torch.stack(pasted)))[:, target]), patch)[0]


@steady(over_places)
def patches(draw: Draw, count: int) -> tuple:
    net, photos = draw.net("conv"), draw.images(count, 14, 15)
    height, width = draw.choice([(3, 4), (4, 3)])
    # rows and columns differ, so that exchanging them is seen, and both fit into the photo
    corners = [(draw.integer(0, 2) * 2, draw.integer(1, 3) * 2 + 1) for _ in range(count)]
    corners[-1] = (9, 10)  # close to the lower right corner
    return net, photos, draw.uniform(3, height, width), corners, draw.integer(0, 4)


@exercise("10.5", "patch_gradient")
def patch_gradient(call: Call, draw: Draw) -> None:
    for count, what in ((3, "the mean gradient over three places"), (1, "the gradient for one photo")):
        inputs, right = patches(draw, count)
        close(call(*inputs), right, what=what)


def first_photo_only(net, photos, patch, corners, target):
    return over_places(net, photos[:1], patch, corners[:1], target)


def pasted_on_the_callers(net, photos, patch, corners, target):
    found = over_places(net, photos, patch, corners, target)
    for image, (top, left) in zip(photos, corners, strict=True):
        image[:, top : top + patch.shape[1], left : left + patch.shape[2]] = patch
    return found


patch_gradient.slips = {
    "You added the photos' gradients. The mean over the photos is asked, whatever their number.": (
        partial(over_places, together=torch.sum)
    ),
    "This is the gradient of the loss: its sign is the other one. The log-probability of the target is asked.": (
        partial(over_places, of=loss)
    ),
    "You differentiated the score. The log-probability is asked: log_softmax of all scores, then the target.": (
        partial(over_places, of=score)
    ),
    "You differentiated the probability. Take its logarithm: log_softmax.": (
        partial(over_places, of=lambda scores: scores.softmax(1))
    ),
    "You took the logarithm of the mean probability. The mean of the logarithms is asked: "
    "else the photos that are nearly fooled count most.": (
        partial(over_places, of=lambda scores: scores.softmax(1), together=lambda p: p.mean().log())
    ),
    "Every photo got the patch at the first corner. Each has a corner of its own.": (
        lambda net, photos, patch, corners, target: over_places(net, photos, patch, corners[:1] * len(photos), target)
    ),
    "Only the first photo counts. Take all photos, each with its own corner.": first_photo_only,
    "The patch was added to the photo. It lies on the photo and hides what is below.": partial(over_places, on="added"),
    "A corner is (top, left): the row first, then the column.": partial(over_places, swap=True),
    "Your function pastes on the caller's photos: work on a copy, photos.clone().": pasted_on_the_callers,
}

QUIZ = read_quiz("""
A linear score S = w x + b of 150 000 pixels. No pixel may change by more than 0.01. By how much can the score rise?
- By 0.01 times the number of all pixels, 1500 in all.
  This holds only if every weight has size 1. Each pixel counts with the size of its weight.
+ By 0.01 times the sum of the sizes of all weights.
  Yes: each pixel moves in the direction of its own weight, and 150 000 small rises add up.
- By 0.01 times the largest of the 150 000 weights.
  That would be the best if only one pixel could change.
- By nearly nothing: the changes are too small to see.
  What the eye sees and what the sum sees are different things.

Two attacks use the same eps. One takes a single step of length eps, the other twenty small ones. Why do the twenty
reach a chosen class more often?
- They may change every pixel by twenty times as much in the end.
  No: after every step the change is cut back to eps.
+ The gradient is taken anew after every step, so the way can bend with it.
  Yes: the score is not linear; the sign at the photo is right for a short way only.
- They climb the score of the class, not the loss of the label.
  Both can use either.
- They start from a random image inside of the ball around the photo.
  They may, but that is not what makes the difference.

An attacked photo fools network A. Network B, trained on the same photos, sees it and says the right class. What
follows?
- B cannot be fooled in this way, so use B from now on.
  Attack B with B's own gradient: it falls as easily.
+ The change fits A's gradient, and need not fit B's.
  Yes. It fits one size of the picture, too. With a larger eps B is wrong more often, but seldom says the target.
- The photo has hardly changed, and A's answer was luck.
  A is fooled again and again, and by a small change: that is how the attack is made.
- A was trained worse than B, so it makes more mistakes.
  Nothing was measured that compares them.

A patch that was made at random corners works at corners where it never lay. One that was made at a single corner hardly
ever does. What is the reason?
- The patch has brighter colors than photos have, and a network follows strong colors.
  A disc of random colors has strong colors as well. It is the control.
+ Its gradient is a mean over many places, so that it cannot rely on one of them.
  Yes. In the lesson the many places did more than the many photos.
- It shows the object itself, so the class is then really in the photo.
  A disc cut from a photo of the object shows it too, and seldom wins. It is the other control.
- It covers more of the photo than the patch that was made at one corner.
  Both patches have the same size.
""")
