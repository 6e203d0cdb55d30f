"""What comes in at one place for all methods: networks and their layers, targets, sizes, seeds, starts."""

import numpy as np
import pytest
import torch
from torch import nn

from course_utils import (
    ClipSmallNorm,
    Crop,
    Ensemble,
    Fourier,
    Jitter,
    L2Decay,
    Network,
    Objective,
    Pad,
    PerceptualLoss,
    Pixels,
    Rotate,
    Scale,
    Smooth,
    channel,
    class_score,
    content_loss,
    crop_set,
    deepdream,
    descend,
    direction,
    features,
    invert,
    keep_colors,
    layer_outputs,
    load_network,
    match_colors,
    mean_gram,
    neuron,
    pca,
    photo_tiles,
    pruning_curve,
    receptive_field,
    show_channel,
    style_loss,
    style_transfer,
    survival,
    synthesize_texture,
    texture_loss,
    top_patches,
    total_variation,
    tsne,
    visualize,
)
from course_utils.networks.network import frozen, in_eval_mode
from course_utils.validate import check_pair, check_seed, check_target, check_whole, seeded, shown, split_batch


@pytest.fixture
def images():
    return torch.rand(2, 3, 16, 18, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


# Networks


def test_mean_and_spread_are_where_the_weights_are(tiny):
    assert tiny.mean.dtype == torch.float64
    tiny.model.float()
    assert tiny.mean.dtype == tiny.std.dtype == torch.float32
    tiny.model.to("meta")
    assert tiny.device.type == tiny.mean.device.type == "meta"
    with torch.device("meta"):
        there = nn.Conv2d(3, 4, 3)
    assert Network(there, name="there", mean=[0.5] * 3).std.device.type == "meta"


def test_images_go_where_the_weights_are(tiny, images):
    tiny.model.float()
    assert tiny(images).dtype == torch.float32
    assert tiny(images.half()).dtype == torch.float32


def test_layers_are_those_of_now(tiny, images):
    tiny.model[1] = nn.Tanh()
    assert isinstance(tiny.layer("1"), nn.Tanh)
    assert features(tiny, images, layer="1").abs().max() <= 1
    tiny.model.add_module("late", nn.Softmax(1))
    assert "late" in tiny.layers and torch.allclose(features(tiny, images, layer="late").sum(1), torch.ones(2).double())
    tiny.model[1] = nn.Identity()
    with pytest.raises(ValueError, match="no layer '1'"):
        tiny.layer("1")


def test_predict_and_features_know_no_train_mode(images):
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Dropout(0.5), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5)
    )
    net = Network(model.double(), name="mine", categories="abcde")
    right, names = features(net, images), net.predict(images)
    net.train()
    assert torch.equal(features(net, images), right) and net.predict(images) == names and net.training


def test_eval_mode_inside_and_the_old_modes_afterwards(tiny):
    tiny.train()
    tiny.model[3].eval()
    modes = [module.training for module in tiny.modules()]
    with pytest.raises(KeyError), in_eval_mode(tiny):
        assert not any(module.training for module in tiny.modules())
        raise KeyError
    assert [module.training for module in tiny.modules()] == modes
    for block in (frozen, in_eval_mode):
        with pytest.raises(TypeError, match="must be a network"), block("vgg19"):
            pass


def test_a_network_loaded_in_inference_mode_can_be_differentiated():
    with torch.inference_mode():
        net = load_network("cifar_net", device="cpu")
    image = torch.rand(1, 3, 32, 32, requires_grad=True)
    net(image).sum().backward()
    assert image.grad.abs().max() > 0


@pytest.mark.parametrize(
    "given, error, words",
    [
        (np.zeros((1, 3, 4, 4)), TypeError, "floating-point tensors.*not ndarray"),
        (torch.zeros(1, 3, 4, 4, dtype=torch.uint8), TypeError, "not a torch.strided tensor of torch.uint8"),
        (torch.rand(1, 4, 4, 4), ValueError, "images of 3 channels"),
    ],
)
def test_what_a_network_does_not_take(tiny, given, error, words):
    with pytest.raises(error, match=words):
        tiny(given)


# Targets, sizes, seeds, options


@pytest.mark.parametrize(
    "target",
    [
        np.int64(2),
        np.array(2),
        torch.tensor(2),
        [np.int64(2), torch.tensor(2)],
        range(2, 4),
        np.array(["class 2", "class 2"]),
    ],
)
def test_targets_as_numpy_and_torch_have_them(tiny, target):
    found = check_target(tiny, target, torch.zeros(2, 5)).tolist()
    assert found == ([2, 3] if isinstance(target, range) else [2, 2])


