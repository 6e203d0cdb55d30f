"""PCA and t-SNE's affinities against scikit-learn, maps on a grid against all permutations."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure

from course_utils import activations, figures
from course_utils.activations.image_map import fit_square


def rows(n, d, seed=0):
    return torch.randn((n, d), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_pca_of_a_line_by_hand():
    x = torch.tensor([[0.0, 0.0], [3.0, 4.0], [6.0, 8.0]], dtype=torch.float64)  # along (3, 4) / 5, at -5, 0, 5
    got = activations.pca(x, k=1)
    assert torch.allclose(got.components, torch.tensor([[0.6, 0.8]]).double())
    assert torch.allclose(got.variances, torch.tensor([25.0]).double())
    assert torch.allclose(got.project(x).flatten(), torch.tensor([-5.0, 0, 5]).double())
    assert torch.allclose(got.reconstruct(got.project(x)), x) and torch.allclose(got.ratio, torch.ones(1).double())


@pytest.mark.parametrize("shape", [(30, 6), (8, 20)])
def test_pca_equals_scikit_learn_up_to_sign(shape):
    from sklearn.decomposition import PCA

    x, k = rows(*shape) * torch.linspace(3, 0.5, shape[1]), 5
    ours, theirs = activations.pca(x, k=k), PCA(k, svd_solver="full").fit(x.numpy())
    assert torch.allclose(ours.variances, torch.from_numpy(theirs.explained_variance_))
    assert torch.allclose(ours.ratio, torch.from_numpy(theirs.explained_variance_ratio_))
    assert torch.allclose(
        (ours.components @ torch.from_numpy(theirs.components_).T).abs(), torch.eye(k).double(), atol=1e-9
    )


@settings(max_examples=25, deadline=None)
@given(st.integers(2, 12), st.integers(1, 8), st.integers(0, 99))
def test_what_pca_leaves_out_is_the_sum_of_the_variances_left_out(n, d, seed):
    x = rows(n, d, seed)
    full = activations.pca(x)
    for k in range(1, min(n, d) + 1):
        part = activations.pca(x, k=k)
        lost = (x - part.reconstruct(part.project(x))).square().sum() / (n - 1)
        assert torch.allclose(lost, full.variances[k:].sum(), atol=1e-9)
        assert torch.allclose(part.components @ part.components.T, torch.eye(k).double(), atol=1e-9)


def test_pca_sign_is_fixed():
    x = rows(20, 4)
    largest = activations.pca(x).components.gather(1, activations.pca(x).components.abs().argmax(1, keepdim=True))
    assert (largest > 0).all() and torch.allclose(activations.pca(-x).components, activations.pca(x).components)


def test_pca_of_equal_points_has_no_nan():
    got = activations.pca(torch.ones(4, 3))
    assert (got.variances.abs() < 1e-10).all() and torch.isfinite(got.ratio).all()


def test_perplexity_of_known_rows():
    p = torch.tensor([[0.25] * 4, [0.5, 0.5, 0, 0], [1.0, 0, 0, 0]])
    assert torch.allclose(activations.perplexity_of(p), torch.tensor([4.0, 2, 1]))


@settings(max_examples=25, deadline=None)
@given(st.integers(5, 40), st.floats(0.05, 0.95), st.integers(0, 99))
def test_every_row_gets_the_wanted_perplexity(n, share, seed):
    wanted = 1 + share * (n - 2.2)
    p = activations.affinities(rows(n, 3, seed) * 10 ** (seed % 7 - 3), perplexity=wanted)
    assert torch.allclose(activations.perplexity_of(p), torch.tensor(wanted).double(), rtol=1e-6)
    assert torch.allclose(p.sum(1), torch.ones(n).double()) and (p.diagonal() == 0).all()


def test_affinities_equal_scikit_learn():
    from sklearn.manifold import _utils

    x = rows(50, 6)
    squares = torch.cdist(x, x).square().numpy().astype(np.float32)
    theirs = _utils._binary_search_perplexity(squares, 12.0, 0)
    assert np.abs(activations.affinities(x, perplexity=12).numpy() - theirs).max() < 1e-4


def test_corners_of_a_square_by_symmetry():
    x = torch.tensor([[0.0, 0], [0, 1], [1, 1], [1, 0]], dtype=torch.float64)
    p = activations.affinities(x, perplexity=2.5)
    assert torch.allclose(p[0, 1], p[0, 3]) and p[0, 2] < p[0, 1]
    assert torch.allclose(p[0, 2], p[1, 3]) and torch.allclose(activations.joint(p) * 4, p)


def test_far_groups_and_copies_do_not_break_the_search():
    x = torch.cat([rows(10, 2), rows(10, 2, 1) * 1e-4 + 1e4])
    p = activations.affinities(x, perplexity=4)
    assert torch.allclose(activations.perplexity_of(p), torch.tensor(4.0).double(), rtol=1e-5)
    copies = activations.affinities(torch.zeros(6, 2), perplexity=2)  # five copies each: no width can choose among them
    assert torch.allclose(copies, (1 - torch.eye(6)) / 5)


def test_joint_sums_to_one_and_is_symmetric():
    p = activations.joint(activations.affinities(rows(15, 4), perplexity=4))
    assert torch.allclose(p.sum(), torch.tensor(1.0).double()) and torch.equal(p, p.T)


def test_map_affinities_and_divergence_by_hand():
    y = torch.tensor([[0.0, 0], [1, 0], [0, 3]], dtype=torch.float64)  # squares 1, 9, 10: weights 1/2, 1/10, 1/11
    q = activations.map_affinities(y)
    total = 2 * (1 / 2 + 1 / 10 + 1 / 11)
    assert torch.allclose(q[0, 1], torch.tensor(0.5 / total).double()) and torch.allclose(q[1, 2], q[0, 2] * 10 / 11)
    assert activations.kl_divergence(q, q) == pytest.approx(0, abs=1e-12)
    p = torch.tensor([[0, 0.5], [0.5, 0]])
    assert activations.kl_divergence(p, torch.tensor([[0, 0.25], [0.75, 0]])) == pytest.approx(
        0.5 * np.log(2) + 0.5 * np.log(2 / 3)
    )


def test_divergence_equals_what_scikit_learn_minimized():
    from sklearn.manifold import TSNE

    x = rows(40, 5)
    method = TSNE(perplexity=8, method="exact", init="random", random_state=0, max_iter=300)
    y = torch.from_numpy(method.fit_transform(x.numpy().astype(np.float32))).double()
    ours = activations.kl_divergence(
        activations.joint(activations.affinities(x, perplexity=8)), activations.map_affinities(y)
    )
    assert ours == pytest.approx(method.kl_divergence_, rel=2e-3)


def symmetric(n, seed=0):
    p = rows(n, n, seed).abs()
    p = (p + p.T) * (1 - torch.eye(n))
    return p / p.sum()


def test_gradient_by_hand():
    # two pairs of three points: all p lie on the pair (0, 1), at distance 1; the third point is far away
    p = torch.tensor([[0.0, 0.5, 0], [0.5, 0, 0], [0, 0, 0]], dtype=torch.float64)
    y = torch.tensor([[0.0, 0], [1, 0], [0, 1e6]], dtype=torch.float64)
    assert activations.kl_gradient(p, y).abs().max() < 1e-5  # q is p already
    y = torch.tensor([[0.0, 0], [1, 0], [-1, 0]], dtype=torch.float64)  # weights 1/2, 1/2, 1/5: q = 5/24, 5/24, 2/24
    pull, push = 4 * (1 / 2 - 5 / 24) / 2, 4 * (5 / 24) / 2  # by point 1, and away from point 2
    assert torch.allclose(activations.kl_gradient(p, y)[0], torch.tensor([-pull - push, 0]).double())


@pytest.mark.parametrize("tail", ["student", "gaussian"])
@pytest.mark.parametrize("n", [3, 12])
def test_gradient_is_the_divergences(n, tail):
    p, y = symmetric(n), rows(n, 2, 1).requires_grad_()
    squares = (y[:, None] - y[None]).square().sum(2)
    weights = (1 / (1 + squares) if tail == "student" else torch.exp(-squares)) * (1 - torch.eye(n))
    q = weights / weights.sum()
    other = ~torch.eye(n, dtype=torch.bool)
    (expected,) = torch.autograd.grad((p[other] * (p[other] / q[other]).log()).sum(), y)
    assert torch.allclose(activations.kl_gradient(p, y.detach(), tail=tail), expected, atol=1e-12)


@pytest.mark.parametrize("factor", [1, 12])  # 12: early exaggeration
def test_gradient_equals_scikit_learns(factor):
    from scipy.spatial.distance import squareform
    from sklearn.manifold import _t_sne

    p, y = symmetric(20), rows(20, 2, 1) * 3
    loss, theirs = _t_sne._kl_divergence(y.numpy().ravel(), factor * squareform(p.numpy()), 1, 20, 2)
    assert np.allclose(activations.kl_gradient(factor * p, y).numpy().ravel(), theirs, atol=1e-12)
    if factor == 1:
        assert activations.kl_divergence(p, activations.map_affinities(y)) == pytest.approx(loss)


def test_plain_tsne_reaches_the_divergence_that_scikit_learn_reaches():
    from sklearn.manifold import TSNE

    x = torch.cat([rows(25, 10), rows(25, 10, 1) + 5, rows(25, 10, 2) - 5])
    method = TSNE(perplexity=8, method="exact", init="pca", random_state=0)
    method.fit(x.numpy().astype(np.float32))
    p = activations.joint(activations.affinities(x, perplexity=8))
    for init in ("pca", "random"):
        y = activations.plain_tsne(x, perplexity=8, init=init, steps=1000)
        assert activations.kl_divergence(p, activations.map_affinities(y)) < 1.25 * method.kl_divergence_
        assert activations.label_agreement(y, [0] * 25 + [1] * 25 + [2] * 25) == 1


def test_plain_tsne_repeats_itself_and_its_seed_counts():
    x = rows(30, 4)
    one, same, other = (activations.plain_tsne(x, perplexity=5, init="random", seed=s, steps=20) for s in (0, 0, 1))
    assert torch.equal(one, same) and not torch.allclose(one, other)


@pytest.mark.parametrize("x", [torch.ones(20, 8), torch.rand(20, 1), torch.full((20, 8), 1e30)])
def test_plain_tsne_of_rows_that_have_no_map(x):
    with pytest.raises(ValueError, match='use init="random"'):
        activations.plain_tsne(x, perplexity=5)


@pytest.mark.parametrize("x", [torch.ones(20, 8), torch.arange(20.0)[:, None]])
def test_tsne_from_random_places_takes_rows_that_pca_cannot_spread(x):
    assert activations.tsne(x, perplexity=5, init="random", steps=250).isfinite().all()


def test_tsne_separates_two_groups_and_repeats_itself():
    x = torch.cat([rows(20, 80), rows(20, 80, 1) + 8])
    before, state = np.random.get_state()[1].copy(), torch.get_rng_state()
    y = activations.tsne(x, perplexity=5, steps=400)
    assert y.shape == (40, 2) and y.dtype == x.dtype and torch.equal(y, activations.tsne(x, perplexity=5, steps=400))
    assert activations.label_agreement(y, [0] * 20 + [1] * 20, k=3) == 1
    assert (np.random.get_state()[1] == before).all() and torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: activations.pca(rows(1, 3)), "at least two rows"),
        (lambda: activations.pca(rows(4, 3), k=4), r"between 1 and 3.*\(4, 3\) data; not 4"),
        (lambda: activations.pca(torch.zeros(2, 2, 2)), r"\(2, 2, 2\)"),
        (
            lambda: activations.affinities(rows(10, 2), perplexity=9),
            "perplexity 9 is impossible for 10 points.*less than 9",
        ),
        (lambda: activations.affinities(rows(10, 2), perplexity=0.5), "impossible"),
        (lambda: activations.affinities(rows(10, 2), perplexity=float("nan")), "impossible"),
        (
            lambda: activations.tsne(rows(20, 2), perplexity=30),
            "perplexity 30 is impossible for 20 points: each has only 19",
        ),
        (lambda: activations.tsne(rows(2, 2), perplexity=1), "at least 3 points, not 2"),
        (lambda: activations.tsne(rows(20, 2), perplexity=5, init="umap"), "init must be one of 'pca', 'random'"),
        (lambda: activations.tsne(rows(20, 2), perplexity=5, steps=10), "at least 250"),
        (lambda: activations.tsne(torch.ones(20, 8), perplexity=5), "all rows are .almost. the same"),
        (lambda: activations.tsne(torch.ones(20, 80), perplexity=5), "all rows are .almost. the same"),
        (lambda: activations.tsne(1e-30 * rows(20, 8).float(), perplexity=5), "all rows are .almost. the same"),
        (lambda: activations.tsne(1e25 * rows(20, 8), perplexity=5), "too large"),
        (lambda: activations.tsne(rows(20, 1), perplexity=5), "x has one column"),
        (lambda: activations.grid_cells(rows(5, 2), rows=2, columns=2), "2 x 2 cells are too few for 5 points"),
        (lambda: activations.label_agreement(rows(5, 2), [0, 1]), "5 points but labels"),
        (lambda: activations.label_agreement(rows(5, 2), [0] * 5, k=5), "from 1 to 4"),
        (lambda: figures.show_map(torch.zeros(2, 3, 4, 4), rows(3, 2)), "2 images but 3 points"),
        (lambda: figures.show_grid(torch.zeros(2, 3, 4, 4), torch.zeros(3, 2)), "2 images but 3 cells"),
    ],
)
def test_bad_input_is_one_clear_line(call, message):
    with pytest.raises((ValueError, TypeError), match=message) as error:
        call()
    assert "\n" not in str(error.value)


def test_points_on_a_grid_stay_where_they_are():
    cells = torch.tensor([[r, c] for r in range(3) for c in range(4)])
    points = torch.stack([cells[:, 1] + 0.5, -cells[:, 0] + 0.0], 1).double()[
        torch.randperm(12, generator=torch.Generator().manual_seed(3))
    ]
    got = activations.grid_cells(points, rows=3, columns=4)
    assert torch.equal(got[:, 1], (points[:, 0] - 0.5).long()) and torch.equal(got[:, 0], -points[:, 1].long())


def test_no_other_assignment_moves_less():
    points = rows(6, 2, 4)
    square = fit_square(points)
    centers = torch.tensor([[(c + 0.5) / 3, 1 - (r + 0.5) / 2] for r in range(2) for c in range(3)]).double()

    def cost(order):
        return (square - centers[list(order)]).square().sum().item()

    best = min(cost(order) for order in itertools.permutations(range(6)))
    got = activations.grid_cells(points, rows=2, columns=3)
    order = (got[:, 0] * 3 + got[:, 1]).tolist()
    assert sorted(order) == list(range(6)) and cost(order) == pytest.approx(best)


def test_grid_sizes_are_chosen_to_fit():
    for n in (1, 2, 5, 17):
        cells = activations.grid_cells(rows(n, 2))
        assert len({tuple(c) for c in cells.tolist()}) == n
    assert activations.grid_cells(rows(7, 2), rows=2)[:, 0].max() <= 1


def test_label_agreement_by_hand():
    x = torch.tensor([[0.0], [1.0], [10.0], [11.0], [10.4]])
    assert activations.label_agreement(x, [0, 0, 1, 1, 0], k=1) == pytest.approx(
        2 / 5
    )  # 10 and 11 find 10.4 first, it finds 10


def test_figures_are_figures():
    images, points = torch.rand((6, 3, 8, 8), generator=torch.Generator().manual_seed(0)), rows(6, 2)
    shown = [
        figures.show_scree({"a": activations.pca(rows(9, 5)).ratio}, title="t"),
        figures.show_points({"a": points, "b": points}, range(6), names=list("abcdef"), title="t"),
        figures.show_points(points, range(6), text=True),
        figures.show_map(images, points, title="t"),
        figures.show_map(images[:, 0], points),
        figures.show_grid(images, activations.grid_cells(points), title="t"),
    ]
    assert all(isinstance(one, Figure) for one in shown)
