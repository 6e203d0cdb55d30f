"""Neighbors: distances against torch and scikit-learn, ties, recall by hand."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from torch import nn

from course_utils import activations, figures, stimuli
from course_utils.networks import Network


def rows(n, d, seed=0, dtype=torch.float64):
    return torch.randn((n, d), generator=torch.Generator().manual_seed(seed), dtype=dtype)


def color_net() -> Network:
    """Its features are the mean color: places are forgotten."""
    model = nn.Sequential()
    model.add_module("conv", nn.Conv2d(3, 3, 1, bias=False))
    with torch.no_grad():
        model.conv.weight.copy_(torch.eye(3)[:, :, None, None])
    return Network(model, name="color", feature_layer="conv")


def test_l2_by_hand():
    a = torch.tensor([[0.0, 0.0], [3.0, 4.0]])
    assert activations.l2_distances(a, torch.tensor([[3.0, 0.0]])).flatten().tolist() == [3.0, 4.0]
    assert activations.l2_distances(a).tolist() == [[0.0, 5.0], [5.0, 0.0]]


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 40), st.floats(-1e3, 1e3))
def test_l2_equals_cdist_and_moving_everything_changes_nothing(n, m, d, offset):
    a, b = rows(n, d), rows(m, d, 1)
    expected = torch.cdist(a, b, compute_mode="donot_use_mm_for_euclid_dist")
    assert torch.allclose(activations.l2_distances(a + offset, b + offset), expected, atol=1e-7)


def test_near_copies_far_from_zero_do_not_give_nan():
    # The plain formula in single precision: squares near 1e7 hide a distance of 0.01, and some come out negative.
    b = 100 + 1e-3 * rows(50, 1000, dtype=torch.float32)
    plain = b.square().sum(1)[:, None] - 2 * b @ b.T + b.square().sum(1)
    assert (plain < 0).any()  # the trap is real
    got = activations.l2_distances(b)
    exact = torch.cdist(b.double(), b.double(), compute_mode="donot_use_mm_for_euclid_dist")
    assert torch.isfinite(got).all() and torch.equal(got.diagonal(), torch.zeros(50))
    assert torch.allclose(got.double(), exact, rtol=1e-4)


def test_copies_in_two_sets_are_at_distance_zero_not_nan():
    a = rows(200, 50)  # in double precision, too, some squares of copies come out a little below zero
    got = activations.l2_distances(a, a.clone())
    assert torch.isfinite(got).all() and got.diagonal().max() < 1e-5


def test_more_columns_than_one_block():
    a = rows(3, 40000, dtype=torch.float32)
    assert torch.allclose(activations.l2_distances(a), torch.cdist(a, a), rtol=1e-4, atol=1e-3)


def test_cosine_by_hand():
    a = torch.tensor([[1.0, 0.0], [0.0, 2.0], [-3.0, 0.0], [0.0, 0.0], [5.0, 5.0]])
    got = activations.cosine_distances(a[:1], a)[0]
    assert torch.allclose(got, torch.tensor([0.0, 1.0, 2.0, 1.0, 1 - 1 / math.sqrt(2)]))


def test_cosine_equals_scikit_learn_and_stays_in_range():
    from sklearn.metrics.pairwise import cosine_distances

    a = torch.cat([rows(20, 7), rows(20, 7) * 1e-3, torch.zeros(1, 7, dtype=torch.float64)])
    expected = torch.from_numpy(cosine_distances(a.numpy()))
    assert torch.allclose(activations.cosine_distances(a[:20], a), expected[:20], atol=1e-12)
    ours = activations.cosine_distances(a.float())
    assert ours.min() >= 0 and ours.max() <= 2 and (ours.diagonal() == 0).all()


def test_cosine_of_tiny_vectors():
    a = torch.tensor([[1e-30, 0.0], [0.0, 1e-30]])
    assert torch.allclose(activations.cosine_distances(a, a[:1]).flatten(), torch.tensor([0.0, 1.0]))


def test_on_unit_vectors_cosine_is_half_the_squared_l2():
    a = nn.functional.normalize(rows(12, 5), dim=1)
    assert torch.allclose(activations.cosine_distances(a), activations.l2_distances(a).square() / 2, atol=1e-12)


def test_ties_go_to_the_lower_index():
    d = torch.tensor([[2.0, 1.0, 1.0, 0.0, 1.0]])
    indices, values = activations.nearest(d, 4)
    assert indices.tolist() == [[3, 1, 2, 4]] and values.tolist() == [[0.0, 1.0, 1.0, 1.0]]


def test_all_equal_gives_the_first():
    assert activations.nearest(torch.zeros(3, 200), 5)[0].tolist() == [[0, 1, 2, 3, 4]] * 3


def test_self_is_left_out_even_if_a_copy_comes_first():
    d = torch.zeros(3, 3)  # three identical pictures: leaving out "the first of the row" would leave out the wrong one
    assert activations.nearest(d, 2, exclude_self=True)[0].tolist() == [[1, 2], [0, 2], [0, 1]]


def test_nearest_equals_scikit_learn():
    from sklearn.neighbors import NearestNeighbors

    a, q = rows(60, 9), rows(10, 9, 3)
    distances, indices = NearestNeighbors(n_neighbors=7).fit(a.numpy()).kneighbors(q.numpy())
    got, values = activations.nearest(activations.l2_distances(q, a), 7)
    assert torch.equal(got, torch.from_numpy(indices))
    assert torch.allclose(values, torch.from_numpy(distances))


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: activations.nearest(torch.zeros(2, 3), 4), "from 1 to 3, the size of the set; not 4"),
        (
            lambda: activations.nearest(torch.zeros(3, 3), 3, exclude_self=True),
            "from 1 to 2.*without the picture itself; not 3",
        ),
        (lambda: activations.nearest(torch.zeros(2, 3), 0), "not 0"),
        (lambda: activations.nearest(torch.zeros(2, 3), 1.5), "not 1.5"),
        (lambda: activations.nearest(torch.zeros(2, 3), 1, exclude_self=True), "2x3"),
        (lambda: activations.nearest(torch.full((2, 2), math.nan), 1), "NaN.*clamp"),
        (lambda: activations.nearest(torch.zeros(3), 1), r"\(N, M\), not \(3,\)"),
        (lambda: activations.l2_distances(torch.zeros(2, 3, 4)), r"a must be.*\(2, 3, 4\).*flatten"),
        (lambda: activations.l2_distances(torch.zeros(2, 3), torch.zeros(2, 4)), "3 and of 4 numbers"),
        (lambda: activations.l2_distances(torch.zeros(2, 3).int()), "floating point"),
        (lambda: activations.cosine_distances(torch.full((1, 2), math.inf)), "NaN or infinity"),
        (lambda: activations.cosine_distances(torch.zeros(0, 2)), "a is empty"),
        (
            lambda: activations.neighbors(None, torch.zeros(3, 3, 4, 4), k=3, space="pixels"),
            "from 1 to 2, the pictures",
        ),
        (lambda: activations.neighbors(None, torch.zeros(3, 3, 4, 4), k=1), "needs a network"),
        (lambda: activations.neighbors(None, torch.zeros(3, 3, 4, 4), k=1, space="rgb"), "space must be one of"),
        (lambda: activations.neighbors(None, torch.zeros(3, 3, 4, 4), k=1, metric="l1"), "metric must be one of"),
        (
            lambda: activations.neighbors(
                None, torch.zeros(3, 3, 4, 4), queries=torch.zeros(1, 3, 5, 5), k=1, space="pixels"
            ),
            r"\(4, 4\) and queries of \(5, 5\) differ in size",
        ),
        (lambda: activations.recall_at_k(torch.zeros(3, 3), [0, 0, 1], 1), "object 1 has only one picture"),
        (lambda: activations.recall_at_k(torch.zeros(3, 3), [0, 0], 1), "3 pictures"),
        (lambda: stimuli.crop_set(["coffee"], variants=["upside"]), "variant must be one of.*not 'upside'"),
        (lambda: stimuli.crop_set([]), "at least one photo"),
        (lambda: stimuli.crop_set(["cofee"]), "no photo 'cofee'. Did you mean coffee"),
        (lambda: stimuli.crop_set(["coffee"], shift=0.9), "between 0 and 0.5"),
        (lambda: stimuli.crop_set(["coffee"], size=0), "size must be greater than 0"),
    ],
)
def test_bad_input_is_one_clear_line(call, message):
    with pytest.raises((ValueError, TypeError), match=message) as error:
        call()
    assert "\n" not in str(error.value)


def test_recall_by_hand():
    # objects 0, 0, 1, 1 on a line at 0, 1, 2, 10: with one neighbor each,
    # 0 -> 1 right; 1 -> 0 right (tie with 2, lower index first); 2 -> 1 wrong; 10 -> 2 right
    x = torch.tensor([[0.0], [1.0], [2.0], [10.0]])
    assert activations.recall_at_k(activations.l2_distances(x), [0, 0, 1, 1], 1).tolist() == [1.0, 1.0, 0.0, 1.0]
    assert activations.recall_at_k(activations.l2_distances(x), [0, 0, 1, 1], 3).tolist() == [1.0] * 4


def test_recall_divides_by_what_there_is_to_find():
    x = torch.tensor([[0.0], [1.0], [2.0]])
    assert activations.recall_at_k(activations.l2_distances(x), [5, 5, 5], 1).tolist() == [0.5] * 3


def test_features_forget_the_place_and_pixels_do_not():
    images = torch.zeros(4, 3, 6, 6)
    images[0, 0, :3], images[1, 0, 3:] = 1, 1  # red above, red below
    images[2, 1, :3], images[3, 1, 3:] = 1, 1  # green above, green below
    images[2:, 0] = images[2:, 1] * 0.5
    assert activations.neighbors(color_net(), images, k=1).indices.flatten().tolist() == [1, 0, 3, 2]
    assert activations.neighbors(None, images, k=1, space="pixels").indices.flatten().tolist() == [2, 3, 0, 1]
    assert activations.neighbors(color_net(), images, queries=images[3:], k=1, metric="cosine").indices.tolist() == [
        [2]
    ]


def test_crop_set_keeps_its_promises():
    crops = stimuli.crop_set(["coffee", "cat"], size=32)
    assert crops.images.shape == (12, 3, 32, 32) and crops.images.min() >= 0 and crops.images.max() <= 1
    assert crops.objects.tolist() == [0] * 6 + [1] * 6 and crops.names == ["coffee", "cat"]
    by = dict(zip(crops.variants[:6], crops.images[:6], strict=True))
    assert torch.equal(by["flipped"], by["whole"].flip(2))
    assert torch.equal(by["recolored"][1], by["whole"][0])  # red becomes green
    step = round(0.22 * 32)
    assert torch.equal(by["left"][:, :, : 32 - step], by["whole"][:, :, step:])  # its content moved left
    assert torch.equal(by["right"][:, :, step:], by["whole"][:, :, : 32 - step])


def test_figures_are_figures():
    crops = stimuli.crop_set(["coffee", "cat"], variants=["whole", "flipped"], size=32)
    found = activations.neighbors(None, crops.images, k=2, space="pixels")
    table = activations.l2_distances(activations.vectors(None, crops.images, space="pixels"))
    shown = [
        figures.show_neighbors(crops.images, found.indices, [0, 2], objects=crops.objects, distances=found.distances),
        figures.show_neighbors(crops.images, found.indices, query_images=crops.images, title="t"),
        figures.show_neighbors(crops.images, found.indices[:3], objects=crops.objects, columns=2),
        figures.show_distances(table, crops.objects, title="t"),
    ]
    assert all(isinstance(one, Figure) for one in shown)


def test_nothing_is_left_behind():
    net, images = color_net(), torch.rand((4, 3, 5, 5), generator=torch.Generator().manual_seed(0))
    before, state = images.clone(), torch.get_rng_state()
    activations.neighbors(net, images, k=2, metric="cosine")
    a = images.flatten(1)
    activations.l2_distances(a), activations.cosine_distances(a)
    assert torch.equal(images, before) and torch.equal(torch.get_rng_state(), state)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in net.modules())
