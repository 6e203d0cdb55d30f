"""Several networks attacked at once: the sum of their losses, and each at its own size."""

import pytest
import torch

from course_utils import tiny_net
from course_utils.gradients import Ensemble, fgsm, fool, fooled, pgd
from course_utils.images import resize
from tests.nets import without_normalization


def images(count=3, height=8, width=8):
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def two():
    return [tiny_net("conv", seed=1), tiny_net("conv", seed=2)]


def test_one_network_is_attacked_as_by_itself():
    net, x = tiny_net("conv", seed=3), images()
    for targeted in (False, True):
        options = {"eps": 0.1, "steps": 4, "targeted": targeted, "progress": False}
        alone = pgd(net, x, [1, 2, 3], **options)
        torch.testing.assert_close(pgd(Ensemble([net]), x, [1, 2, 3], of="score", **options), alone)


def test_the_step_follows_the_sum_of_the_losses():
    nets, x, target = two(), images(), torch.tensor([0, 1, 2])
    pixels = x.clone().requires_grad_()
    loss = sum(torch.nn.functional.cross_entropy(net(pixels), target, reduction="sum") for net in nets)
    (gradient,) = torch.autograd.grad(loss, pixels)
    right = (x - 0.1 * gradient.sign()).clamp(0, 1)
    torch.testing.assert_close(fgsm(Ensemble(nets), x, target, eps=0.1, targeted=True, of="score"), right)
    alone = fgsm(nets[0], x, target, eps=0.1, targeted=True)
    assert not torch.allclose(alone, right)


def test_each_network_sees_its_own_size():
    small, large = (without_normalization(tiny_net("linear", seed=i, height=n, width=n)) for i, n in ((1, 6), (2, 8)))
    small.input_size, large.input_size = 6, 8
    x = images(2)
    found = Ensemble([small, large])(x)
    right = (small(resize(x, 6)).log_softmax(1) + large(x).log_softmax(1)) / 2
    torch.testing.assert_close(found, right)


def test_both_networks_are_fooled():
    nets, x = two(), images()
    target = Ensemble(nets)(x).argmin(1)
    attacked = pgd(Ensemble(nets), x, target, eps=1.0, alpha=0.05, steps=200, targeted=True, of="score", progress=False)
    rise = [(net(attacked).log_softmax(1) - net(x).log_softmax(1)).gather(1, target[:, None]) for net in nets]
    assert all((r > 0).all() for r in rise)


def test_it_takes_names_and_is_left_as_it_was():
    nets = two()
    several = Ensemble(nets)
    assert several.class_index("class 2") == 2 and several.name == "tiny conv + tiny conv"
    result = fool(several, images(), "class 1", steps=2, progress=False)
    assert torch.equal(fooled(several, result.images, 1), result.success)
    assert not any(p.requires_grad for net in nets for p in net.parameters())


@pytest.mark.parametrize("nets", [[], [tiny_net("conv"), tiny_net("conv", classes=4)], [tiny_net("maps", classes=0)]])
def test_networks_that_have_no_classes_in_common(nets):
    with pytest.raises(ValueError, match="all classifiers with the same classes"):
        Ensemble(nets)
