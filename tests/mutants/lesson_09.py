"""Wrong answers to the exercises of lesson 09."""

import torch

from tests.mutants import mutant


def gradient(net, image, target, of=lambda scores: scores):
    pixels = image.detach().clone().requires_grad_()
    return torch.autograd.grad(of(net(pixels))[:, target].sum(), pixels)[0]


def walk(net, image, target, steps, move):
    x = image.clone()
    for _ in range(steps):
        x = move(x, gradient(net, x, target))
    return x


@mutant("09.1", "downhill")
def descent(net, image, target, steps, lr):
    return walk(net, image, target, steps, lambda x, g: (x - lr * g / g.abs().mean()).clamp(0, 1))


@mutant("09.1", "You maximized the probability")
def probability(net, image, target, steps, lr):
    x = image.clone()
    for _ in range(steps):
        g = gradient(net, x, target, lambda s: s.softmax(1))
        x = (x + lr * g / g.abs().mean()).clamp(0, 1)
    return x


@mutant("09.1", "minus its logarithm")
def cross_entropy(net, image, target, steps, lr):
    x = image.clone()
    for _ in range(steps):
        g = gradient(net, x, target, lambda s: s.log_softmax(1))
        x = (x + lr * g / g.abs().mean()).clamp(0, 1)
    return x


@mutant("09.1", "not divided by its mean size")
def raw_gradient(net, image, target, steps, lr):
    return walk(net, image, target, steps, lambda x, g: (x + lr * g).clamp(0, 1))


@mutant("09.1", "length of the gradient")
def divided_by_the_norm(net, image, target, steps, lr):
    return walk(net, image, target, steps, lambda x, g: (x + lr * g / g.norm()).clamp(0, 1))


@mutant("09.1", "mean of g")
def divided_by_the_signed_mean(net, image, target, steps, lr):
    return walk(net, image, target, steps, lambda x, g: (x + lr * g / g.mean()).clamp(0, 1))


@mutant("09.1", "only at the end")
def clipped_at_the_end(net, image, target, steps, lr):
    return walk(net, image, target, steps, lambda x, g: x + lr * g / g.abs().mean()).clamp(0, 1)


@mutant("09.1", "leaves [0, 1]")
def never_clipped(net, image, target, steps, lr):
    return walk(net, image, target, steps, lambda x, g: x + lr * g / g.abs().mean())


@mutant("09.1", "first image in every step")
def gradient_of_the_start(net, image, target, steps, lr):
    g = gradient(net, image, target)
    return walk(net, image, target, steps, lambda x, _: (x + lr * g / g.abs().mean()).clamp(0, 1))


@mutant("09.1", "added up")
def gradient_not_cleared(net, image, target, steps, lr):
    x = image.clone().requires_grad_()
    for _ in range(steps):
        net(x)[:, target].sum().backward()
        with torch.no_grad():
            x += lr * x.grad / x.grad.abs().mean()
            x.clamp_(0, 1)
    return x.detach()


@mutant("09.1", "one step too few")
def one_step_too_few(net, image, target, steps, lr):
    return walk(net, image, target, steps - 1, lambda x, g: (x + lr * g / g.abs().mean()).clamp(0, 1))


@mutant("09.1", "inside of the loop")
def return_in_the_loop(net, image, target, steps, lr):
    return walk(net, image, target, 1, lambda x, g: (x + lr * g / g.abs().mean()).clamp(0, 1))


@mutant("09.1", "changed the image")
def changes_the_callers_image(net, image, target, steps, lr):
    for _ in range(steps):
        g = gradient(net, image, target)
        image += lr * g / g.abs().mean()
        image.clamp_(0, 1)
    return image.clone()


def clip(z, sizes, percent):
    return torch.where(sizes < torch.quantile(sizes, percent / 100), torch.zeros_like(z), z)


def contribution(z, g):
    return (g * z).sum(0).abs()


@mutant("09.2", "decay is missing")
def without_decay(z, g, decay, norm, part):
    z = clip(z, z.norm(dim=0), norm)
    return clip(z, contribution(z, g), part)


@mutant("09.2", "multiply with 1 - decay")
def times_the_decay(z, g, decay, norm, part):
    z = decay * z
    z = clip(z, z.norm(dim=0), norm)
    return clip(z, contribution(z, g), part)


@mutant("09.2", "contribution first")
def other_order(z, g, decay, norm, part):
    z = (1 - decay) * z
    z = clip(z, contribution(z, g), part)
    return clip(z, z.norm(dim=0), norm)


@mutant("09.2", "each color alone")
def each_color_alone(z, g, decay, norm, part):
    z = (1 - decay) * z
    z = clip(z, z.abs(), norm)
    return clip(z, contribution(z, g), part)


@mutant("09.2", "before the sum over the colors")
def sizes_before_the_sum(z, g, decay, norm, part):
    z = (1 - decay) * z
    z = clip(z, z.norm(dim=0), norm)
    return clip(z, (g * z).abs().sum(0), part)


@mutant("09.2", "keeps its sign")
def signed_contribution(z, g, decay, norm, part):
    z = (1 - decay) * z
    z = clip(z, z.norm(dim=0), norm)
    return clip(z, (g * z).sum(0), part)


@mutant("09.2", "size of the gradient")
def gradient_as_contribution(z, g, decay, norm, part):
    z = (1 - decay) * z
    z = clip(z, z.norm(dim=0), norm)
    return clip(z, g.norm(dim=0), part)


