"""Evidence maps by arithmetic and as an exact sum; deletion curves against a loop, and on a score whose answer is known."""

import pytest
import torch
from torch import nn

from course_utils import load_network, photo, tiny_net
from course_utils.activations import baseline_images, deletion_curve, evidence_map
from course_utils.networks.network import Network


@pytest.fixture(scope="module")
def net():
    return tiny_net("conv")


def pictures(count, height=10, width=14, seed=0):
    return torch.rand(count, 3, height, width, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def by_hand(layers):
    """A network without normalization."""
    model = nn.Sequential(*layers).double().eval()
    return Network(model, name="by hand", mean=(0, 0, 0), std=(1, 1, 1), categories=None)


def test_two_channels_by_hand():
    linear = nn.Linear(3, 2)
    linear.weight.data = torch.tensor([[3.0, -1.0, 0.0], [0.0, 1.0, 2.0]])
    linear.bias.data = torch.tensor([1.0, 5.0])
    net = by_hand([nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), linear])
    image = torch.zeros(1, 3, 1, 2, dtype=torch.float64)
    image[0, 0, 0, 0], image[0, 1, 0, 1] = 0.8, 0.4
    found, bias = evidence_map(net, image, "0", 0)
    assert found[0].tolist() == [[pytest.approx(1.2), pytest.approx(-0.2)]] and bias.item() == 1
    found, bias = evidence_map(net, image, "0", 0, against=1)
    assert found[0].tolist() == [[pytest.approx(1.2), pytest.approx(-0.4)]] and bias.item() == -4


def test_the_places_and_the_bias_are_the_score(net):
    images = pictures(3)
    scores = net(images).detach()
    found, bias = evidence_map(net, images, "4", [1, 0, 3])
    assert found.shape == (3, 5, 7)
    assert torch.allclose(found.sum((1, 2)) + bias, scores[range(3), [1, 0, 3]])
    found, bias = evidence_map(net, images, "4", against=2)
    assert torch.allclose(found.sum((1, 2)) + bias, scores.max(1).values - scores[:, 2])


def test_a_real_network_in_names():
    net, image = load_network("efficientnet_lite0", device="cpu"), photo("grace_hopper")
    found, bias = evidence_map(net, image, "bn2.act", "military uniform", against="academic gown")
    scores = net(image).detach()[0]
    wanted = scores[net.class_index("military uniform")] - scores[net.class_index("academic gown")]
    assert found.shape == (1, 7, 7) and (found.sum() + bias).item() == pytest.approx(wanted.item(), abs=1e-4)
    assert divmod(int(found.argmax()), 7) in [(5, 1), (6, 1)], "the name tag"


def test_a_network_that_ends_otherwise_is_refused(net):
    with pytest.raises(ValueError, match="do not add up"):
        evidence_map(by_hand([nn.ReLU(), nn.AdaptiveMaxPool2d(1), nn.Flatten(), nn.Linear(3, 2)]), pictures(1), "0", 0)
    with pytest.raises(ValueError, match="does not end in a mean over 1 and a linear layer"):
        evidence_map(net, pictures(1), "1", 0)
    with pytest.raises(ValueError, match="does not end in a mean"):
        evidence_map(tiny_net("maps"), pictures(1), "4", 0)


def test_the_curve_is_that_of_a_loop(net):
    images, heat = pictures(2), torch.randn(2, 10, 14, generator=torch.Generator().manual_seed(1))
    cover = baseline_images(images, "mean")
    got = deletion_curve(net, images, heat, [3, 1], steps=4, baseline="mean", batch_size=2)
    back = deletion_curve(net, images, heat, [3, 1], steps=4, baseline="mean", insert=True)
    for n, target in enumerate([3, 1]):
        order = heat[n].flatten().tolist()
        ranked = sorted(range(140), key=lambda i: -order[i])
        for step in range(5):
            changed, filled = images[n : n + 1].clone(), cover[n : n + 1].clone()
            for pixel in ranked[: 140 * step // 4]:
                row, column = divmod(pixel, 14)
                changed[0, :, row, column] = cover[n, :, row, column]
                filled[0, :, row, column] = images[n, :, row, column]
            assert got[n, step].item() == pytest.approx(net(changed).softmax(1)[0, target].item())
            assert back[n, step].item() == pytest.approx(net(filled).softmax(1)[0, target].item())


def test_the_true_order_gives_the_lowest_curve():
    linear = nn.Linear(12, 2)
    linear.weight.data = torch.stack([torch.tensor([4.0, 3, 2, 1] * 3), torch.zeros(12)])
    linear.bias.data.zero_()
    net = by_hand([nn.Flatten(), linear])
    image = torch.ones(1, 3, 1, 4, dtype=torch.float64)
    best = torch.tensor([[[4.0, 3, 2, 1]]])
    orders = [best, best.flip(2), best[..., [1, 3, 0, 2]]]
    curves = [deletion_curve(net, image, heat, 0, steps=4, baseline=0.0)[0] for heat in orders]
    sums = torch.tensor([30.0, 18, 9, 3, 0], dtype=torch.float64)
    assert torch.allclose(curves[0], sums.sigmoid())
    assert curves[0].mean() < curves[2].mean() < curves[1].mean()


def test_small_maps_are_enlarged_and_only_the_order_counts(net):
    images, heat = pictures(1), torch.randn(1, 5, 7, generator=torch.Generator().manual_seed(2))
    large = torch.nn.functional.interpolate(heat[None].double(), (10, 14), mode="bilinear")[0]
    one, other = (deletion_curve(net, images, h, 0, steps=3) for h in (heat.double(), large.exp()))
    assert torch.equal(one, other)


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda net, x: deletion_curve(net, x, torch.zeros(2, 4, 4)), r"one finite map for each of the 1 images"),
        (lambda net, x: deletion_curve(net, x, torch.zeros(4, 4)), r"it has shape \(4, 4\)"),
        (lambda net, x: deletion_curve(net, x, torch.full((1, 4, 4), float("nan"))), "finite map"),
        (lambda net, x: deletion_curve(net, x, torch.zeros(1, 4, 4), steps=0), "steps"),
        (lambda net, x: deletion_curve(net, x, torch.zeros(1, 4, 4), baseline="pink"), "baseline must be one of"),
    ],
)
def test_mistakes_are_named(net, call, message):
    with pytest.raises(ValueError, match=message):
        call(net, pictures(1))
