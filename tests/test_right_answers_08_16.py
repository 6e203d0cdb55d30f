"""Right answers that are not written like the solution, to the exercises of lessons 08 to 16: none may be rejected.

Each is written as a person might: in float32, with loops, in NumPy, with another function of a library, as a list.
"""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from course_utils.exercises import lesson_exercises, run_check
from course_utils.hooks import forward_to

SEEDS = [(14, seed) for seed in range(4)]
RIGHT = []


def right(exercise):
    def register(function):
        RIGHT.append((exercise, function))
        return function

    return register


@pytest.mark.parametrize(("exercise", "function"), RIGHT, ids=lambda one: getattr(one, "__name__", one))
def test_it_passes(exercise, function):
    outcome = run_check(exercise, function, seeds=SEEDS)
    assert outcome.passed, str(outcome)


def test_every_exercise_has_one():
    known = {one.id for lesson in range(8, 17) for one in lesson_exercises(f"{lesson:02}")}
    assert {exercise for exercise, _ in RIGHT} == known


def in_float32(net):
    """The scores of a float64 network, rounded as float32 would."""
    return lambda images: net(images.double()).float()


def gradient(net, image, target):
    pixels = image.detach().clone().requires_grad_()
    return torch.autograd.grad(net(pixels)[:, target].sum(), pixels)[0]


@right("08.1")
def with_where_in_numpy(x, R, rule):
    x, R = x.numpy(), R.numpy()
    return np.where({"gradient": x > 0, "deconvnet": R > 0, "guided": (x > 0) & (R > 0)}[rule], R, 0)


@right("08.2")
def rows_in_float32(weights, image, target, rule):
    first, second, third = (one.float() for one in weights)
    x1 = first @ image.float()
    x2 = second @ x1.relu()
    R = third[target]
    for x, weight in ((x2, second), (x1, first)):
        R = R * ((x > 0) if rule != "deconvnet" else 1) * ((R > 0) if rule != "gradient" else 1) @ weight
    return R


@right("08.3")
def list_of_pairs(maps, channel):
    return [divmod(int(one[channel].argmax()), one.shape[2]) for one in maps]


@right("08.3")
def list_of_tuples_of_numpy(maps, channel):
    return [np.unravel_index(int(one[channel].argmax()), one[channel].shape) for one in maps]


@right("08.3")
def with_nonzero(maps, channel):
    return [(one[channel] == one[channel].max()).nonzero()[0] for one in maps]


@right("08.4")
def clamps_the_signal(x, R, w):
    return R.clamp(min=0) * (x > 0) + w * R


@right("08.5")
def list_of_pictures(gradients):
    return [0.5 + one.float() / one.float().abs().max() / 2 for one in gradients]


@right("09.1")
def guarded_against_0(net, image, target, steps, lr):
    for _ in range(steps):
        g = gradient(net, image, target)
        image = (image + lr * g / (g.abs().mean() + 1e-8)).clamp(0, 1)
    return image


@right("09.2")
def percentiles_of_numpy(z, gradient, decay, norm_percent, contribution_percent):
    z, gradient = z.numpy(), gradient.numpy()
    norm = np.sqrt((z**2).sum(0))
    z = np.where(norm < np.percentile(norm, norm_percent), 0, z)
    part = np.abs((gradient * z).sum(0))
    return np.where(part < np.percentile(part, contribution_percent), 0, z) * (1 - decay)  # the decay last


@right("09.2")
def clipped_in_float32(z, gradient, decay, norm_percent, contribution_percent):
    z, gradient = z.float() * (1 - decay), gradient.float()
    norm = z.square().sum(0).sqrt()
    z[:, norm < torch.quantile(norm, norm_percent / 100)] = 0
    part = (gradient * z).sum(0).abs()
    z[:, part < torch.quantile(part, contribution_percent / 100)] = 0
    return z


@right("09.3")
def through_the_roll(net, image, target, dy, dx):
    pixels = image.clone().requires_grad_()
    return torch.autograd.grad(net(pixels.roll((dy, dx), (2, 3)))[0, target], pixels)[0]


@right("09.4")
def frequencies_in_float32(real, imaginary, decay, height, width):
    f = torch.hypot(torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width)[None])
    f[0, 0] = 1 / max(height, width)
    return torch.fft.irfft2(torch.complex(real.float(), imaginary.float()) / f**decay, s=(height, width), norm="ortho")