@mutant("09.2", "deleted the large pixels")
def keeps_the_small(z, g, decay, norm, part):
    z = (1 - decay) * z
    for sizes, percent in ((lambda z: z.norm(dim=0), norm), (lambda z: contribution(z, g), part)):
        s = sizes(z)
        z = torch.where(s >= torch.quantile(s, percent / 100), torch.zeros_like(z), z)
    return z


@mutant("09.2", "share of the largest")
def share_of_the_largest(z, g, decay, norm, part):
    z = (1 - decay) * z
    for sizes, percent in ((lambda z: z.norm(dim=0), norm), (lambda z: contribution(z, g), part)):
        s = sizes(z)
        z = torch.where(s < percent / 100 * s.max(), torch.zeros_like(z), z)
    return z


@mutant("09.3", "not shifted back")
def not_shifted_back(net, image, target, dy, dx):
    return gradient(net, image.roll((dy, dx), (2, 3)), target)


@mutant("09.3", "further in the same direction")
def shifted_twice(net, image, target, dy, dx):
    return gradient(net, image.roll((dy, dx), (2, 3)), target).roll((dy, dx), (2, 3))


@mutant("09.3", "not shifted at all")
def no_shift(net, image, target, dy, dx):
    return gradient(net, image, target)


@mutant("09.3", "exchanged dy and dx")
def axes_exchanged(net, image, target, dy, dx):
    return gradient(net, image.roll((dy, dx), (3, 2)), target).roll((-dy, -dx), (3, 2))


@mutant("09.3", "without dimensions")
def flattened_roll(net, image, target, dy, dx):
    return gradient(net, image.roll(dy).roll(dx), target).roll(-dy).roll(-dx)


@mutant("09.3", "by -dy, -dx, and the gradient by dy, dx")
def other_direction(net, image, target, dy, dx):
    return gradient(net, image.roll((-dy, -dx), (2, 3)), target).roll((dy, dx), (2, 3))


def lengths(height, width):
    rows = torch.fft.fftfreq(height, dtype=torch.float64)[:, None]
    return (rows**2 + torch.fft.rfftfreq(width, dtype=torch.float64)[None] ** 2).sqrt()


def back(z, height, width, **options):
    return torch.fft.irfft2(z, **{"s": (height, width), "norm": "ortho", **options})


@mutant("09.4", "not divided by frequency")
def no_scale(real, imaginary, decay, height, width):
    return back(torch.complex(real, imaginary), height, width)


@mutant("09.4", "strengthens the fine structure")
def multiplied(real, imaginary, decay, height, width):
    f = lengths(height, width).clamp(min=1 / max(height, width))
    return back(torch.complex(real, imaginary) * f**decay, height, width)


@mutant("09.4", "exponent")
def decay_ignored(real, imaginary, decay, height, width):
    f = lengths(height, width).clamp(min=1 / max(height, width))
    return back(torch.complex(real, imaginary) / f, height, width)


@mutant("09.4", "division by 0")
def division_by_zero(real, imaginary, decay, height, width):
    return back(torch.complex(real, imaginary) / lengths(height, width) ** decay, height, width)


@mutant("09.4", "shorter side")
def shorter_side(real, imaginary, decay, height, width):
    f = lengths(height, width).clamp(min=1 / min(height, width))
    return back(torch.complex(real, imaginary) / f**decay, height, width)


@mutant("09.4", 'norm="ortho"')
def other_norm(real, imaginary, decay, height, width):
    f = lengths(height, width).clamp(min=1 / max(height, width))
    return back(torch.complex(real, imaginary) / f**decay, height, width, norm=None)


@mutant("09.4", "too narrow")
def width_forgotten(real, imaginary, decay, height, width):
    f = lengths(height, width).clamp(min=1 / max(height, width))
    return back(torch.complex(real, imaginary) / f**decay, height, width, s=None)


@mutant("09.4", "imaginary part is not used")
def real_part_only(real, imaginary, decay, height, width):
    f = lengths(height, width).clamp(min=1 / max(height, width))
    return back(torch.complex(real, 0 * imaginary) / f**decay, height, width)


@mutant("09.5", "small steps are lost")
def rounds_in_every_step(image, w, steps, lr):
    for _ in range(steps):
        image = ((image + lr * w).clamp(0, 1) * 255).round() / 255
    return image


@mutant("09.5", "cut down to 256 levels after every step")
def truncates_in_every_step(image, w, steps, lr):
    for _ in range(steps):
        image = ((image + lr * w).clamp(0, 1) * 255).to(torch.uint8).double() / 255
    return image


@mutant("09.5", "result is rounded")
def rounds_at_the_end(image, w, steps, lr):
    return ((image + steps * lr * w).clamp(0, 1) * 255).round() / 255


@mutant("09.5", "downhill")
def goes_downhill(image, w, steps, lr):
    return (image - steps * lr * w).clamp(0, 1)


@mutant("09.5", "Only one step")
def one_step(image, w, steps, lr):
    return (image + lr * w).clamp(0, 1)


@mutant("09.5", "leaves [0, 1]")
def not_clipped(image, w, steps, lr):
    return image + steps * lr * w


@mutant("09.5", "sign of the gradient")
def sign_steps(image, w, steps, lr):
    return (image + steps * lr * w.sign()).clamp(0, 1)
