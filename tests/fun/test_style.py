import importlib

import pytest
import torch
from torch import nn

from course_utils.fun.style import (
    Targets,
    content_loss,
    keep_colors,
    match_colors,
    mean_gram,
    smooth_steps,
    style_loss,
    style_transfer,
    tv_loss,
)
from course_utils.fun.texture import gram_matrix
from course_utils.hooks import forward_to
from course_utils.networks import Network

module = importlib.import_module("course_utils.fun.style")  # the package exports a function of the same name

LAYERS = {"content_layers": ["4"], "style_layers": ["1", "4"], "progress": False}


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Conv2d(6, 8, 3, padding=1), nn.ReLU(inplace=True)
    ).double()  # fmt: skip
    return Network(model, name="small", mean=[0.4, 0.5, 0.6], std=[0.02, 0.02, 0.02])


def picture(seed, height=16, width=20, count=1):
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(count, 3, height, width, generator=generator, dtype=torch.float64)


# The table of conversions, each side written out by itself.


def test_conversion_table():
    features, other = picture(0, 5, 7)[:, :3], picture(1, 4, 6)[:, :3]
    n, m, k = 3, 35, 24
    raw, raw_other = gram_matrix(features, normalize=None), gram_matrix(other, normalize=None)
    gram, target = gram_matrix(features), gram_matrix(other)
    paper = ((raw / m - raw_other / k) ** 2).sum() / (4 * n**2)  # the paper's E, each Gram divided by its own M
    cs231n = ((raw / (n * m) - raw_other / (n * k)) ** 2).sum()
    mean = ((raw / m - raw_other / k) ** 2).mean()
    johnson = ((raw / (n * m) - raw_other / (n * k)) ** 2).mean()
    exact = {"rtol": 1e-12, "atol": 0.0}
    for definition, expected in (("gatys", paper), ("cs231n", cs231n), ("pystiche", mean), ("johnson", johnson)):
        torch.testing.assert_close(style_loss(gram, target, definition=definition), expected, **exact)
    torch.testing.assert_close(cs231n, 4 * paper, **exact)
    torch.testing.assert_close(mean, 4 * paper, **exact)
    torch.testing.assert_close(johnson, 4 * paper / n**2, **exact)


def test_style_loss_in_the_head():
    gram = torch.tensor([[[3.0, 1.0], [1.0, 2.0]]])
    target = torch.tensor([[[1.0, 1.0], [1.0, 0.0]]])
    # squared differences 4, 0, 0, 4
    values = [style_loss(gram, target, definition=d).item() for d in ("gatys", "cs231n", "pystiche", "johnson")]
    assert values == [0.5, 2.0, 2.0, 0.5]


def test_content_loss_is_a_mean():
    assert content_loss(torch.tensor([[[[1.0, 2.0]]]]), torch.tensor([[[[3.0, 2.0]]]])).item() == 2.0


def test_tv_loss_known_answers():
    step = torch.tensor([0.0, 0.0, 1.0, 1.0]).expand(1, 1, 4, 4)
    assert tv_loss(step).item() * 16 == 4
    assert tv_loss(torch.eye(3).view(1, 1, 3, 3)).item() * 9 == pytest.approx(8)
    assert tv_loss(torch.full((2, 3, 5, 5), 0.3)).item() == 0
    assert tv_loss(picture(0)).item() == pytest.approx(tv_loss(picture(0).transpose(2, 3)).item())
    assert tv_loss(picture(0)).item() == pytest.approx(tv_loss(picture(0).repeat(2, 1, 1, 1)).item())


def test_targets_compute_the_three_losses(net):
    content, style, image = picture(0), picture(1, 12, 12), picture(2)
    targets = Targets.of(net, content, [style], [1.0], ["4"], ["1", "4"])
    got = targets.losses(net, image)
    seen = [forward_to(net, x, ["1", "4"]) for x in (image, content, style)]
    expected = (seen[0]["4"] - seen[1]["4"]).square().mean()
    torch.testing.assert_close(got["content"], expected)
    layers = [style_loss(gram_matrix(seen[0][n]), gram_matrix(seen[2][n])) for n in ("1", "4")]
    torch.testing.assert_close(got["style"], sum(layers))
    torch.testing.assert_close(got["tv"], tv_loss(image))


def test_weighted_losses_and_the_weighted_mean_have_the_same_gradient(net):
    image, styles, shares = picture(0).requires_grad_(), [picture(1), picture(2, 10, 12)], [0.3, 0.7]
    targets = [Targets.of(net, image.detach(), [s], [1.0], [], ["1", "4"]) for s in styles]
    both = sum(w * t.losses(net, image)["style"] for w, t in zip(shares, targets, strict=True))
    mean = Targets.of(net, image.detach(), styles, shares, [], ["1", "4"]).losses(net, image)["style"]
    gradients = [torch.autograd.grad(loss, image)[0] for loss in (both, mean)]
    torch.testing.assert_close(*gradients)
    # and the losses differ by the spread of the targets
    spread = 0
    for layer in ("1", "4"):
        grams = [t.style[layer] for t in targets]
        middle = mean_gram(grams, shares)
        spread = spread + sum(w * style_loss(g, middle) for w, g in zip(shares, grams, strict=True))
    torch.testing.assert_close(both - mean, spread)