@right("09.5")
def times_a_number_of_size_1(one, other):
    there = torch.fft.fft2(other)
    return torch.fft.ifft2(torch.fft.fft2(one).abs() * there / there.abs()).real


@right("09.5")
def exchanged_by_numpy(one, other):
    waves = np.abs(np.fft.rfft2(one.numpy())) * np.exp(1j * np.angle(np.fft.rfft2(other.numpy())))
    return np.fft.irfft2(waves, s=one.shape[-2:])


@right("09.5")
def exchanged_in_float32(one, other):
    a, b = (torch.fft.rfft2(x.float(), norm="ortho") for x in (one, other))
    return torch.fft.irfft2(torch.polar(a.abs(), b.angle()), s=one.shape[1:], norm="ortho")


@right("09.5")
def color_by_color(one, other):
    colors = []
    for a, b in zip(torch.fft.rfft2(one), torch.fft.rfft2(other), strict=True):
        waves = a.abs() * torch.exp(1j * torch.atan2(b.imag, b.real))
        colors.append(torch.fft.irfft2(waves, s=tuple(one.shape[-2:])))
    return colors


@right("09.6")
def one_long_step(image, w, steps, lr):
    return (image.float() + steps * lr * w.float()).clamp(0, 1)


@right("10.1")
def zeros_move_down(net, images, labels, eps):
    pixels = images.clone().requires_grad_()
    F.cross_entropy(net(pixels), torch.tensor(labels)).backward()
    return (images + torch.where(pixels.grad > 0, eps, -eps)).clamp(0, 1)


@right("10.1")
def zeros_move_up_one_by_one(net, images, labels, eps):
    steps = [
        -gradient(lambda x: net(x).log_softmax(1), image[None], y) for image, y in zip(images, labels, strict=True)
    ]
    return (images + torch.where(torch.cat(steps) >= 0, eps, -eps)).clamp(0, 1)


@right("10.2")
def asks_for_the_name(net, image, target, lr, steps):
    for _ in range(steps):
        if net.predict(image, k=1)[0][0][0] == f"class {target}":
            break
        image = (image + lr * F.normalize(gradient(net, image, target).flatten(1)).view_as(image)).clamp(0, 1)
    return image


@right("10.3")
def first_the_range_then_the_ball(images, clean, gradient, alpha, eps):
    moved = (images + alpha * gradient.sign()).clamp(0, 1)
    return torch.maximum(torch.minimum(moved, clean + eps), clean - eps)


@right("10.4")
def clamps_the_change(before, after, factor):
    return (factor * (after - before).float()).clamp(-0.5, 0.5) + 0.5


@right("10.5")
def cuts_the_gradients_of_the_photos(net, photos, patch, corners, target):
    height, width = patch.shape[1:]
    total = torch.zeros_like(patch)
    for photo, (top, left) in zip(photos, corners, strict=True):
        window = (slice(None), slice(top, top + height), slice(left, left + width))
        pasted = photo.clone()
        pasted[window] = patch
        whole = gradient(lambda x: net(x).log_softmax(1), pasted[None], target)[0]
        total += whole[window].float()
    return total / len(photos)


@right("10.5")
def pads_the_patch_and_a_mask(net, photos, patch, corners, target):
    patch = patch.clone().requires_grad_()
    rows, columns = photos.shape[2:]
    stuck = []
    for photo, (top, left) in zip(photos, corners, strict=True):
        around = (left, columns - left - patch.shape[2], top, rows - top - patch.shape[1])
        stuck.append(photo * F.pad(torch.zeros_like(patch), around, value=1) + F.pad(patch, around))
    F.cross_entropy(net(torch.stack(stuck)), torch.full((len(photos),), target)).backward()
    return -patch.grad


@right("11.1")
def pixel_by_pixel(image, beta):
    total, picture = 0.0, np.pad(image.numpy(), ((0, 0), (0, 1), (0, 1)), mode="edge")
    for c, y, x in np.ndindex(*image.shape):
        down = picture[c, y + 1, x] - picture[c, y, x]
        total += (down**2 + (picture[c, y, x + 1] - picture[c, y, x]) ** 2) ** (beta / 2)
    return np.array([total])


@right("11.2")
def ratio_of_means(net, layer, image, wanted):
    pixels = image.clone().requires_grad_()
    features = forward_to(net, pixels, [layer])[layer]
    (F.mse_loss(features, wanted) / wanted.square().mean()).backward()
    return pixels.grad.float()


