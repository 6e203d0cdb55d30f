"""Known answers of the attacks: on a linear score everything can be computed by hand; foolbox judges the rest."""

import io

import numpy as np
import pytest
import torch
from PIL import Image

from course_utils import photo, tiny_net
from course_utils.gradients import adversarial
from course_utils.gradients.adversarial import fgsm, pgd, project
from course_utils.gradients.fooling import fool, fooled, magnify
from course_utils.gradients.survival import crop_and_resize, jpeg, survival
from course_utils.images import from_pil, to_pil
from tests.nets import without_normalization

EPS = 4 / 255


def images(count=3, seed=0, low=0.2, high=0.8, height=8, width=10):
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.uniform(low, high, (count, 3, height, width)))


@pytest.fixture
def linear():
    return without_normalization(tiny_net("linear", seed=1, height=8, width=10))


@pytest.fixture
def conv():
    return tiny_net("conv", seed=3)


def weights(net, target):
    return next(m for m in net.model if isinstance(m, torch.nn.Linear)).weight[target]


def test_fgsm_raises_a_linear_score_by_exactly_eps_times_the_l1_norm(linear):
    x = images()
    after = fgsm(linear, x, 2, eps=EPS, targeted=True, of="score")
    rise = (linear(after) - linear(x))[:, 2]
    torch.testing.assert_close(rise, EPS * weights(linear, 2).abs().sum().expand(3))
    fall = (linear(fgsm(linear, x, 2, eps=EPS, of="score")) - linear(x))[:, 2]
    torch.testing.assert_close(fall, -rise)


@pytest.mark.parametrize(("norm", "dual"), [("linf", 1), ("l2", 2)])
def test_pgd_on_a_linear_score_ends_at_the_best_point_of_the_ball(linear, norm, dual):
    x = images()
    after = pgd(
        linear, x, 2, eps=0.02, steps=10, norm=norm, targeted=True, of="score", random_start=True, progress=False
    )
    rise = (linear(after) - linear(x))[:, 2]
    best = 0.02 * weights(linear, 2).norm(p=dual).expand(3)
    if norm == "linf":
        torch.testing.assert_close(rise, best)
    else:
        assert (rise <= best + 1e-12).all() and (rise > 0.98 * best).all()


def test_one_step_of_pgd_is_fgsm(conv):
    x = images()
    torch.testing.assert_close(pgd(conv, x, eps=EPS, alpha=EPS, steps=1, progress=False), fgsm(conv, x, eps=EPS))


@pytest.mark.parametrize("targeted", [False, True])
@pytest.mark.parametrize("of", ["loss", "score"])
def test_the_step_goes_the_right_way(conv, targeted, of):
    x = images()
    target = conv(x).argmax(1) if not targeted else (conv(x).argmax(1) + 1) % 5
    after = pgd(conv, x, target, eps=EPS, steps=5, targeted=targeted, of=of, progress=False)
    quantity = lambda x: (conv(x) if of == "score" else conv(x).log_softmax(1)).gather(1, target[:, None])  # noqa: E731
    assert ((quantity(after) > quantity(x)) == targeted).all()


@pytest.mark.parametrize("norm", ["linf", "l2"])
@pytest.mark.parametrize("random_start", [False, True])
def test_the_result_stays_in_the_ball_and_in_the_range(conv, norm, random_start):
    x = images(low=0, high=1)
    after = pgd(conv, x, eps=0.1, alpha=0.07, steps=7, norm=norm, random_start=random_start, progress=False)
    change = (after - x).flatten(1)
    size = change.abs().amax(1) if norm == "linf" else change.norm(dim=1)
    assert (size <= 0.1 + 1e-12).all() and size.max() > 0.03
    assert after.min() >= 0 and after.max() <= 1


def test_eps_zero_changes_nothing(conv):
    x = images()
    for norm in ("linf", "l2"):
        assert torch.equal(pgd(conv, x, eps=0, steps=3, norm=norm, random_start=True, progress=False), x)
    assert torch.equal(fgsm(conv, x, eps=0), x)