@pytest.mark.parametrize(
    "target",
    [torch.tensor(1.5), [torch.tensor(1.5)] * 2, np.array([1.0, 2.0]), torch.tensor([True, False]), {1}, [[1], [2]]],
)
def test_targets_that_are_no_classes(tiny, target):
    with pytest.raises(TypeError, match="a class index or a class name"):
        check_target(tiny, target, torch.zeros(2, 5))


def test_scores_that_are_no_numbers(tiny):
    for bad in (torch.nan, torch.inf):
        scores = torch.zeros(2, 5)
        scores[1, 3] = bad
        with pytest.raises(ValueError, match="NaN or infinity"):
            check_target(tiny, 1, scores)
    scores[1, 3] = -torch.inf  # a class that cannot be
    assert check_target(tiny, 1, scores).tolist() == [1, 1]


def test_sizes():
    assert (
        check_pair("size", np.int64(5)) == check_pair("size", torch.tensor([5, 5])) == check_pair("size", 5) == (5, 5)
    )
    assert check_pair("size", (np.int64(3), 4)) == (3, 4)
    for bad, error in (
        (0, ValueError),
        ((3, -1), ValueError),
        (2.5, TypeError),
        ((1, 2, 3), TypeError),
        (None, TypeError),
        (True, TypeError),
    ):
        with pytest.raises(error, match="size must"):
            check_pair("size", bad)


def test_whole_numbers():
    check_whole(steps=3, k=np.int64(1))
    check_whole(least=0, gap=0)
    for bad, error in (
        (0, ValueError),
        (-1, ValueError),
        (2.5, TypeError),
        ("3", TypeError),
        (float("nan"), ValueError),
    ):
        with pytest.raises(error, match="steps must be"):
            check_whole(steps=bad)


def test_seeds():
    draws = [torch.rand(3, generator=seeded(seed)).tolist() for seed in (7, np.int64(7), torch.tensor(7), 7 + 2**64)]
    assert draws == draws[:1] * 4 and check_seed(-1) == 2**64 - 1
    for bad in (1.5, "7", None, True):
        with pytest.raises(TypeError, match="seed must be a whole number"):
            seeded(bad)


def test_batches():
    assert [len(part) for part in split_batch(torch.rand(5, 2), np.int64(2))] == [2, 2, 1]
    assert len(split_batch(torch.rand(5, 2), None)) == 1
    for bad in (0, -1, 2.5):
        with pytest.raises((TypeError, ValueError), match="batch_size must be"):
            split_batch(torch.rand(5, 2), bad)


def test_what_was_given_is_shown_on_one_line():
    assert shown(torch.rand(50, 50)).count("\n") == 0 and len(shown(torch.rand(50, 50))) <= 80
    with pytest.raises(TypeError) as caught:
        check_whole(steps=torch.rand(50, 50))
    assert "\n" not in str(caught.value)


# Objectives and what is changed for them


def test_objectives_can_be_summed(tiny, images):
    one, two = channel("3:1"), 2.0 * channel("3:2")
    assert torch.equal(sum([one, two])(tiny, images), (one + two)(tiny, images))
    with pytest.raises(TypeError):
        1 + one


def test_a_class_as_an_array(tiny, images):
    assert torch.equal(class_score(torch.tensor(2))(tiny, images), class_score(2)(tiny, images))
    assert torch.equal(class_score(np.array([1, 2]))(tiny, images), class_score([1, 2])(tiny, images))
    options = {"steps": 1, "size": 8, "progress": False}
    assert torch.equal(visualize(tiny, np.int64(2), **options), visualize(tiny, 2, **options))
    assert visualize(tiny, np.array([0, 1]), **options).shape[0] == 2


@pytest.mark.parametrize("bad", [[channel("3:1"), channel("3:2")], {1: 2}, 2.5, None])
def test_what_is_no_objective(tiny, bad):
    with pytest.raises((TypeError, ValueError)) as caught:
        visualize(tiny, bad, steps=1, progress=False)
    assert "\n" not in str(caught.value)


def test_positions_of_a_direction_are_looked_at(tiny, images):
    vector = torch.arange(8.0)
    with torch.no_grad():
        maps = tiny.model[:4](tiny.normalize(images))
    right = (maps * (vector / vector.norm()).view(1, 8, 1, 1)).sum(1)[:, 7, 8]
    assert torch.allclose(direction("3", vector, position=(7, 8))(tiny, images), right)
    for bad, error in (
        ((8, 0), ValueError),
        ((0, 9), ValueError),
        ((-1, 0), ValueError),
        (3, TypeError),
        ((1, 2, 3), TypeError),
        ((0.5, 1), TypeError),
    ):
        for make in (lambda bad: direction("3", vector, position=bad), lambda bad: neuron("3:1", position=bad)):
            with pytest.raises(error):
                make(bad)(tiny, images)
    with pytest.raises(ValueError, match="be finite and not be 0"):
        direction("3", torch.tensor([torch.nan, 1]))


