"""Wrong answers to the exercises of lesson 12 that have no sentence of their own."""

from torch.nn.functional import interpolate

from tests.mutants import mutant


@mutant("12.1", "wrong shape")
def returns_the_activation(net, images):
    return net(images)


def enlarge(image, like):
    return interpolate(image, size=like.shape[2:], mode="bilinear", align_corners=False)


@mutant("12.4", "wrong shape")
def shrinks_the_photo(small, dream, large):
    return enlarge(large, small) + dream - small


def vectors(maps):
    return maps.flatten(1).T


@mutant("12.5", "wrong shape")
def matches_the_wrong_way_round(activation, guide):
    a, g = vectors(activation), vectors(guide)
    return a[(g @ a.T).argmax(1)].T.reshape(guide.shape)