@right("11.3")
def with_an_optimizer(net, layer, start, wanted, lr, steps):
    x = start.clone().requires_grad_()
    optimizer = torch.optim.SGD([x], lr=lr)
    for _ in range(steps):
        optimizer.zero_grad()
        ((forward_to(net, x, [layer])[layer] - wanted).norm() / wanted.norm()).square().backward()
        optimizer.step()
    return x.detach().clamp(0, 1)


@right("11.4")
def tuple_of_powers(lr, steps, every):
    return tuple(lr * 10.0 ** -(i // every) for i in range(steps))


@right("11.5")
def masks_and_rounds(net, layer, images, labels):
    def loss(mask):
        handle = net.layer(layer).register_forward_hook(lambda module, inputs, output: output * mask)
        try:
            return -net(images).float().log_softmax(1)[range(len(labels)), labels]
        finally:
            handle.remove()

    with torch.no_grad():
        masks = torch.ones(forward_to(net, images, [layer])[layer].shape[1]).diag().logical_not()[:, :, None, None]
        return [float((loss(mask[None].double()) - loss(1)).abs().mean()) for mask in masks]


@right("12.1")
def half_of_the_squares(net, images):
    pixels = images.clone().requires_grad_()
    (net(pixels).square().sum() / 2).backward()
    return pixels.grad


@right("12.2")
def returns_early(image, gradient, size):
    return image if not gradient.any() else (image + size * gradient / (gradient.abs().mean() + 1e-10)).clamp(0, 1)


@right("12.3")
def rolls_inside(net, images, dy, dx):
    pixels = images.clone().requires_grad_()
    (net(pixels.roll((dy, dx), (-2, -1))).square().sum() / 2).backward()
    return pixels.grad


@right("12.4")
def enlarges_both(small, dream, large):
    size = tuple(large.shape[2:])
    return large + F.interpolate(dream, size, mode="bilinear") - F.interpolate(small, size, mode="bilinear")


@right("12.5")
def keeps_the_detail(net, photo, sizes, shifts, step_size):
    detail = torch.zeros_like(photo)
    for height, width in sizes:
        base = F.interpolate(photo, (height, width), mode="bilinear", antialias=True)
        picture = base + F.interpolate(detail, (height, width), mode="bilinear")
        for shift in shifts:
            pixels = picture.roll(tuple(shift), (2, 3)).requires_grad_()
            (net(pixels).square().sum() / 2).backward()
            g = pixels.grad.roll([-by for by in shift], (2, 3))
            picture = (picture + step_size * g / g.abs().mean()).clamp(0, 1)
        detail = picture - base
    return picture


@right("12.6")
def products_in_float32(activation, guide):
    found = torch.einsum("chw,cn->hwn", activation.float(), guide.flatten(1).float()).argmax(2)
    return guide.flatten(1)[:, found]


@right("13.1")
def patch_by_patch(window, known, weights, patches):
    counts = known * weights
    return [((patch - window) ** 2 * counts).sum() / counts.sum() for patch in patches]


@right("13.2")
def middles_of_numpy(distances, patches, tolerance, u):
    good = np.flatnonzero(distances.numpy().astype(np.float32) <= distances.min().item() * (1 + tolerance))
    side = patches.shape[-1]
    return patches.numpy().astype(np.float32)[good][math.floor(u * len(good)), :, side // 2, side // 2].tolist()


@right("13.3")
def cut_out_of_a_padded_picture(image, y, x, half):
    padded = F.pad(image[None], (half, half, half, 0), mode="circular")[0]
    window = padded[:, y : y + half + 1, x : x + 2 * half + 1].flatten(1)
    return list(window[:, : half * (2 * half + 1) + half].T)


@right("13.4")
def mean_of_products(features):
    return (features[:, :, None] * features[:, None]).float().mean((3, 4))


@right("13.5")
def with_the_courses_own_loss(net, wanted, start, lr, steps):
    x = torch.nn.Parameter(start.detach().float().clone())
    adam = torch.optim.Adam([x], lr)
    for _ in range(steps):
        seen, loss = forward_to(net, x, [*wanted]), []
        for layer in wanted:
            gram = torch.einsum("nchw,ndhw->ncd", seen[layer], seen[layer]) / seen[layer][0, 0].numel()
            loss.append((gram - wanted[layer]).pow(2).sum() / wanted[layer].pow(2).sum())
        adam.zero_grad()
        torch.stack(loss).sum().backward()
        adam.step()
        with torch.no_grad():
            x.clamp_(0, 1)
    return x


@right("13.6")
def mean_square_over_4(features, wanted):
    one, other = (x.float().flatten(1) for x in (features, wanted))
    return F.mse_loss(one @ one.T / one.shape[1], other @ other.T / other.shape[1])[None] / 4


@right("14.1")
def stacked_in_float32(features, targets, weights):
    flat = [one.float().flatten(1) for one in features]
    layers = [w * F.mse_loss(f @ f.T / f.shape[1], t.float()) for f, t, w in zip(flat, targets, weights, strict=True)]
    return torch.stack(layers).sum()


@right("14.2")
def array_with_one_number(image):
    return np.array([[(np.diff(image.numpy(), axis=axis) ** 2).sum() for axis in (2, 3)]]).sum(1)


@right("14.3")
def mean_of_grams_in_float32(pictures):
    return torch.einsum("nchw,ndhw->cd", pictures.float(), pictures.float()) / pictures[:, 0].numel()


@right("14.4")
def average_of_numpy(styles, weights):
    grams = [np.einsum("chw,dhw->cd", style.numpy(), style.numpy()) / style[0].numel() for style in styles]
    return np.average(grams, axis=0, weights=weights).tolist()


@right("14.5")
def through_yuv(painted, photo):
    to_yuv = torch.tensor([[0.299, 0.587, 0.114], [-0.14713, -0.28886, 0.436], [0.615, -0.51499, -0.10001]])
    one, other = (torch.einsum("ij,njhw->nihw", to_yuv, image.float()) for image in (painted, photo))
    other[:, 0] = one[:, 0]
    return torch.einsum("ij,njhw->nihw", to_yuv.inverse(), other).clamp(0, 1)


@right("15.1")
def function_of_torch(features, gamma, beta, eps):
    return F.instance_norm(features.float(), weight=gamma.float(), bias=beta.float(), eps=eps)


@right("15.2")
def adam_by_hand(net, judge, batches, lr):
    losses, weights = [], list(net.parameters())
    means, squares = ([torch.zeros_like(w) for w in weights] for _ in range(2))
    for t, photos in enumerate(batches, 1):
        loss = sum(judge(net(photos), photos)) / len(photos)
        for w, g, m, v in zip(weights, torch.autograd.grad(loss, weights), means, squares, strict=True):
            m.mul_(0.9).add_(0.1 * g)
            v.mul_(0.999).add_(0.001 * g**2)
            w.data -= lr * (m / (1 - 0.9**t)) / ((v / (1 - 0.999**t)).sqrt() + 1e-8)
        losses.append(loss)
    return losses


@right("15.3")
def repeats_the_border(features, weight):
    large = features.repeat_interleave(2, 2).repeat_interleave(2, 3)
    return F.conv2d(F.pad(large, (1, 1, 1, 1), mode="replicate"), weight)


@right("15.4")
def list_of_losses(features, targets):
    flat = features.float().flatten(2)
    return [F.mse_loss(f @ f.T / f.shape[1], t.float()) for f, t in zip(flat, targets, strict=True)]


@right("15.5")
def mixes_the_outputs(features, gammas, betas, mix):
    normal = F.instance_norm(features)[:, None]
    styled = normal * gammas[None, :, :, None, None] + betas[None, :, :, None, None]
    return (mix[:, :, None, None, None] * styled).sum(1)


@right("16.1")
def subtracts_two_maps(maps, weight, bias, one, two):
    first, second = (torch.einsum("k,khw->hw", weight[c].float(), maps.float()) / maps[0].numel() for c in (one, two))
    return [first - second, (bias[one] - bias[two])[None]]


@right("16.2")
def one_batch(net, image, cover, box, target):
    top, left, bottom, right = box
    inside = torch.zeros_like(image)
    inside[:, :, top:bottom, left:right] = 1
    pair = torch.cat([image * (1 - inside) + cover * inside, cover * (1 - inside) + image * inside])
    return in_float32(net)(pair)[:, target]


@right("16.3")
def covers_one_after_the_other(net, image, heat, cover, counts, target):
    order, covered, curve = (-heat.float()).flatten().argsort().tolist(), image.clone(), []
    for count in counts:
        for place in order[:count]:
            y, x = divmod(place, heat.shape[1])
            covered[:, :, y, x] = cover[:, :, y, x]
        curve.append(net(covered).softmax(1)[0, target].item())
    return curve