def test_a_descent_that_is_lost_says_so(tiny, images):
    def value(net, seen):
        return seen[":images"].flatten(1).sum(1) * (torch.nan if next(count) > 1 else 1)

    count = iter(range(9))
    nowhere = Objective(
        lambda net, seen: seen[":images"].flatten(1).sum(1) * torch.nan, layers=[":images"], name="nothing"
    )
    with pytest.raises(ValueError, match="nothing is NaN or infinite at the start"):
        descend(tiny, nowhere, Pixels(images), steps=3)
    for best in (True, False):
        count = iter(range(9))
        with pytest.warns(UserWarning, match="after 2 steps: lost became NaN"):
            found = descend(
                tiny, Objective(value, layers=[":images"], name="lost"), Pixels(images), steps=5, lr=0.1, best=best
            )
        assert found.images.isfinite().all() and len(found.values) == 3


def test_objectives_that_cannot_be_climbed(tiny, images):
    for value, words in (
        (lambda net, seen: torch.ones(2), "does not depend on the picture"),
        (lambda net, seen: seen[":images"].sum(), r"one number for each picture, \(2,\), not \(\)"),
        (lambda net, seen: 3.0, "one number for each picture.*float"),
    ):
        with pytest.raises(ValueError, match=words):
            descend(tiny, Objective(value, layers=[":images"], name="mine"), Pixels(images), steps=3)


@pytest.mark.parametrize(
    "start", [torch.rand(3, 8, 8), torch.rand(1, 4, 8, 8), torch.rand(0, 3, 8, 8), torch.zeros(1, 3, 8, 8).byte()]
)
def test_starts_that_are_no_images(tiny, start):
    with pytest.raises((TypeError, ValueError), match="the starting images"):
        descend(tiny, total_variation(), Pixels(start), steps=1)


# What is none of what it should be

DRAW, STYLE = {"steps": 2, "size": 12, "progress": False}, {"steps": 2, "scales": 1, "progress": False}
STYLE |= {"content_layers": ["3"], "style_layers": ["1"]}
NAMES, NOT_NEGATIVE = "layers must be a list of names", "must not be negative"
WRONG = {
    "a picture by its name": (lambda net, x: visualize(net, 1, image="fourier", **DRAW), "described by Pixels()"),
    "a class of pictures": (lambda net, x: visualize(net, 1, image=Pixels, **DRAW), "described by Pixels()"),
    "images as they are": (lambda net, x: descend(net, 1, x, steps=2), "described by Pixels()"),
    "nothing to add to": (lambda net, x: Smooth("noise"), "start must be these, not 'noise'"),
    "watch is a function": (lambda net, x: descend(net, 1, Pixels(), steps=2, watch=print), "Watch(callback)"),
    "one transform": (lambda net, x: visualize(net, 1, transforms=Jitter(2), **DRAW), "a list of transforms"),
    "transforms None": (lambda net, x: visualize(net, 1, transforms=None, **DRAW), "a list of transforms"),
    "a class of transforms": (lambda net, x: visualize(net, 1, transforms=[Crop], **DRAW), "a transform is one of"),
    "one regularizer": (
        lambda net, x: visualize(net, 1, image=Pixels(), regularizers=L2Decay(), **DRAW),
        "a list of regularizers",
    ),
    "a class of regularizers": (
        lambda net, x: visualize(net, 1, image=Pixels(), regularizers=[L2Decay], **DRAW),
        "a regularizer is one of",
    ),
    "a unit by its number": (lambda net, x: channel(3), 'one unit "layer:channel", not 3'),
    "layers of an objective": (lambda net, x: Objective(lambda net, seen: 0, layers="31"), NAMES),
    "layers of a texture": (lambda net, x: synthesize_texture(net, x[:1], layers="1", progress=False), NAMES),
    "layers of a style": (lambda net, x: style_loss(net, [x[:1]], layers="1"), NAMES),
    "layers of a content": (lambda net, x: content_loss(net, x, layers="31"), NAMES),
    "layers to look at": (lambda net, x: layer_outputs(net, x, "1"), NAMES),
    "content_layers": (
        lambda net, x: style_transfer(net, x, x, **{**STYLE, "content_layers": "3"}),
        "content_" + NAMES,
    ),
    "style_layers": (lambda net, x: style_transfer(net, x, x, **{**STYLE, "style_layers": "1"}), "style_" + NAMES),
    "layers of a training": (
        lambda net, x: PerceptualLoss(net, [x[:1]], style_weights=[1.0], content_layers="3", style_layers=["1"]),
        "content_" + NAMES,
    ),
    "a dream of a number": (lambda net, x: deepdream(net, x, 3, progress=False), "a list of names, or one name, not 3"),
    "one network": (lambda net, x: Ensemble(net), "nets must be a list of networks"),
    "one photo": (lambda net, x: crop_set("cat"), "names must be a list of photos' names"),
    "one variant": (lambda net, x: crop_set(["cat"], variants="whole"), "variants must be a list"),
    "one zoom": (lambda net, x: photo_tiles(["cat"], zooms=1), "zooms must be a list of numbers"),
    "one quality": (lambda net, x: survival(net, x, 1, qualities=75), "qualities must be a list of numbers"),
    "one share": (lambda net, x: pruning_curve(net, x, "3", 1, range(8), shares=0.5), "shares must be a list"),
    "a negative weight": (lambda net, x: texture_loss(net, x[:1], ["1"], layer_weights=[-1]), NOT_NEGATIVE),
    "a weight that is NaN": (lambda net, x: texture_loss(net, x[:1], ["1"], layer_weights=[np.nan]), NOT_NEGATIVE),
    "one weight": (lambda net, x: texture_loss(net, x[:1], ["1"], layer_weights=0.5), "a list of numbers, not 0.5"),
    "shares of Gram matrices": (lambda net, x: mean_gram([x, x], [1.0]), "shares has 1 numbers for 2 styles"),
    "shares of styles": (
        lambda net, x: style_loss(net, [x[:1]], layers=["1"], shares=[0.5, 0.5]),
        "shares has 2 numbers for 1 styles",
    ),
    "no learning rate": (lambda net, x: invert(net, x, "3", lr=0, progress=False), "lr must be greater than 0"),
    "no field": (lambda net, x: receptive_field(net, "3", size=0), "size must be greater than 0"),
    "features as an array": (
        lambda net, x: invert(net, x, "3", features=np.zeros((2, 8, 8, 9)), progress=False),
        "features must be a torch tensor",
    ),
    "octave_scale": (lambda net, x: deepdream(net, x, "3", octave_scale="2", progress=False), "must be a number"),
    "step_size": (lambda net, x: deepdream(net, x, "3", step_size=None, progress=False), "must be a number"),
    "dream_weight": (lambda net, x: style_transfer(net, x, x, dream_weight="1", **STYLE), "must be a number"),
    "noise of pixels": (lambda net, x: Pixels("noise", "1"), "noise must be a number"),
    "noise of waves": (lambda net, x: Fourier(noise=-1), NOT_NEGATIVE),
    "decay of waves": (lambda net, x: Fourier(decay="1"), "decay must be a number"),
    "smoothness": (lambda net, x: Smooth(x, np.inf), "smoothness must be finite"),
    "decay": (lambda net, x: L2Decay("1"), "decay must be a number"),
    "percent": (lambda net, x: ClipSmallNorm("1"), "percent must be a number"),
    "gray of a border": (lambda net, x: Pad(2, "gray"), "value must be a number"),
    "a shift": (lambda net, x: Jitter("8"), "pixels must be a number"),
    "an angle": (lambda net, x: Rotate(None), "degrees must be a number"),
    "sizes": (lambda net, x: Scale(2, 1), "low must not exceed high; not 2, 1"),
}


