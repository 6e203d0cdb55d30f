"""Occlusion against arithmetic, its plain version and Captum, and the incremental engine against the full pass."""

import math
import warnings

import pytest
import torch
import torch.nn.functional as F
import torchvision
from torch import nn

from course_utils.activations import baseline_images, occlusion, occlusion_scores, plain_occlusion, window_starts
from course_utils.figures import show_occlusion
from course_utils.networks.network import Network

QUIET = {"progress": False}


def wrap(model, name="net", **options):
    net = Network(model, name=name, mean=[0.4, 0.5, 0.6], std=[0.2, 0.3, 0.25], **options).double()
    norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    if norms:  # fresh statistics let the signal fade away; take those of some noise, as training would
        for norm in norms:
            norm.momentum = 1.0
        net.train()
        net(torch.rand(4, 3, 40, 40, dtype=torch.float64))
        net.eval()
    return net


class Odd(nn.Module):
    """What real networks have: asymmetric padding, a residual branch, dilation, strides, groups, concatenation, gates."""

    def __init__(self, gate=False):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, stride=2, bias=False)
        self.norm = nn.BatchNorm2d(8)
        self.deep = nn.Conv2d(8, 8, 5, padding=2, groups=8)
        self.wide = nn.Conv2d(8, 8, 3, padding=3, dilation=3)
        self.pool = nn.MaxPool2d(3, 2, 1, ceil_mode=True)
        self.before = nn.BatchNorm2d(16)
        self.squeeze = nn.Conv2d(16, 16, 1)
        self.average = nn.AvgPool2d(3, 2, padding=1)
        self.last = nn.Linear(16, 5)
        self.gate = gate
        for norm in (self.norm, self.before):
            nn.init.uniform_(norm.weight, 0.5, 1.5)
            nn.init.normal_(norm.bias)

    def forward(self, x):
        x = F.relu6(self.norm(self.stem(F.pad(x, (0, 1, 1, 2)))), inplace=True)
        x = x + self.deep(x)
        x = self.pool(x)
        x = torch.cat([x, F.relu(self.wide(x))], 1)
        x = F.silu(self.before(x))
        if self.gate:
            x = x * torch.sigmoid(self.squeeze(x.mean((2, 3), keepdim=True)))
        x = self.average(torch.relu_(self.squeeze(x)))
        return self.last(F.adaptive_avg_pool2d(x, 1).flatten(1))


