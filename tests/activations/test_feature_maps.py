"""Feature maps: known answers by arithmetic, and nothing left behind."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from torch import nn

from course_utils import activations, figures, stimuli
from course_utils.activations.feature_maps import SCALINGS
from course_utils.networks import Network


def tiny(classifier: bool = False) -> Network:
    """Red, its negative after a ReLU (dead), and green; then, on demand, a pooling to one vector."""
    conv = nn.Conv2d(3, 3, 1)
    with torch.no_grad():
        conv.weight.zero_()
        conv.bias.zero_()
        conv.weight[0, 0] = 1
        conv.weight[1, 0] = -1
        conv.weight[2, 1] = 2
    parts = {"conv": conv, "relu": nn.ReLU(inplace=True)}
    if classifier:
        parts |= {"pool": nn.AdaptiveAvgPool2d(1), "flat": nn.Flatten()}
    model = nn.Sequential()
    for name, module in parts.items():
        model.add_module(name, module)
    return Network(model.double(), name="tiny")


def pictures(n=3, size=4, seed=0):
    return torch.rand((n, 3, size, size), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_maps_are_the_layers_output():
    images = pictures()
    maps = activations.feature_maps(tiny(), images, "relu")
    assert torch.equal(maps[:, 0], images[:, 0])
    assert (maps[:, 1] == 0).all()
    assert torch.allclose(maps[:, 2], 2 * images[:, 1])


def test_maps_before_an_in_place_relu_keep_their_sign():
    images = pictures()
    assert torch.equal(activations.feature_maps(tiny(), images, "conv")[:, 1], -images[:, 0])


def test_batches_do_not_change_the_maps():
    images = pictures(5)
    assert torch.equal(
        activations.feature_maps(tiny(), images, "relu"), activations.feature_maps(tiny(), images, "relu", batch_size=2)
    )


def test_a_layer_without_maps_is_refused():
    with pytest.raises(ValueError, match=r"'flat' of tiny has no maps.*\(3, 3\).*features\(\)"):
        activations.feature_maps(tiny(classifier=True), pictures(), "flat")


def test_an_unknown_layer_is_refused_with_what_exists():
    with pytest.raises(ValueError, match="no layer 'rel'.*relu"):
        activations.feature_maps(tiny(), pictures(), "rel")


MAPS = torch.tensor([[[0.0, 2.0], [4.0, 8.0]], [[1.0, 1.0], [1.0, 1.0]], [[-2.0, 0.0], [0.0, 0.0]]])


def test_shared_scaling_keeps_brightness_comparable():
    got = activations.scale_maps(MAPS, scaling="shared")
    assert torch.allclose(got, (MAPS + 2) / 10)


def test_own_scaling_stretches_each_and_shows_a_constant_as_black():
    got = activations.scale_maps(MAPS, scaling="own")
    assert torch.allclose(got[0], MAPS[0] / 8)
    assert (got[1] == 0).all()
    assert torch.equal(got[2], torch.tensor([[0.0, 1.0], [1.0, 1.0]]))


def test_all_constant_maps_do_not_give_nan():
    for scaling in SCALINGS:
        assert (activations.scale_maps(torch.full((2, 3, 3), 7.0), scaling=scaling) == 0).all()


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 7), st.floats(0.01, 100), st.floats(-50, 50), st.sampled_from(SCALINGS))
def test_scaling_forgets_unit_and_offset(count, factor, offset, scaling):
    maps = pictures(count)[:, 0]
    once, again = (
        activations.scale_maps(maps, scaling=scaling),
        activations.scale_maps(factor * maps + offset, scaling=scaling),
    )
    assert once.min() >= 0 and once.max() <= 1
    assert torch.allclose(once, again, atol=1e-8)


def test_tile_puts_each_picture_in_its_place():
    sheet = activations.tile(torch.arange(5.0).view(5, 1, 1).expand(5, 2, 3), columns=2, gap=1, fill=9)
    assert sheet.shape == (3 * 3 - 1, 2 * 4 - 1)
    for index in range(5):
        row, column = divmod(index, 2)
        assert (sheet[row * 3 : row * 3 + 2, column * 4 : column * 4 + 3] == index).all()
    assert (sheet[2] == 9).all() and (sheet[:, 3] == 9).all() and (sheet[6:, 4:] == 9).all()


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: activations.scale_maps(torch.zeros(2, 3)), r"shape \(C, h, w\).*\(2, 3\)"),
        (lambda: activations.scale_maps(MAPS, scaling="max"), "scaling must be one of 'shared', 'own'; not 'max'"),
        (lambda: activations.scale_maps(torch.full((1, 2, 2), float("nan"))), "NaN"),
        (lambda: activations.scale_maps(torch.zeros(0, 2, 2)), "no maps"),
        (lambda: activations.tile(MAPS, columns=0), "columns must be greater than 0"),
        (lambda: activations.tile(MAPS, gap=-1), "gap must not be negative"),
        (lambda: activations.selectivity(torch.zeros(1, 3)), "N >= 2"),
        (lambda: activations.separation(torch.zeros(3, 2), [True, True, True]), "at least one True and one False"),
        (lambda: activations.separation(torch.zeros(3, 2), [True, False]), r"\(3, 2\), \(2,\)"),
        (lambda: stimuli.paste(pictures(1), torch.zeros(3, 9, 2)), "9x2 does not fit in images of 4x4"),
        (lambda: stimuli.write_word(pictures(1), "  "), "word is empty"),
        (lambda: figures.show_channel(pictures(2), MAPS), "2 images but 3 maps"),
        (lambda: figures.show_layers(tiny(), pictures(2), ["relu"]), "takes one image"),
        (lambda: figures.show_layers(tiny(), pictures(1), ["relu"], by="size"), "by must be one of 'peak', 'spread'"),
        (lambda: stimuli.face_patches(201), "from 2 to 200"),
        (lambda: activations.channels(tiny(), pictures(3), "relu", batch_size=0), "batch_size must be greater than 0"),
        (lambda: activations.channels(tiny(), pictures(3)[0], "relu"), "shape"),
        (lambda: activations.channels(tiny(), pictures(3)[:0], "relu"), "empty batch"),
    ],
)
def test_bad_input_is_one_clear_line(call, message):
    with pytest.raises((ValueError, TypeError), match=message) as error:
        call()
    assert "\n" not in str(error.value)


def test_group_must_be_booleans():
    with pytest.raises(TypeError, match="booleans"):
        activations.separation(torch.zeros(3, 2), [1, 0, 0])


def test_channels_peak_mean_and_dead_by_hand():
    images = pictures(5)
    got = activations.channels(tiny(), images, "relu", batch_size=2)
    assert torch.allclose(got.peak[:, 0], images[:, 0].amax((1, 2)))
    assert torch.allclose(got.mean[:, 2], 2 * images[:, 1].mean((1, 2)))
    assert got.dead.tolist() == [False, True, False]
    assert got.selectivity[1] == 0


def test_a_constant_but_positive_channel_is_dead_only_if_it_is_constant_over_images():
    images = torch.zeros((2, 3, 4, 4), dtype=torch.float64)
    images[1] = 0.5  # each map is constant, but the two images differ
    assert activations.channels(tiny(), images, "relu", batch_size=1).dead.tolist() == [False, True, False]


def test_strongest_puts_ties_in_order_and_checks_its_input():
    got = activations.Channels(
        torch.tensor([[1.0, 3.0, 3.0, 2.0]]), torch.zeros(1, 4), torch.zeros(4).bool(), torch.zeros(4)
    )
    assert got.strongest(k=3).tolist() == [1, 2, 3]
    with pytest.raises(ValueError, match="between 1 and 4.*not 5"):
        got.strongest(k=5)
    with pytest.raises(ValueError, match="no image 1; there are 1"):
        got.strongest(1)


def test_selectivity_of_one_hot_constant_silent_and_half():
    one, half = torch.tensor([0.0, 0, 0, 5]), torch.tensor([1.0, 1, 0, 0])
    r = torch.stack([one, torch.ones(4), torch.zeros(4), half], 1)
    # half: mean 1/2, mean square 1/2, so (1 - 1/2) / (1 - 1/4) = 2/3
    assert torch.allclose(activations.selectivity(r), torch.tensor([1.0, 0, 0, 2 / 3]), atol=1e-6)


def test_selectivity_has_no_unit():
    r = pictures(6)[:, :, 0, 0]
    assert torch.allclose(activations.selectivity(r), activations.selectivity(r * 1e-30))


def test_separation_equals_scikit_learn():
    from sklearn.metrics import roc_auc_score

    r = torch.randint(0, 4, (20, 6), generator=torch.Generator().manual_seed(1)).double()  # with ties
    group = torch.arange(20) % 3 == 0
    expected = [roc_auc_score(group.numpy(), r[:, c].numpy()) for c in range(6)]
    assert torch.allclose(activations.separation(r, group), torch.tensor(expected, dtype=torch.float64))


def test_paste_and_word_copy_and_stay_inside():
    images = torch.zeros((2, 3, 32, 32))
    out = stimuli.paste(images, torch.ones(3, 4, 6), place=(0.0, 1.0))
    assert (images == 0).all()
    assert (out[:, :, :4, 26:] == 1).all() and out.sum() == 2 * 3 * 24
    word = stimuli.write_word(images, "A", height=0.5)
    assert word.shape == images.shape and (images == 0).all()
    assert 0.02 < word.mean() < 0.5 and word.max() <= 1


def test_face_patches_are_half_faces():
    patches, is_face = stimuli.face_patches(10, size=20)
    assert patches.shape == (10, 3, 20, 20) and is_face.tolist() == [True] * 5 + [False] * 5
    assert patches.min() >= 0 and patches.max() <= 1


def test_figures_are_figures():
    images, net = pictures(4, 8), tiny()
    maps = activations.feature_maps(net, images, "relu")
    shown = [
        figures.show_maps(maps[0], title="t"),
        figures.show_maps(maps[:1], scaling="own", count=2),
        figures.show_layers(net, images[:1], ["conv", "relu"], k=2, by="spread"),
        figures.show_channel(images, maps[:, 0], list("abcd"), columns=2, marked=[True, False, False, False]),
        figures.show_separation(maps.amax((2, 3))[:, 0], [True, False, False, False], list("abcd"), k=3),
    ]
    assert all(isinstance(one, Figure) for one in shown)


def test_nothing_is_left_behind():
    net, images = tiny(), pictures().requires_grad_()
    state, before = torch.get_rng_state(), images.detach().clone()
    activations.channels(net, images, "relu")
    with pytest.raises(ValueError):
        activations.feature_maps(net, images, "nowhere")
    stimuli.write_word(images, "ab")
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(images, before) and images.grad is None and images.requires_grad
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in net.modules())