@pytest.mark.parametrize("use, words", WRONG.values(), ids=list(WRONG))
def test_what_is_none_of_what_it_should_be(tiny, images, use, words):
    with pytest.raises((TypeError, ValueError)) as caught:
        use(tiny, images)
    assert words in str(caught.value) and "\n" not in str(caught.value)


# Other doors


def test_one_unbatched_picture(tiny, images):
    with pytest.raises(ValueError, match=r"Add the batch dimension with images\[None\]"):
        top_patches(tiny, images[0], "3", k=1, progress=False)


def test_half_precision_rows():
    rows = torch.rand(20, 6, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(pca(rows.half(), k=2).variances, pca(rows, k=2).variances, atol=1e-2)


@pytest.mark.parametrize("rows", [torch.ones(20, 8), torch.rand(20, 1), torch.full((20, 8), 1e30)])
def test_rows_that_have_no_map(rows):
    with pytest.raises(ValueError, match='use init="random"') as caught:
        tsne(rows, perplexity=5)
    assert "\n" not in str(caught.value)


def test_gray_pictures_keep_and_match_colors():
    gray, other = torch.rand(1, 1, 8, 9), torch.rand(1, 1, 7, 6)
    matched = match_colors(gray, other)
    assert torch.allclose(matched.mean(), other.mean(), atol=1e-5) and torch.equal(keep_colors(gray, other), gray)


def test_a_gray_channel_can_be_shown():
    """It looks like the same picture in three equal colors."""
    gray, maps = torch.rand(3, 1, 16, 16), torch.rand(3, 4, 4)
    drawn = [
        [ax.images[0].get_array() for ax in show_channel(x, maps).axes if ax.images]
        for x in (gray, gray.expand(-1, 3, -1, -1))
    ]
    assert len(drawn[0]) == 3 and all(np.array_equal(one, other) for one, other in zip(*drawn, strict=True))