def build(name):
    torch.manual_seed(0)
    if name == "odd":
        return Odd()
    if name == "gated":
        return Odd(gate=True)
    if name == "vgg":
        stack = torchvision.models.vgg.make_layers([4, 4, "M", 8, 8, "M", 8, "M"])
        return nn.Sequential(stack, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 5))
    if name == "resnet":
        return torchvision.models.ResNet(
            torchvision.models.resnet.BasicBlock, [1, 1, 1, 1], num_classes=5, width_per_group=64
        )
    if name == "densenet":
        return torchvision.models.DenseNet(4, (2, 2), 8, num_classes=5)
    if name == "mobilenet":
        return torchvision.models.mobilenet_v3_small(num_classes=5)
    if name == "shuffle":
        return torchvision.models.shufflenet_v2_x0_5(num_classes=5)
    if name == "stride skips":
        return nn.Sequential(
            nn.Conv2d(3, 4, 1, stride=3), nn.ReLU(), nn.Conv2d(4, 5, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        )
    raise KeyError(name)


@pytest.mark.parametrize("name", ["odd", "gated", "vgg", "resnet", "densenet", "mobilenet", "shuffle", "stride skips"])
@pytest.mark.parametrize("size, window, stride", [((46, 37), 9, 9), ((33, 40), (12, 14), (7, 14))])
def test_incremental_equals_full(name, size, window, stride):
    net = wrap(build(name))
    images = torch.rand(2, 3, *size, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    options = {"window": window, "stride": stride, "baseline": "noise", **QUIET}
    fast = occlusion_scores(net, images, [1, 3], method="incremental", batch_size=7, **options)
    slow = occlusion_scores(net, images, [1, 3], method="full", batch_size=5, **options)
    assert (fast.method, slow.method) == ("incremental", "full")
    torch.testing.assert_close(fast.scores, slow.scores, rtol=1e-9, atol=1e-9)
    assert fast.drops().abs().max() > 1e-6  # the windows matter at all


@pytest.mark.parametrize("name", ["odd", "gated", "densenet", "shuffle"])
@pytest.mark.parametrize("window, stride, baseline", [(9, 9, "noise"), (12, 5, "mean"), ((12, 14), (7, 14), "gray")])
def test_equals_the_plain_version(name, window, stride, baseline):
    net = wrap(build(name))
    images = torch.rand(2, 3, 34, 29, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    options = {"window": window, "stride": stride, "baseline": baseline, "seed": 4}
    plain = plain_occlusion(net, images, [1, 3], **options)
    assert plain.shape == (2, 34, 29) and plain.abs().max() > 1e-6
    for method in ("incremental", "full"):
        fast = occlusion(net, images, [1, 3], method=method, batch_size=7, **options, **QUIET)
        torch.testing.assert_close(fast, plain, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", ["vgg", "odd", "resnet"])
@pytest.mark.parametrize("method", ["incremental", "full", "plain"])
def test_equals_captum(name, method):
    from captum.attr import Occlusion

    net = wrap(build(name))
    images = torch.rand(2, 3, 36, 29, dtype=torch.float64, generator=torch.Generator().manual_seed(2))
    for window, stride, baseline in ((9, 6, 0.5), (8, 8, 0.0), ((36, 7), (9, 7), 0.25)):
        wh, ww = window if isinstance(window, tuple) else (window, window)
        sh, sw = stride if isinstance(stride, tuple) else (stride, stride)
        options = {"window": window, "stride": stride, "baseline": baseline}
        for count in (1, 4) if method == "full" else (4,):
            theirs = Occlusion(net).attribute(
                images,
                target=torch.tensor([2, 4]),
                sliding_window_shapes=(3, wh, ww),
                strides=(3, sh, sw),
                baselines=baseline,
                perturbations_per_eval=count,
            )
            if method == "plain":
                ours = plain_occlusion(net, images, [2, 4], **options)
            else:
                ours = occlusion(net, images, [2, 4], method=method, **options, **QUIET)
            # Captum gives float32, whatever goes in.
            torch.testing.assert_close(ours.float(), theirs[:, 0].float(), rtol=1e-5, atol=1e-6)


def test_a_sum_of_pixels_by_hand():
    """The score is the sum of all values, so covering a place with black costs what was there."""

    class Sum(nn.Module):
        def forward(self, x):
            return torch.stack([x.sum((1, 2, 3)), -x.sum((1, 2, 3))], 1)

    net = Network(Sum(), name="sum")
    image = torch.zeros(1, 3, 4, 6)
    image[0, 0, 1, 2], image[0, 1, 3, 5] = 1.0, 0.5
    one = occlusion(net, image, 0, window=1, stride=1, baseline=0.0, **QUIET)
    torch.testing.assert_close(one[0], image[0].sum(0))
    assert torch.equal(occlusion(net, image, 1, window=1, stride=1, baseline=0.0, **QUIET), -one)
    # Windows of 2 x 2, step 1: inside, a pixel lies in 4 windows; the pixel (1, 2) itself is lost in all of them.
    two = occlusion(net, image, 0, window=2, stride=1, baseline=0.0, **QUIET)[0]
    assert two[1, 2].item() == 1 and two[0, 2].item() == 1 and two[1, 1].item() == 0.5 and two[2, 1].item() == 0.25
    assert two[3, 5].item() == 0.5 and two[2, 4].item() == 0.125 and two[0, 0].item() == 0
    whole = occlusion(net, image, 0, window=(4, 6), stride=(4, 6), baseline=0.0, **QUIET)
    assert torch.equal(whole, torch.full((1, 4, 6), 1.5))


def test_places_of_the_window():
    assert window_starts(224, 32, 16) == list(range(0, 193, 16))
    assert window_starts(10, 4, 3) == [0, 3, 6]
    assert window_starts(11, 4, 3) == [0, 3, 6, 9]  # the last is cut to 2 pixels
    assert window_starts(5, 5, 2) == [0]
    for size, window, stride in ((224, 16, 4), (224, 16, 8), (224, 32, 8), (17, 5, 4)):
        assert len(window_starts(size, window, stride)) == math.ceil((size - window) / stride) + 1


def test_units_functions_and_probabilities():
    net = wrap(build("vgg"), categories=["a", "b", "c", "d", "e"])
    image = torch.rand(1, 3, 40, 40, dtype=torch.float64)
    options = {"window": 10, "stride": 10, **QUIET}
    for layer in ("0.5", "0.7", "0"):
        fast = occlusion_scores(net, image, f"{layer}:2", method="incremental", **options)
        slow = occlusion_scores(net, image, f"{layer}:2", method="full", **options)
        torch.testing.assert_close(fast.scores, slow.scores, rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(fast.clean, slow.clean)
    by_class = occlusion(net, image, "c", **options)
    torch.testing.assert_close(occlusion(net, image, lambda out: out[:, 2], **options), by_class)
    scores = occlusion_scores(net, image, "c", of="probability", **options)
    assert scores.clean.item() == pytest.approx(net(image).softmax(1)[0, 2].item())
    assert scores.scores.min() >= 0 and scores.scores.max() <= 1
    best = net(image).argmax().item()
    torch.testing.assert_close(occlusion(net, image, **options), occlusion(net, image, best, **options))


def test_a_batch_is_its_images():
    net = wrap(build("odd"))
    images = torch.rand(3, 3, 32, 32, dtype=torch.float64)
    together = occlusion(net, images, window=8, stride=8, **QUIET)
    alone = torch.cat([occlusion(net, image[None], window=8, stride=8, **QUIET) for image in images])
    torch.testing.assert_close(together, alone)


def test_baselines():
    images = torch.rand(2, 3, 60, 50)
    assert (baseline_images(images) == 0.5).all()
    torch.testing.assert_close(baseline_images(images, "mean")[1, 2], images[1, 2].mean().expand(60, 50))
    assert baseline_images(images, "blur").std() < images.std() / 3
    assert torch.equal(baseline_images(images, "noise", seed=3), baseline_images(images, "noise", seed=3))
    assert not torch.equal(baseline_images(images, "noise", seed=3), baseline_images(images, "noise", seed=4))
    assert torch.equal(baseline_images(images, images), images)
    net = Network(nn.Sequential(nn.Conv2d(3, 2, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()), name="tiny")
    covered_with_itself = occlusion(net, images, 0, window=20, stride=20, baseline=images, **QUIET)
    assert covered_with_itself.abs().max() < 1e-6


@pytest.mark.parametrize(
    "baseline", [torch.full((3, 1, 1), float("nan")), torch.full((60, 50), 128.0), torch.tensor(-1.0)]
)
def test_a_baseline_that_is_no_picture_is_refused(baseline):
    with pytest.raises(ValueError, match=r"a baseline must lie in \[0, 1\]; this one goes from"):
        baseline_images(torch.rand(2, 3, 60, 50), baseline)


def test_a_network_that_looks_at_values_falls_back_and_says_so():
    class Branching(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Conv2d(3, 2, 3)

        def forward(self, x):
            x = x * 2 if x.max() > 0.9 else x
            return self.layer(x).mean((2, 3))

    net = Network(Branching(), name="branching")
    image = torch.rand(1, 3, 16, 16)
    with pytest.warns(UserWarning, match="branching cannot be computed incrementally: its forward pass reads a number"):
        found = occlusion_scores(net, image, 0, window=4, stride=4, **QUIET)
    assert found.method == "full" and "cannot be computed incrementally" in found.note
    with pytest.raises(ValueError, match="cannot be computed incrementally"):
        occlusion(net, image, 0, window=4, stride=4, method="incremental", **QUIET)


class Dropped(nn.Module):
    """Draws random numbers in every pass, also in eval mode."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(3, 5, 3)

    def forward(self, x):
        return F.dropout(self.layer(x), 0.5, training=True).mean((2, 3))


class Coordinates(nn.Module):
    """Joins the image with a constant that has one row."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(4, 5, 3)

    def forward(self, x):
        right = torch.linspace(0, 1, x.shape[3], dtype=x.dtype).expand(len(x), 1, *x.shape[2:])
        return self.layer(torch.cat([x, right], 1)).relu().mean((2, 3))


def transformer(name):
    torch.manual_seed(0)
    models = torchvision.models
    if name == "vit":
        sizes = {"num_layers": 2, "num_heads": 2, "hidden_dim": 16, "mlp_dim": 32}
        net = models.VisionTransformer(image_size=32, patch_size=8, num_classes=5, **sizes)
        nn.init.normal_(net.heads.head.weight)  # zero at first
        return net
    if name == "swin":
        return models.SwinTransformer([2, 2], 16, [1, 1], [1, 2], [4, 4], num_classes=5)
    blocks = [models.convnext.CNBlockConfig(8, 16, 1), models.convnext.CNBlockConfig(16, None, 1)]
    return models.ConvNeXt(blocks, num_classes=5)


@pytest.mark.filterwarnings("ignore:.*cannot be computed incrementally")
@pytest.mark.parametrize("name", ["vit", "swin", "convnext", "coordinates"])
def test_auto_is_right_whatever_the_network_does(name):
    net = wrap(Coordinates() if name == "coordinates" else transformer(name))
    images = torch.rand(1, 3, 32, 32, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    found = occlusion(net, images, 2, window=8, stride=8, **QUIET)
    torch.testing.assert_close(found, plain_occlusion(net, images, 2, window=8, stride=8), rtol=1e-9, atol=1e-9)
    assert found.abs().max() > 1e-6


def test_random_networks_run_in_full():
    with pytest.warns(UserWarning, match="draws random numbers. Every window runs"):
        found = occlusion_scores(wrap(Dropped()), torch.rand(1, 3, 16, 16).double(), 0, window=8, stride=8, **QUIET)
    assert found.method == "full"


def test_an_operation_that_takes_no_crops_runs_in_full(monkeypatch):
    def refuse(*args):
        raise RuntimeError("takes no crops")

    monkeypatch.setattr("course_utils.engines.incremental.Incremental.run", refuse)
    image = torch.rand(1, 3, 32, 32, dtype=torch.float64)
    with pytest.warns(UserWarning, match="on crops, takes no crops"):
        found = occlusion_scores(wrap(transformer("vit")), image, 0, window=8, stride=8, **QUIET)
    assert found.method == "full"


@pytest.mark.parametrize("name", ["resnet", "densenet", "gated"])
def test_any_memory_layout_is_incremental(name):
    net = wrap(build(name))
    images = torch.rand(2, 3, 40, 36, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    right = plain_occlusion(net, images, 1, window=10, stride=10)
    for layout in (
        images.contiguous(memory_format=torch.channels_last),
        images.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2),
        images.transpose(2, 3).contiguous().transpose(2, 3),
    ):
        found = occlusion_scores(net, layout, 1, window=10, stride=10, method="incremental", **QUIET)
        torch.testing.assert_close(found.maps(), right, rtol=1e-9, atol=1e-9)
    with torch.inference_mode():
        found = occlusion(net, images.clone(), 1, window=10, stride=10, method="incremental", **QUIET)
    torch.testing.assert_close(found, right, rtol=1e-9, atol=1e-9)


def test_says_what_was_computed_whole():
    image = torch.rand(1, 3, 40, 40, dtype=torch.float64)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = occlusion_scores(wrap(build("gated")), image, 0, window=8, stride=8, **QUIET)
    assert found.method == "incremental" and "mul" in found.note


def test_interrupted_run_returns_what_it_has():
    net = wrap(build("vgg"))
    image = torch.rand(1, 3, 40, 40, dtype=torch.float64)
    whole = occlusion(net, image, 0, window=10, stride=10, **QUIET)
    calls = []

    def score(out):
        calls.append(1)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return out[:, 0]

    part = occlusion_scores(net, image, score, window=10, stride=10, batch_size=4, **QUIET)
    assert "interrupted" in part.note and part.scores.isnan().any()
    heat = part.maps()
    torch.testing.assert_close(heat[0, :10], whole[0, :10])
    assert heat[0, 30:].abs().max() == 0


def test_picture():
    assert len(show_occlusion(torch.rand(1, 3, 8, 8), torch.randn(8, 8)).axes) == 3


@pytest.mark.parametrize(
    "options, error, words",
    [
        ({"window": 33}, ValueError, "window 33 is larger than the images, which are 32 pixels high"),
        ({"window": (8, 31)}, ValueError, "window 31 is larger than the images, which are 30 pixels wide"),
        ({"window": 0}, ValueError, "window must be greater than 0"),
        ({"stride": 0}, ValueError, "stride must be greater than 0"),
        ({"window": 8, "stride": 9}, ValueError, "pixels between would be skipped"),
        ({"window": 8.5}, TypeError, "whole number of pixels"),
        ({"baseline": "pink"}, ValueError, "baseline must be one of 'gray', 'mean', 'blur', 'noise'"),
        ({"baseline": 2.0}, ValueError, "gray value from 0 to 1"),
        ({"baseline": torch.zeros(1, 3, 5, 5)}, ValueError, "does not fit images"),
        ({"method": "fast"}, ValueError, "method must be one of"),
        ({"of": "loss"}, ValueError, "of must be one of"),
        ({"target": 7}, ValueError, "classes 0 to 4"),
        ({"target": "0.0:99"}, ValueError, "channels 0 to 3, not 99"),
        ({"target": "nowhere:1"}, ValueError, "has no layer"),
        ({"target": "0.0:1", "of": "probability"}, ValueError, "needs a class"),
        ({"target": lambda out: out}, ValueError, "one number per image"),
    ],
)
def test_bad_input(options, error, words):
    net = wrap(build("vgg"))
    images = torch.rand(1, 3, 32, 30, dtype=torch.float64)
    with pytest.raises(error, match=words):
        occlusion(net, images, **{"target": 0, "window": 8, "stride": 8, **options}, **QUIET)


def test_nothing_is_left_behind():
    net = wrap(build("odd"))
    net.train()
    images = torch.rand(1, 3, 32, 32, dtype=torch.float64)
    before, state, random = images.clone(), {k: v.clone() for k, v in net.state_dict().items()}, torch.get_rng_state()
    for target in (0, 99):
        try:
            occlusion(net, images, target, window=8, stride=8, baseline="noise", **QUIET)
        except ValueError:
            assert target == 99
    assert torch.equal(images, before) and torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(v, state[k]) for k, v in net.state_dict().items())
    assert all(m.training for m in net.modules()) and not any(m._forward_hooks for m in net.modules())