def test_zero_steps_return_the_start(net):
    content, style = picture(0), picture(1)
    assert torch.equal(style_transfer(net, content, style, steps=0, **LAYERS), content)
    assert torch.equal(style_transfer(net, content, style, steps=0, init=picture(2), **LAYERS), picture(2))
    a, b, c = (style_transfer(net, content, style, steps=0, init="noise", seed=s, **LAYERS) for s in (0, 0, 1))
    assert torch.equal(a, b) and not torch.equal(a, c)


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
@pytest.mark.parametrize("init", ["content", "noise"])
def test_the_loss_goes_down(net, optimizer, init):
    content, style = picture(0), picture(1)
    options = {"steps": 25, "optimizer": optimizer, "init": init, "scales": 1, "style_weight": 1e4}
    result, log = style_transfer(net, content, style, return_losses=True, **options, **LAYERS)
    assert len(log) == 26 and result.shape == content.shape and result.min() >= 0 and result.max() <= 1
    assert min(entry["total"] for entry in log) < 0.5 * log[0]["total"]
    expected = {name: entry for name, entry in log[-1].items() if name != "total"}
    total = expected["content"] + 1e4 * expected["style"]
    assert log[-1]["total"] == pytest.approx(total)


def test_the_result_is_the_image_with_the_smallest_loss(net):
    content, style = picture(0), picture(1)
    result, log = style_transfer(
        net, content, style, steps=15, scales=1, optimizer="adam", lr=0.2, return_losses=True, **LAYERS
    )
    parts = Targets.of(net, content, [style], [1.0], ["4"], ["1", "4"]).losses(net, result)
    assert (parts["content"] + 1e3 * parts["style"]).item() == pytest.approx(min(e["total"] for e in log))


def test_only_content_gives_the_content_and_only_style_gives_the_style(net):
    content, style = 0.35 + 0.3 * picture(0), 0.35 + 0.3 * picture(1)  # so that little is cut off at the end
    back = style_transfer(
        net, content, style, init="noise", style_weight=0, content_weight=1e3, steps=80, scales=1, **LAYERS
    )
    targets = Targets.of(net, content, [style], [1.0], ["4"], ["1", "4"])
    start = style_transfer(net, content, style, init="noise", steps=0, **LAYERS)
    assert targets.losses(net, back)["content"] < 0.05 * targets.losses(net, start)["content"]
    painted = style_transfer(net, content, style, content_weight=0, style_weight=1e5, steps=50, scales=1, **LAYERS)
    assert targets.losses(net, painted)["style"] < 0.05 * targets.losses(net, content)["style"]


