import pytest
import torch
from torch import nn

from course_utils.exercises.tiny import tiny_net
from course_utils.fun.colors import match_colors
from course_utils.fun.gram import gram_loss, gram_matrix, mean_gram
from course_utils.fun.style import style_transfer
from course_utils.fun.style_losses import content_loss, style_loss
from course_utils.hooks import forward_to
from course_utils.networks import Network
from course_utils.optimize.octaves import stretch

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


class Losses(list):
    """A callback that keeps the losses; it ends at a step, by True or as Ctrl-C does."""

    def __init__(self, end=10**9, ctrl_c=False):
        self.end, self.ctrl_c, self.images = end, ctrl_c, []

    def __call__(self, step, images, values):
        self.append(values.item())
        self.images.append(images)
        if step >= self.end and self.ctrl_c:
            raise KeyboardInterrupt
        return step >= self.end


def total(net, content, style, image, weight=1e3):
    """The loss of an image, from its parts."""
    loss = content_loss(net, content, layers=["4"]) + weight * style_loss(net, [style], layers=["1", "4"])
    return loss(net, image).item()


def test_the_two_losses_of_each_image(net):
    content, style, images = picture(0), picture(1, 12, 12), picture(2, count=2)
    seen = [forward_to(net, x, ["1", "4"]) for x in (images, content, style)]
    expected = (seen[0]["4"] - seen[1]["4"]).square().mean((1, 2, 3))
    torch.testing.assert_close(content_loss(net, content, layers=["4"])(net, images), expected)
    grams = [{name: gram_matrix(maps) for name, maps in one.items()} for one in seen]
    expected = sum(gram_loss(grams[0][n], grams[2][n], convention="johnson") for n in ("1", "4"))
    torch.testing.assert_close(style_loss(net, [style], layers=["1", "4"])(net, images), expected)
    expected = sum(gram_loss(grams[0][n], grams[2][n]) for n in ("1", "4"))
    torch.testing.assert_close(style_loss(net, [style], layers=["1", "4"], convention="gatys")(net, images), expected)


def test_weighted_losses_and_the_weighted_mean_have_the_same_gradient(net):
    image, styles, shares = picture(0).requires_grad_(), [picture(1), picture(2, 10, 12)], [0.3, 0.7]
    both = sum(w * style_loss(net, [s], layers=["1", "4"])(net, image) for w, s in zip(shares, styles, strict=True))
    mean = style_loss(net, styles, layers=["1", "4"], shares=shares)(net, image)
    gradients = [torch.autograd.grad(loss, image)[0] for loss in (both, mean)]
    torch.testing.assert_close(*gradients)
    # and the losses differ by the spread of the targets
    spread = 0
    for layer in ("1", "4"):
        grams = [gram_matrix(forward_to(net, s, [layer])[layer]) for s in styles]
        middle = mean_gram(grams, shares)
        spread += sum(w * gram_loss(g, middle, convention="johnson") for w, g in zip(shares, grams, strict=True))
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
    content, style, losses = picture(0), picture(1), Losses()
    options = {"steps": 25, "optimizer": optimizer, "init": init, "scales": 1, "style_weight": 1e4}
    result = style_transfer(net, content, style, callback=losses, **options, **LAYERS)
    assert len(losses) == 26 and result.shape == content.shape and result.min() >= 0 and result.max() <= 1
    assert min(losses) < 0.5 * losses[0]
    assert losses[0] == pytest.approx(total(net, content, style, losses.images[0], 1e4))


def test_the_losses_add_up(net):
    content, style, losses = picture(0), picture(1), Losses(end=1)
    how = {"content_weight": 3.0, "style_weight": 50.0, "tv_weight": 7.0, "dream_layer": "4", "dream_weight": 2.0}
    style_transfer(net, content, style, init=picture(2), scales=1, callback=losses, **how, **LAYERS)
    x = picture(2)
    down, right = x[..., 1:, :] - x[..., :-1, :], x[..., 1:] - x[..., :-1]
    dream = forward_to(net, x, ["4"])["4"].square().mean() / 2
    expected = 3 * content_loss(net, content, layers=["4"])(net, x)
    expected = expected + 50 * style_loss(net, [style], layers=["1", "4"])(net, x)
    expected = expected + 7 * (down.square().sum() + right.square().sum()) / x.numel() - 2 * dream
    assert losses[0] == pytest.approx(expected.item())


def test_the_result_is_the_image_with_the_smallest_loss(net):
    content, style, losses = picture(0), picture(1), Losses()
    options = {"steps": 15, "scales": 1, "optimizer": "adam", "lr": 0.2, "callback": losses}
    result = style_transfer(net, content, style, **options, **LAYERS)
    assert total(net, content, style, result) == pytest.approx(min(losses))
    assert losses.index(min(losses)) < 15


