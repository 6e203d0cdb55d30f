"""Every method that works for long can be watched and ended: `callback(step, images, values)`, True to end.

A method joins by a line in CASES: its name, and a function of a network, an image and a callback.
"""

import inspect

import pytest
import torch

from course_utils import fun, gradients, tiny_net
from tests.test_leaves_nothing_behind import function_of, public_functions

STYLE = {"content_layers": ["4"], "style_layers": ["1"], "steps": 3}
CASES = {
    "visualize": lambda net, x, **o: gradients.visualize(net, 1, steps=6, size=12, **o),
    "pgd": lambda net, x, **o: gradients.pgd(net, x, 2, targeted=True, steps=6, **o),
    "adversarial_patch": lambda net, x, **o: gradients.adversarial_patch(net, x, 2, size=9, steps=6, **o),
    "invert": lambda net, x, **o: gradients.invert(net, x, "1", steps=6, **o),
    "invert, pixels with Adam": lambda net, x, **o: gradients.invert(
        net, x, "1", steps=6, parameterization="pixels", optimizer="adam", **o
    ),
    "deepdream": lambda net, x, **o: fun.deepdream(net, x, layer="3", steps=3, octaves=2, **o),
    "deepdream, one channel": lambda net, x, **o: fun.deepdream(net, x, layer="3:2", steps=6, octaves=1, **o),
    "deepdream, guided": lambda net, x, **o: fun.deepdream(net, x, layer="3", steps=3, octaves=2, guide=x.flip(3), **o),
    "synthesize_texture": lambda net, x, **o: fun.synthesize_texture(net, x, layers=["1", "4"], steps=6, **o),
    "efros_leung": lambda net, x, **o: fun.efros_leung(x, (15, 17), window=3, **o),
    "style_transfer": lambda net, x, **o: fun.style_transfer(net, x, x.flip(3), scales=2, **STYLE, **o),
    "style_transfer, Adam": lambda net, x, **o: fun.style_transfer(
        net, x, x.flip(3), scales=2, optimizer="adam", **STYLE, **o
    ),
}


# These tell something else than pictures on their way, and are tested with their methods.
OTHERS = {"occlusion_scores", "efros_leung_sources"}


def test_every_method_that_can_be_watched_has_a_case():
    watched = {name for name in public_functions() if "callback" in inspect.signature(function_of(name)).parameters}
    assert {case.partition(",")[0] for case in CASES} | OTHERS == watched, "add a line to CASES"


@pytest.fixture
def net():
    return tiny_net("conv", seed=3)


@pytest.fixture
def image():
    return torch.rand(1, 3, 20, 24, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.fixture(params=CASES, ids=str)
def method(request):
    return lambda *args, **options: CASES[request.param](*args, progress=False, **options)


class Watch:
    """A callback that keeps what it is told, and ends the work at a step."""

    def __init__(self, end: int = 10**9):
        self.end, self.steps, self.images, self.values = end, [], [], []

    def __call__(self, step, images, values):
        self.steps.append(step)
        self.images.append(images.clone())
        self.values.append(values.clone())
        images.fill_(0.25)  # a careless callback may write into what it is shown
        return step >= self.end


def test_watching_changes_nothing(method, net, image):
    watch = Watch()
    assert torch.equal(method(net, image, callback=watch), method(net, image))
    assert len(watch.steps) >= 6 and watch.steps == list(range(len(watch.steps)))


def test_it_is_shown_pictures_and_numbers(method, net, image):
    watch = Watch()
    method(net, image, callback=watch)
    for picture, value in zip(watch.images, watch.values, strict=True):
        assert picture.ndim == 4 and picture.shape[:2] == (1, 3) and value.shape == (1,)
        assert not picture.requires_grad and not value.requires_grad and value.isfinite().all()
        assert picture.min() >= 0 and picture.max() <= 1
    assert not torch.equal(watch.images[0], watch.images[-1]) and watch.values[0] != watch.values[-1]


def test_true_ends_it(method, net, image):
    watch = Watch(end=2)
    stopped = method(net, image, callback=watch)
    assert watch.steps == [0, 1, 2]
    assert stopped.shape == method(net, image).shape and stopped.isfinite().all()
    assert not torch.equal(stopped, method(net, image))


def test_an_error_in_the_callback_reaches_the_caller_and_leaves_nothing(method, net, image):
    def broken(step, images, values):
        raise RuntimeError("the callback is broken")

    before, net = image.clone(), net.train()
    with pytest.raises(RuntimeError, match="the callback is broken"):
        method(net, image, callback=broken)
    assert torch.equal(image, before) and net.training
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in net.modules())


@pytest.mark.parametrize("name", ["invert", "style_transfer"])
def test_one_picture_after_the_other(name, net, image):
    images, watch = torch.cat([image, image.flip(2)]), Watch()
    CASES[name](net, images, callback=watch, progress=False)
    assert watch.steps == list(range(len(watch.steps))) and len(watch.steps) >= 12
    watch = Watch(end=1)
    stopped = CASES[name](net, images, callback=watch, progress=False)
    assert watch.steps == [0, 1] and len(stopped) == 2  # it ends all of them