def test_smooth_steps_change_the_path_and_not_the_variables():
    like = picture(0)
    scale = smooth_steps((16, 20), like, 0.5)
    assert scale.shape == (16, 11) and (scale > 0).all()  # every picture can be reached
    assert scale[0, 0] == scale.max() and scale[8, 10] < scale[1, 1]
    assert scale.square().mean().item() == pytest.approx(1)
    z = torch.randn(1, 3, 16, 20, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    flat = smooth_steps((16, 20), like, 0.0)
    torch.testing.assert_close(torch.fft.irfft2(torch.fft.rfft2(z) * flat, s=(16, 20)), z)


def test_without_smoothness_the_pixels_are_the_variables(net):
    """The first step of L-BFGS goes along the gradient: pixels move in proportion to it, or low frequencies farther."""
    content, style = 0.35 + 0.3 * picture(0), 0.35 + 0.3 * picture(1)
    targets = Targets.of(net, content, [style], [1.0], ["4"], ["1", "4"])
    x = content.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(1e3 * targets.losses(net, x)["style"], x)
    options = {"content_weight": 0, "steps": 2, "scales": 1, **LAYERS}
    alike = {}
    for smoothness in (0.0, 0.5):
        seen = []
        style_transfer(
            net,
            content,
            style,
            smoothness=smoothness,
            callback=lambda step, image, loss, s=seen: s.append(image),
            **options,
        )
        moved = (content - seen[1]).flatten()
        alike[smoothness] = torch.cosine_similarity(moved, gradient.flatten(), dim=0).item()
    assert alike[0.0] == pytest.approx(1, abs=1e-6) and alike[0.5] < 0.99


def test_dreaming_along(net):
    content, style = picture(0), picture(1)
    options = {"steps": 20, "scales": 1, "style_weight": 0.0, **LAYERS}
    plain = style_transfer(net, content, style, **options)
    dreamed = style_transfer(net, content, style, dream_layer="4", dream_weight=0.3, **options)
    power = [forward_to(net, x, ["4"])["4"].square().mean() for x in (plain, dreamed)]
    assert power[1] > 1.1 * power[0]


def test_each_image_of_a_batch_by_itself(net):
    contents, style = picture(0, count=2), picture(1)
    together = style_transfer(net, contents, style, steps=6, **LAYERS)
    alone = style_transfer(net, contents[1:], style, steps=6, **LAYERS)
    assert torch.equal(together[1:], alone)


def test_style_shares_are_relative_and_lists_may_mix_sizes(net):
    content, styles = picture(0), [picture(1, 12, 14), picture(2, 16, 10)]
    a = style_transfer(net, content, styles, style_weights=[1, 3], steps=4, **LAYERS)
    b = style_transfer(net, content, styles, style_weights=[0.25, 0.75], steps=4, **LAYERS)
    only = style_transfer(net, content, styles, style_weights=[1, 0], steps=4, **LAYERS)
    one = style_transfer(net, content, styles[0], steps=4, **LAYERS)
    assert torch.equal(a, b) and torch.equal(only, one) and not torch.equal(a, one)


def test_steps_for_each_size(net):
    options = {"scales": 2, "return_losses": True, **LAYERS}
    _, log = style_transfer(net, picture(0), picture(1), steps=[3, 2], **options)
    assert [entry["scale"] for entry in log] == [1, 1, 1, 1, 0, 0, 0]  # the smallest first, and one look after the last
    with pytest.raises(ValueError, match="one for each of the 2 sizes"):
        style_transfer(net, picture(0), picture(1), steps=[3], **options)


def test_style_size(net):
    content, style = picture(0), picture(1, 16, 8)
    small = module._styles(net, style, 8, ["4"])[0]
    assert small.shape == (1, 3, 8, 4)
    assert not torch.equal(
        style_transfer(net, content, style, steps=4, style_size=8, **LAYERS), style_transfer(net, content, style, steps=4, **LAYERS)
    )  # fmt: skip


def test_match_colors_gives_mean_and_covariance_of_the_content():
    style, content = picture(0) * torch.tensor([1, 0.5, 0.2]).view(1, 3, 1, 1), picture(1) ** 2
    style[:, 1] += 0.4 * style[:, 0]  # correlated
    result = match_colors(style, content)
    got, expected = result[0].flatten(1), content[0].flatten(1)
    torch.testing.assert_close(got.mean(1), expected.mean(1))
    torch.testing.assert_close(torch.cov(got, correction=0), torch.cov(expected, correction=0))
    torch.testing.assert_close(match_colors(content, content), content)


def test_match_colors_of_one_color():
    flat = torch.full((1, 3, 4, 4), 0.7, dtype=torch.float64)
    result = match_colors(flat, picture(0))
    torch.testing.assert_close(result[0, :, 0, 0], picture(0).mean((0, 2, 3)))
    assert match_colors(picture(0), flat).isfinite().all()


def test_keep_colors_is_the_swap_of_luma_in_yuv():
    matrix = torch.tensor(
        [[0.299, 0.587, 0.114], [-0.14713, -0.28886, 0.436], [0.615, -0.51499, -0.10001]], dtype=torch.float64
    )
    image, content = picture(0), picture(1)
    yuv = torch.einsum("rc,nchw->nrhw", matrix, content)
    yuv[:, :1] = torch.einsum("rc,nchw->nrhw", matrix[:1], image)
    expected = torch.einsum("rc,nchw->nrhw", torch.linalg.inv(matrix), yuv)
    torch.testing.assert_close(keep_colors(image, content), expected, atol=2e-4, rtol=0)


def test_matched_colors_recolor_the_style_first(net):
    content, style = 0.4 + 0.2 * picture(0), picture(1)  # the recolored style stays within [0, 1]
    kept = style_transfer(net, content, style, steps=4, preserve_color="match", **LAYERS)
    assert torch.equal(kept, style_transfer(net, content, match_colors(style, content), steps=4, **LAYERS))
    assert not torch.equal(kept, style_transfer(net, content, style, steps=4, **LAYERS))


def test_luminance_keeps_the_colors_of_the_content(net):
    content, style = 0.4 + 0.2 * picture(0), picture(1)
    kept = style_transfer(net, content, style, steps=6, style_weight=1e4, preserve_color="luminance", **LAYERS)
    plain = style_transfer(net, content, style, steps=6, style_weight=1e4, **LAYERS)
    inside = ((kept > 0) & (kept < 1)).all(1)  # U and V are differences of channels; they hold where nothing is cut off
    difference = (kept - content)[:, 0] - (kept - content)[:, 2]
    assert inside.any() and difference[inside].abs().max() < 1e-12
    assert ((plain - content)[:, 0] - (plain - content)[:, 2])[inside].abs().max() > 0.01


@pytest.mark.parametrize("at", [6, 16])
def test_interrupted_it_returns_the_best_so_far(net, monkeypatch, at):
    calls, real = [], Targets.losses

    def losses(self, *args):
        calls.append(1)
        if len(calls) == at:
            raise KeyboardInterrupt
        return real(self, *args)

    monkeypatch.setattr(Targets, "losses", losses)
    content = picture(0)
    result, log = style_transfer(net, content, picture(1), steps=10, scales=2, return_losses=True, **LAYERS)
    assert result.shape == content.shape and len(log) == at - 1 and not torch.equal(result, content)


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
@pytest.mark.parametrize("content, style", [(0.0, 0.0), (0.0, 1.0), (1.0, None), (None, 0.5)])
def test_no_nan_on_pictures_of_one_color(net, content, style, optimizer):
    pictures = [
        picture(i) if c is None else torch.full((1, 3, 9, 11), c, dtype=torch.float64)
        for i, c in enumerate((content, style))
    ]
    for how in (None, "match", "luminance"):
        result = style_transfer(
            net, *pictures, steps=6, optimizer=optimizer, preserve_color=how, tv_weight=10.0, **LAYERS
        )
        assert result.isfinite().all() and result.min() >= 0 and result.max() <= 1


def test_a_network_that_explodes_still_returns_a_picture(net, monkeypatch):
    real, calls = Targets.losses, []

    def losses(self, *args):
        calls.append(1)
        parts = real(self, *args)
        return {**parts, "style": parts["style"] * (float("nan") if len(calls) > 4 else 1)}

    monkeypatch.setattr(Targets, "losses", losses)
    result = style_transfer(net, picture(0), picture(1), steps=100, scales=1, **LAYERS)
    assert result.isfinite().all() and not torch.equal(result, picture(0))
    assert len(calls) < 20  # it does not go on in vain


def test_adam_stays_within_the_range_and_lbfgs_is_not_clamped(net, monkeypatch):
    seen, real = [], Targets.losses

    def losses(self, network, image):
        seen.append(image.detach())
        return real(self, network, image)

    monkeypatch.setattr(Targets, "losses", losses)
    for optimizer, inside in (("adam", True), ("lbfgs", False)):
        seen.clear()
        style_transfer(net, picture(0), picture(1), steps=8, scales=1, style_weight=1e5, optimizer=optimizer, **LAYERS)
        assert (min(x.min() for x in seen) >= 0 and max(x.max() for x in seen) <= 1) == inside


def test_too_small_names_the_smallest_size(net):
    options = {**LAYERS, "content_layers": ["4"]}
    with pytest.raises(
        ValueError, match=r"content of 1x20 pixels are too small for 4 of small: the smallest size is 2x2"
    ):
        style_transfer(net, picture(0, 1, 20), picture(1), **options)
    with pytest.raises(ValueError, match="a style of 1x1 pixels"):
        style_transfer(net, picture(0), picture(1, 1, 1), **options)
    assert style_transfer(net, picture(0, 2, 2), picture(1, 2, 2), steps=3, scales=4, **options).isfinite().all()


def test_bad_settings(net):
    content, style = picture(0), picture(1)
    for options, message in (
        ({"style_weights": [1, 2]}, "style_weights has 2 numbers for 1 styles"),
        ({"style_weights": [0]}, "not all 0"),
        ({"style_weight": -1}, "style_weight must be 0 or greater"),
        ({"smoothness": -0.5}, "smoothness must be 0 or greater"),
        ({"optimizer": "sgd"}, "optimizer must be one of 'lbfgs', 'adam'"),
        ({"init": "photo"}, "init must be one of"),
        ({"init": picture(0, 5, 5)}, "init must have the content's shape"),
        ({"preserve_color": "yes"}, "preserve_color must be one of"),
        ({"scales": 0}, "scales must be greater than 0"),
        ({"steps": -1}, "steps must not be negative"),
        ({"lr": 0}, "lr must be greater than 0"),
        ({"style_size": 0}, "style_size must be greater than 0"),
    ):
        with pytest.raises(ValueError, match=message):
            style_transfer(net, content, style, **options, **LAYERS)
    with pytest.raises(ValueError, match="styles is empty"):
        style_transfer(net, content, [], **LAYERS)
    with pytest.raises(TypeError, match="styles must be a tensor"):
        style_transfer(net, content, "night", **LAYERS)
    with pytest.raises(ValueError, match="at least one content layer"):
        style_transfer(net, content, style, content_layers=[], style_layers=[])
