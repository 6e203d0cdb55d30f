"""Wrong answers to the exercises of lesson 10."""

import torch

from tests.mutants import mutant


def gradient(net, images, classes, of="loss"):
    pixels = images.clone().requires_grad_()
    scores = net(pixels)
    values = scores if of == "score" else -scores.log_softmax(1)
    return torch.autograd.grad(values[range(len(images)), classes].sum(), pixels)[0]


@mutant("10.1", "down the loss")
def descends(net, images, labels, eps):
    return (images - eps * gradient(net, images, labels).sign()).clamp(0, 1)


@mutant("10.1", "up the score of the label")
def score_instead_of_loss(net, images, labels, eps):
    return (images + eps * gradient(net, images, labels, "score").sign()).clamp(0, 1)


@mutant("10.1", "down the score of the label")
def lowers_the_score(net, images, labels, eps):
    return (images - eps * gradient(net, images, labels, "score").sign()).clamp(0, 1)


@mutant("10.1", "leaves the range")
def not_cut_off(net, images, labels, eps):
    return images + eps * gradient(net, images, labels).sign()


@mutant("10.1", "only its sign")
def no_sign(net, images, labels, eps):
    return (images + eps * gradient(net, images, labels)).clamp(0, 1)


@mutant("10.1", "divided by its length")
def length_instead_of_sign(net, images, labels, eps):
    g = gradient(net, images, labels)
    return (images + eps * g / g.flatten(1).norm(dim=1)[:, None, None, None]).clamp(0, 1)


@mutant("10.1", "predicted class")
def leaves_the_predicted_class(net, images, labels, eps):
    return (images + eps * gradient(net, images, net(images).argmax(1).tolist()).sign()).clamp(0, 1)


@mutant("10.1", "first image's label")
def first_label_for_all(net, images, labels, eps):
    return (images + eps * gradient(net, images, [labels[0]] * len(images)).sign()).clamp(0, 1)


@mutant("10.1", "change alone")
def returns_the_change(net, images, labels, eps):
    return eps * gradient(net, images, labels).sign()


@mutant("10.1", "same sign")
def one_sign_for_all_colors(net, images, labels, eps):
    return (images + eps * gradient(net, images, labels).sum(1, keepdim=True).sign()).clamp(0, 1)


def climb(net, image, target, lr, steps, *, rule=None, of="score", sign=1, cut=True, stop="before", once=False):
    rule = rule or (lambda g: g / g.norm())
    first = None
    for _ in range(steps):
        says = net(image).argmax(1).item() == target
        if stop == "before" and says:
            break
        if not once or first is None:
            first = gradient(net, image, [target], of)
        image = image + sign * lr * rule(first)
        if cut:
            image = image.clamp(0, 1)
        if stop == "late" and says:
            break
    return image


@mutant("10.2", "not normalized")
def step_not_normalized(net, image, target, lr, steps):
    return climb(net, image, target, lr, steps, rule=lambda g: g)


@mutant("10.2", "walk down the score")
def walks_down(net, image, target, lr, steps):
    return climb(net, image, target, lr, steps, sign=-1)


@mutant("10.2", "sign of the gradient")
def sign_instead_of_length(net, image, target, lr, steps):
    return climb(net, image, target, lr, steps, rule=torch.sign)


@mutant("10.2", "down the loss")
def loss_of_the_target(net, image, target, lr, steps):
    return climb(net, image, target, lr, steps, of="loss", sign=-1)


@mutant("10.2", "leaves the range")
def never_cut_off(net, image, target, lr, steps):
    return climb(net, image, target, lr, steps, cut=False)


@mutant("10.2", "computed once")
def one_gradient_for_all_steps(net, image, target, lr, steps):
    return climb(net, image, target, lr, steps, once=True)


@mutant("10.2", "goes on after")
def never_stops(net, image, target, lr, steps):
    return climb(net, image, target, lr, steps, stop="never")


@mutant("10.2", "one step too many: look at the scores")
def stops_one_step_late(net, image, target, lr, steps):
    return climb(net, image, target, lr, steps, stop="late")


@mutant("10.2", "caller's image")
def changes_the_callers_image(net, image, target, lr, steps):
    image.copy_(climb(net, image, target, lr, steps))
    return image.clone()


@mutant("10.2", "one step too few")
def starts_to_count_at_one(net, image, target, lr, steps):
    return climb(net, image, target, lr, steps - 1)


@mutant("10.3", "not brought back")
def no_projection(images, clean, gradient, alpha, eps):
    return (images + alpha * gradient.sign()).clamp(0, 1)


@mutant("10.3", "not brought back")
def ball_around_the_present_images(images, clean, gradient, alpha, eps):
    return (images + (alpha * gradient.sign()).clamp(-eps, eps)).clamp(0, 1)


@mutant("10.3", "leave the range")
def out_of_range(images, clean, gradient, alpha, eps):
    return clean + (images + alpha * gradient.sign() - clean).clamp(-eps, eps)


@mutant("10.3", "cut the image itself")
def cuts_the_image(images, clean, gradient, alpha, eps):
    return (images + alpha * gradient.sign()).clamp(-eps, eps)


@mutant("10.3", "only its sign")
def adds_the_gradient(images, clean, gradient, alpha, eps):
    return (clean + (images + alpha * gradient - clean).clamp(-eps, eps)).clamp(0, 1)


@mutant("10.3", "starts from the clean photos")
def starts_anew(images, clean, gradient, alpha, eps):
    return (clean + alpha * gradient.sign()).clamp(0, 1)


@mutant("10.3", "length alpha")
def step_of_length_eps(images, clean, gradient, alpha, eps):
    return (clean + (images + eps * gradient.sign() - clean).clamp(-eps, eps)).clamp(0, 1)


@mutant("10.3", "L2 ball")
def shortens_the_whole_change(images, clean, gradient, alpha, eps):
    change = images + alpha * gradient.sign() - clean
    length = change.flatten(1).norm(dim=1)[:, None, None, None]
    return (clean + change * (eps / length).clamp_max(1)).clamp(0, 1)


@mutant("10.3", "against the gradient")
def goes_down(images, clean, gradient, alpha, eps):
    return (clean + (images - alpha * gradient.sign() - clean).clamp(-eps, eps)).clamp(0, 1)


@mutant("10.4", "mean color")
def adds_the_mean_color(before, after, factor):
    mean = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1)
    std = torch.tensor([0.229, 0.224, 0.225]).view(1, 3, 1, 1)
    return factor * ((after - before) * std + mean)


@mutant("10.4", "Negative changes are black")
def loses_negative_changes(before, after, factor):
    return (factor * (after - before)).clamp(0, 1)


@mutant("10.4", "absolute value")
def loses_the_direction(before, after, factor):
    return (factor * (after - before).abs()).clamp(0, 1)


@mutant("10.4", "after minus before")
def before_minus_after(before, after, factor):
    return (0.5 + factor * (before - after)).clamp(0, 1)


@mutant("10.4", "cut them off")
def leaves_the_range(before, after, factor):
    return 0.5 + factor * (after - before)


@mutant("10.4", "smallest to its largest")
def stretched(before, after, factor):
    change = after - before
    return (change - change.min()) / (change.max() - change.min())


@mutant("10.4", "together with the change")
def magnifies_the_gray(before, after, factor):
    return (factor * (0.5 + after - before)).clamp(0, 1)