def test_projection():
    change = torch.zeros(2, 3, 1, 2)
    change[0, 0, 0] = torch.tensor([3.0, 4.0])
    change[1, 0, 0] = torch.tensor([0.3, -0.4])
    torch.testing.assert_close(project(change, 1.0, "l2")[0, 0, 0], torch.tensor([0.6, 0.8]))
    assert torch.equal(project(change, 1.0, "l2")[1], change[1])  # inside: nothing moves
    assert project(change, 1.0, "linf")[0, 0, 0].tolist() == [1.0, 1.0]


def test_random_starts_repeat_with_their_seed(conv):
    x = images()
    options = {"eps": EPS, "alpha": 0.0, "steps": 1, "random_start": True, "progress": False}
    assert torch.equal(pgd(conv, x, seed=4, **options), pgd(conv, x, seed=4, **options))
    assert not torch.equal(pgd(conv, x, seed=4, **options), pgd(conv, x, seed=5, **options))


def test_pgd_and_fgsm_equal_foolbox(conv):
    foolbox = pytest.importorskip("foolbox")
    net, x = conv.float(), images().float()
    model = foolbox.PyTorchModel(net, bounds=(0, 1), device="cpu")
    labels = net(x).argmax(1)
    wanted = foolbox.criteria.TargetedMisclassification((labels + 1) % 5)
    for norm, attack in (
        ("linf", foolbox.attacks.LinfPGD(abs_stepsize=0.01, steps=6, random_start=False)),
        ("l2", foolbox.attacks.L2PGD(abs_stepsize=0.3, steps=6, random_start=False)),
    ):
        eps = 0.03 if norm == "linf" else 0.8
        options = {"eps": eps, "alpha": 0.01 if norm == "linf" else 0.3, "steps": 6, "norm": norm, "progress": False}
        _, theirs, _ = attack(model, x, labels, epsilons=eps)
        torch.testing.assert_close(pgd(net, x, labels, **options), theirs, atol=1e-6, rtol=0)
        _, theirs, _ = attack(model, x, wanted, epsilons=eps)
        torch.testing.assert_close(pgd(net, x, (labels + 1) % 5, targeted=True, **options), theirs, atol=1e-6, rtol=0)


def test_fool_stops_each_image_at_its_own_success(linear):
    x = images(4, low=0, high=1)
    first = linear(x).argmax(1)
    target = torch.where(
        torch.arange(4) == 0, first, linear(x).topk(2).indices[:, 1]
    )  # the first image already shows its target
    result = fool(linear, x, target, lr=0.05, steps=300, progress=False)
    assert result.success.all() and result.steps[0] == 0 and (result.steps[1:] > 0).all()
    assert torch.equal(result.images[0], x[0])
    assert torch.equal(linear(result.images).argmax(1), target)
    assert result.confidence.shape == result.original.shape == (4, int(result.steps.max()) + 1)
    torch.testing.assert_close(
        result.confidence[:, -1], linear(result.images).softmax(1).gather(1, target[:, None])[:, 0]
    )
    torch.testing.assert_close(result.original[:, 0], linear(x).softmax(1).amax(1))
    alone = fool(linear, x[2:3], target[2:3], lr=0.05, steps=300, progress=False)
    assert alone.steps[0] == result.steps[2]
    torch.testing.assert_close(alone.images[0], result.images[2])
    # one step less is not enough
    shorter = fool(linear, x[2:3], target[2:3], lr=0.05, steps=int(result.steps[2]) - 1, progress=False)
    assert not shorter.success.any()


def test_a_step_of_fool_has_length_lr(linear):
    x = images(2)
    target = linear(x).argmin(1)
    result = fool(linear, x, target, lr=0.05, steps=1, progress=False)
    change = result.images - x
    torch.testing.assert_close(change.flatten(1).norm(dim=1), torch.full((2,), 0.05, dtype=torch.float64))
    w = weights(linear, target[0])
    torch.testing.assert_close(change[0].flatten(), 0.05 * w / w.norm())


