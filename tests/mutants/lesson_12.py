"""Wrong answers to the exercises of lesson 12."""

import torch
from torch.nn.functional import interpolate

from tests.mutants import mutant


def ascend(net, images, objective):
    pixels = images.clone().requires_grad_()
    return torch.autograd.grad(objective(net(pixels)), pixels)[0]


@mutant("12.1", "set to 1 everywhere")
def sum_of_activations(net, images):
    return ascend(net, images, lambda a: a.sum())


@mutant("12.1", "mean of the activations")
def mean_of_activations(net, images):
    return ascend(net, images, lambda a: a.mean())


@mutant("12.1", "without the factor 1/2")
def no_half(net, images):
    return ascend(net, images, lambda a: (a**2).sum())


@mutant("12.1", "mean of squares")
def mean_square(net, images):
    return ascend(net, images, lambda a: (a**2).mean())


@mutant("12.1", "square of the activation")
def seed_squared(net, images):
    pixels = images.clone().requires_grad_()
    activation = net(pixels)
    return torch.autograd.grad(activation, pixels, activation.detach() ** 2)[0]


@mutant("12.1", "length of the activation")
def length(net, images):
    return ascend(net, images, lambda a: a.norm())


@mutant("12.1", "sign is wrong")
def descends(net, images):
    return ascend(net, images, lambda a: -(a**2).sum() / 2)


@mutant("12.1", "strongest activation")
def strongest_only(net, images):
    return ascend(net, images, lambda a: a.max() ** 2 / 2)


@mutant("12.1", "wrong shape")
def returns_the_activation(net, images):
    return net(images)


def stepped(image, gradient, size, divisor):
    return (image + size * gradient / (divisor + 1e-30)).clamp(0, 1)


@mutant("12.2", "not cut off")
def no_clamp(image, gradient, size):
    return image + size * gradient / (gradient.abs().mean() + 1e-30)


@mutant("12.2", "largest |g|")
def by_largest(image, gradient, size):
    return stepped(image, gradient, size, gradient.abs().max())


@mutant("12.2", "length of the gradient")
def by_norm(image, gradient, size):
    return stepped(image, gradient, size, gradient.norm())


@mutant("12.2", "plus and minus cancel")
def by_signed_mean(image, gradient, size):
    return stepped(image, gradient, size, gradient.mean())


@mutant("12.2", "standard deviation")
def by_std(image, gradient, size):
    return stepped(image, gradient, size, gradient.std())


@mutant("12.2", "not divided")
def plain_ascent(image, gradient, size):
    return (image + size * gradient).clamp(0, 1)


@mutant("12.2", "sign of the gradient")
def sign_step(image, gradient, size):
    return (image + size * gradient.sign()).clamp(0, 1)


@mutant("12.2", "downhill")
def downhill(image, gradient, size):
    return stepped(image, -gradient, size, gradient.abs().mean())


@mutant("12.2", "0 / 0")
def no_guard_against_zero(image, gradient, size):
    return (image + size * gradient / gradient.abs().mean()).clamp(0, 1)


@mutant("12.2", "own mean")
def per_channel(image, gradient, size):
    return stepped(image, gradient, size, gradient.abs().mean((2, 3), keepdim=True))


def jittered(net, images, there, back):
    rolled = ascend(net, images.roll(there, (2, 3)), lambda a: (a**2).sum() / 2)
    return rolled.roll(back, (2, 3))


@mutant("12.3", "same direction")
def rolled_on(net, images, dy, dx):
    return jittered(net, images, (dy, dx), (dy, dx))


@mutant("12.3", "not rolled back")
def not_rolled_back(net, images, dy, dx):
    return jittered(net, images, (dy, dx), (0, 0))


@mutant("12.3", "not rolled before")
def image_not_rolled(net, images, dy, dx):
    return jittered(net, images, (0, 0), (-dy, -dx))


@mutant("12.3", "Nothing was rolled")
def plain(net, images, dy, dx):
    return jittered(net, images, (0, 0), (0, 0))


@mutant("12.3", "Rows and columns are exchanged")
def rows_and_columns(net, images, dy, dx):
    return jittered(net, images, (dx, dy), (-dx, -dy))


@mutant("12.3", "rolled by (-dy, -dx)")
def other_direction(net, images, dy, dx):
    return jittered(net, images, (-dy, -dx), (dy, dx))


@mutant("12.3", "On the way back")
def exchanged_on_the_way_back(net, images, dy, dx):
    return jittered(net, images, (dy, dx), (-dx, -dy))


def enlarge(image, like):
    return interpolate(image, size=like.shape[2:], mode="bilinear", align_corners=False)


@mutant("12.4", "enlarged the whole dream")
def enlarges_the_dream(small, dream, large):
    return enlarge(dream, large)


@mutant("12.4", "counts twice")
def photo_twice(small, dream, large):
    return large + enlarge(dream, large)


@mutant("12.4", "wrong sign")
def detail_reversed(small, dream, large):
    return large + enlarge(small - dream, large)


@mutant("12.4", "enlarged detail alone")
def only_detail(small, dream, large):
    return enlarge(dream - small, large)


@mutant("12.4", "mean of photo and dream")
def half_and_half(small, dream, large):
    return (large + enlarge(dream, large)) / 2


@mutant("12.4", "dream is missing")
def forgets_the_dream(small, dream, large):
    return large


@mutant("12.4", "wrong shape")
def shrinks_the_photo(small, dream, large):
    return enlarge(large, small) + dream - small


def vectors(maps):
    return maps.flatten(1).T


@mutant("12.5", "cosine")
def cosine(activation, guide):
    a, g = vectors(activation), vectors(guide)
    match = torch.nn.functional.normalize(a, dim=1) @ torch.nn.functional.normalize(g, dim=1).T
    return g[match.argmax(1)].T.reshape(activation.shape)


@mutant("12.5", "smallest distance")
def nearest(activation, guide):
    a, g = vectors(activation), vectors(guide)
    return g[torch.cdist(a, g).argmin(1)].T.reshape(activation.shape)


@mutant("12.5", "smallest inner product")
def worst(activation, guide):
    a, g = vectors(activation), vectors(guide)
    return g[(a @ g.T).argmin(1)].T.reshape(activation.shape)


@mutant("12.5", "same one everywhere")
def one_for_all(activation, guide):
    a, g = vectors(activation), vectors(guide)
    return g[(a @ g.T).sum(0).argmax()][:, None, None].expand(activation.shape)


@mutant("12.5", "mean of the guide")
def mean_vector(activation, guide):
    return guide.mean((1, 2), keepdim=True).expand(activation.shape)


@mutant("12.5", "as without a guide")
def no_guide(activation, guide):
    return activation


@mutant("12.5", "multiplied the vector")
def times_activation(activation, guide):
    a, g = vectors(activation), vectors(guide)
    return g[(a @ g.T).argmax(1)].T.reshape(activation.shape) * activation


@mutant("12.5", "wrong shape")
def matches_the_wrong_way_round(activation, guide):
    a, g = vectors(activation), vectors(guide)
    return a[(g @ a.T).argmax(1)].T.reshape(guide.shape)