def test_only_content_gives_the_content_and_only_style_gives_the_style(net):
    content, style = 0.35 + 0.3 * picture(0), 0.35 + 0.3 * picture(1)  # so that little is cut off at the end
    back = style_transfer(
        net, content, style, init="noise", style_weight=0, content_weight=1e3, steps=80, scales=1, **LAYERS
    )
    of_content, of_style = content_loss(net, content, layers=["4"]), style_loss(net, [style], layers=["1", "4"])
    start = style_transfer(net, content, style, init="noise", steps=0, **LAYERS)
    assert of_content(net, back) < 0.05 * of_content(net, start)
    painted = style_transfer(net, content, style, content_weight=0, style_weight=1e5, steps=50, scales=1, **LAYERS)
    assert of_style(net, painted) < 0.05 * of_style(net, content)


def test_without_smoothness_the_pixels_are_the_variables(net):
    """The first step of L-BFGS goes along the gradient: pixels move in proportion to it, or low frequencies farther."""
    content, style = 0.35 + 0.3 * picture(0), 0.35 + 0.3 * picture(1)
    x = content.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(style_loss(net, [style], layers=["1", "4"])(net, x), x)
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
    sizes = []
    handle = net.register_forward_pre_hook(lambda net, inputs: sizes.append(tuple(inputs[0].shape[2:])))
    losses = Losses()
    style_transfer(net, picture(0), picture(1), steps=[3, 2], scales=2, callback=losses, **LAYERS)
    handle.remove()
    assert sizes[-4:] == [(16, 20)] * 4 and len(losses) == 4 + 3  # one look after the last step of each size
    assert {image.shape for image in losses.images} == {(1, 3, 16, 20)}  # shown at the full size
    with pytest.raises(ValueError, match="one for each of the 2 sizes"):
        style_transfer(net, picture(0), picture(1), steps=[3], scales=2, **LAYERS)


def test_a_size_without_steps_is_left_out(net):
    only_large = style_transfer(net, picture(0), picture(1), steps=[0, 3], scales=2, **LAYERS)
    assert torch.equal(only_large, style_transfer(net, picture(0), picture(1), steps=3, scales=1, **LAYERS))


def test_style_size(net):
    content, style = picture(0), picture(1, 16, 8)
    paint = lambda style, **how: style_transfer(net, content, style, steps=4, scales=1, **how, **LAYERS)  # noqa: E731
    small = paint(style, style_size=8)
    assert torch.equal(small, paint(stretch(style, (8, 4)).clamp(0, 1))) and not torch.equal(small, paint(style))


@pytest.mark.parametrize("how", [None, "match", "luminance"])
def test_gray_networks_paint_too(how):
    gray, losses = tiny_net("conv", seed=2, channels=1), Losses()
    content, style = picture(0)[:, :1], picture(1)[:, :1]
    options = {"preserve_color": how, "steps": 8, "scales": 1, "style_weight": 1e4, "callback": losses}
    result = style_transfer(gray, content, style, **options, **LAYERS)
    assert result.shape == content.shape and losses[-1] < losses[0] and not torch.equal(result, content)
    start = style_transfer(gray, content, style, init=style, steps=0, **LAYERS)
    assert torch.equal(start, style)


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


@pytest.mark.parametrize("ctrl_c", [True, False])
@pytest.mark.parametrize("at", [5, 15])  # in the small size, and in the full one
def test_ended_it_returns_the_best_so_far(net, at, ctrl_c):
    content, losses = picture(0), Losses(end=at, ctrl_c=ctrl_c)
    result = style_transfer(net, content, picture(1), steps=10, scales=2, callback=losses, **LAYERS)
    assert result.shape == content.shape and len(losses) == at + 1 and not torch.equal(result, content)
    since = 0 if at < 11 else 11
    best = min(range(since, at + 1), key=losses.__getitem__)
    torch.testing.assert_close(result, losses.images[best])


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


def test_a_network_that_explodes_still_returns_a_picture(net):
    calls, losses = [], Losses()

    def explode(module, inputs, output):
        calls.append(1)
        return output * float("nan") if len(calls) > 60 else output

    handle = net.layer("4").register_forward_hook(explode)
    result = style_transfer(net, picture(0), picture(1), steps=100, scales=1, callback=losses, **LAYERS)
    handle.remove()
    assert result.isfinite().all() and not torch.equal(result, picture(0))
    assert 2 < len(losses) < 100  # it does not go on in vain
    assert losses[-1] != losses[-1]


def test_adam_stays_within_the_range_and_lbfgs_is_not_clamped(net):
    seen = []
    handle = net.register_forward_pre_hook(lambda net, inputs: seen.append(inputs[0].detach()))
    for optimizer, inside in (("adam", True), ("lbfgs", False)):
        seen.clear()
        style_transfer(net, picture(0), picture(1), steps=8, scales=1, style_weight=1e5, optimizer=optimizer, **LAYERS)
        assert (min(x.min() for x in seen) >= 0 and max(x.max() for x in seen) <= 1 + 1e-12) == inside
    handle.remove()


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
        ({"style_weight": -1}, "style_weight must not be negative"),
        ({"smoothness": -0.5}, "smoothness must not be negative"),
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