def test_an_interruption_returns_the_images_so_far(conv, monkeypatch):
    x = images()
    calls, real = [], adversarial.loss_gradient

    def interrupted(*args):
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr(adversarial, "loss_gradient", interrupted)
    two = pgd(conv, x, eps=1.0, alpha=0.01, steps=9, progress=False)
    monkeypatch.setattr(adversarial, "loss_gradient", real)
    assert torch.equal(two, pgd(conv, x, eps=1.0, alpha=0.01, steps=2, progress=False))


def test_fooled_counts(conv):
    x = images(6, low=0, high=1)
    classes = conv(x).argmax(1)
    assert fooled(conv, x, classes).all()
    assert not fooled(conv, x, classes, targeted=False).any()
    assert not fooled(conv, x, (classes + 1) % 5).any()


def test_magnified_changes_are_gray_where_nothing_changes():
    change = torch.tensor([0.0, 0.02, -0.02, 0.2, -0.2])
    torch.testing.assert_close(magnify(change), torch.tensor([0.5, 0.7, 0.3, 1.0, 0.0]))


def test_jpeg_and_crop():
    smooth = torch.linspace(0, 1, 64).expand(1, 3, 64, 64).contiguous()
    assert 0 < (jpeg(smooth, 95) - smooth).abs().max() < 0.03
    assert (jpeg(smooth, 95) - smooth).abs().mean() < (jpeg(smooth, 5) - smooth).abs().mean()
    torch.testing.assert_close(crop_and_resize(smooth, 1.0), smooth)
    half = crop_and_resize(smooth, 0.5)
    assert half.shape == smooth.shape and abs(half[0, 0, 0, 0] - smooth[0, 0, 0, 16]) < 0.02


@pytest.mark.parametrize("channels", [3, 1])
def test_jpeg_is_that_of_pillow(channels):
    picture = photo("cat")[:, :channels, :101, :77]
    file = io.BytesIO()
    to_pil(picture).save(file, "JPEG", quality=60)
    read = from_pil(Image.open(file))[:, :channels]
    assert (jpeg(picture, 60) - read).abs().max() < 1.5 / 255  # two builds of one library may round otherwise
    assert (jpeg(picture, 61) - read).abs().max() > 5 / 255


def test_survival_names_every_world(conv):
    x = images(4, low=0, high=1)
    shares = survival(conv, x, conv(x).argmax(1), qualities=(90,), crops=(0.9,), networks={"itself": conv})
    assert list(shares) == ["as it is", "saved as 8-bit pixels", "JPEG, quality 90", "middle 90%", "itself"]
    assert shares["as it is"] == shares["itself"] == 1.0 and all(0 <= v <= 1 for v in shares.values())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda net, x: fool(net, x, None), "needs a class to reach"),
        (lambda net, x: pgd(net, x, targeted=True), "needs a class to reach"),
        (lambda net, x: pgd(net, x, norm="l1"), "norm must be one of 'linf', 'l2'; not 'l1'"),
        (lambda net, x: pgd(net, x, of="probability"), "of must be one of"),
        (lambda net, x: pgd(net, x, eps=-0.1), "eps must not be negative"),
        (lambda net, x: fgsm(net, x, eps=float("nan")), "eps must not be negative"),
        (lambda net, x: pgd(net, x, steps=0), "steps must be greater than 0"),
        (lambda net, x: pgd(net, x, alpha=-1), "alpha must not be negative"),
        (lambda net, x: fool(net, x, 7, progress=False), "target 7 is out of range: this network has classes 0 to 4"),
        (lambda net, x: fool(net, x, 1, lr=0), "lr must be greater than 0"),
        (lambda net, x: fgsm(net, x * 255), "must lie in"),
        (lambda net, x: jpeg(x, 100), "quality must be from 1 to 95, not 100"),
        (lambda net, x: crop_and_resize(x, 0), "share must be greater than 0 and at most 1"),
    ],
)
def test_wrong_input_is_named(conv, call, message):
    with pytest.raises(ValueError, match=message):
        call(conv, images())
