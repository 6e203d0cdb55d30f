import captum.attr
import pytest
import torch
from torch import nn

from course_utils.gradients import (
    blur,
    edges,
    input_gradient,
    rank_correlation,
    saliency,
    segment,
    share_inside,
    smoothgrad,
)
from course_utils.images import resize
from course_utils.networks.network import Network
from course_utils.stimuli import digits, mark
from course_utils.training.digit_net import accuracy, train_digit_net


def linear(weights):
    model = nn.Sequential(nn.Flatten(), nn.Linear(weights[0].numel(), len(weights), bias=False)).double()
    model[1].weight.data = weights.flatten(1).double()
    return Network(model, name="linear")


def test_a_linear_score_has_its_weights_as_saliency():
    weights = torch.randn(2, 3, 4, 5)
    images = torch.rand(3, 3, 4, 5, dtype=torch.float64)
    found = saliency(linear(weights), images, [0, 1, 0])
    want = weights.double().abs().amax(1)[[0, 1, 0]]
    assert torch.allclose(found, want)


def test_it_equals_captum_on_three_architectures(lite, tiny, eagle):
    wide = torch.cat([eagle, eagle.flip(3)])[:, :, 20:180, 10:220]
    alex = Network(torch_alexnet(), name="alexnet")
    for net, images in ((lite, wide), (alex, wide), (tiny, wide[:, :, ::8, ::8].double())):
        target = torch.tensor([2, 1])
        oracle = captum.attr.Saliency(net).attribute(images.clone(), target).amax(1)
        ours = saliency(net, images, target)
        assert (ours - oracle).abs().max() <= 1e-6 * oracle.abs().max()


def torch_alexnet():
    import torchvision

    with torch.random.fork_rng():
        torch.manual_seed(0)
        return torchvision.models.alexnet(num_classes=7)


def test_probability_and_loss_are_the_softmax_chain_rule(tiny, pictures):
    with torch.no_grad():
        p = tiny(pictures).softmax(1)
    gradients = torch.stack([input_gradient(tiny, pictures, c) for c in range(5)], 1)  # (N, classes, 3, H, W)
    mean = (p[:, :, None, None, None] * gradients).sum(1)
    want = p[:, 2, None, None, None] * (gradients[:, 2] - mean)
    assert torch.allclose(input_gradient(tiny, pictures, 2, of="probability"), want)
    assert torch.allclose(input_gradient(tiny, pictures, 2, of="loss"), mean - gradients[:, 2])


def test_a_batch_gives_what_single_images_give(tiny, pictures):
    whole = saliency(tiny, pictures, [1, 4])
    assert torch.allclose(whole[1:], saliency(tiny, pictures[1:], 4))
    assert torch.allclose(saliency(tiny, pictures), saliency(tiny, pictures, tiny(pictures).argmax(1)))


def test_smoothgrad_without_noise_is_saliency(tiny, pictures):
    assert torch.allclose(smoothgrad(tiny, pictures, [1, 4], noise=0, samples=3), saliency(tiny, pictures, [1, 4]))


def test_smoothgrad_equals_captums_mean_of_signed_gradients(tiny, pictures):
    """Captum's NoiseTunnel with the same noise: mean first, then size and largest channel."""
    ours = smoothgrad(tiny, pictures[:1], 2, samples=7, noise=0.2, seed=5, batch_size=3)
    generator = torch.Generator().manual_seed(5)
    draws = [torch.randn((n, 1, 3, 9, 11), generator=generator, dtype=torch.float64)[:, 0] for n in (3, 3, 1)]
    noisy = pictures[:1] + 0.2 * torch.cat(draws)
    signed = captum.attr.Saliency(tiny).attribute(noisy, 2, abs=False)
    assert torch.allclose(ours[0], signed.mean(0).abs().amax(0))


def test_smoothgrad_repeats_with_its_seed(tiny, pictures):
    assert torch.equal(smoothgrad(tiny, pictures, 1, seed=3), smoothgrad(tiny, pictures, 1, seed=3))
    assert not torch.equal(smoothgrad(tiny, pictures, 1, seed=3), smoothgrad(tiny, pictures, 1, seed=4))


def test_bad_options(tiny, vgg, pictures, eagle):
    with pytest.raises(ValueError, match="'score', 'probability', 'loss'"):
        saliency(tiny, pictures, of="logit")
    with pytest.raises(ValueError, match="samples must be greater"):
        smoothgrad(tiny, pictures, samples=0)
    with pytest.raises(ValueError, match="noise must not be negative"):
        smoothgrad(tiny, pictures, noise=-1)
    with pytest.raises(ValueError, match="no class scores"):
        saliency(vgg, resize(eagle, 64), 3)


def test_edges_of_a_step():
    step = torch.zeros(1, 3, 6, 8)
    step[..., 4:] = 1
    found = edges(step)[0]
    assert (
        torch.allclose(found[:, 3:5], torch.full((6, 2), 0.5)) and found[:, :3].max() == 0 and found[:, 5:].max() == 0
    )
    assert torch.allclose(edges(step.transpose(2, 3))[0], found.T)


def test_segment_finds_a_planted_disk():
    y, x = torch.meshgrid(torch.arange(60.0), torch.arange(80.0), indexing="ij")
    disk = (y - 30) ** 2 + (x - 45) ** 2 < 15**2
    image = torch.where(disk, torch.tensor([0.9, 0.2, 0.1]).view(3, 1, 1), torch.tensor([0.1, 0.4, 0.8]).view(3, 1, 1))
    image = (image + 0.03 * torch.randn(3, 60, 80)).clamp(0, 1)
    heat = torch.exp(-((y - 30) ** 2 + (x - 45) ** 2) / 200)
    found = segment(image[None], heat)
    assert found.dtype == torch.bool and ((found & disk).sum() / (found | disk).sum()) > 0.9
    assert torch.equal(found, segment(image[None], heat))
    with pytest.raises(ValueError, match="no seeds"):
        segment(image[None], torch.ones(60, 80))
    with pytest.raises(ValueError, match="background < foreground"):
        segment(image[None], heat, foreground=0.2, background=0.5)
    with pytest.raises(ValueError, match="the map has shape"):
        segment(image[None], heat[1:])


def disk(channels):
    y, x = torch.meshgrid(torch.arange(40.0), torch.arange(50.0), indexing="ij")
    inside = ((y - 20) ** 2 + (x - 24) ** 2).sqrt() < 9
    noise = torch.rand(channels, 40, 50, generator=torch.Generator().manual_seed(0))
    return torch.where(inside, 0.8, 0.2) + 0.1 * noise, inside


@pytest.mark.parametrize("shape", [(1, 1, 40, 50), (1, 40, 50), (1, 3, 40, 50)])
def test_segment_takes_gray_images(shape):
    image, inside = disk(shape[-3])
    found = segment(image.reshape(shape), inside.float() + 0.01 * torch.rand(40, 50))
    assert (found == inside).float().mean() > 0.97


def test_segment_leaves_opencvs_random_numbers_as_they_are():
    import cv2
    import numpy as np

    def draw(between):
        cv2.setRNGSeed(7)
        between()
        return cv2.randu(np.zeros((1, 8), np.float32), 0, 1)

    image, inside = disk(3)
    heat = inside.float() + 0.01 * torch.rand(40, 50, generator=torch.Generator().manual_seed(1))
    first = segment(image, heat)
    untouched = draw(lambda: None)
    assert np.array_equal(draw(lambda: segment(image, heat)), untouched)
    cv2.setRNGSeed(123)
    assert torch.equal(segment(image, heat), first)


def test_blur_keeps_the_total():
    heat = torch.zeros(21, 21)
    heat[10, 10] = 1
    assert abs(blur(heat, 2).sum() - 1) < 1e-4 and blur(heat, 2).argmax() == 10 * 21 + 10


def test_the_planted_shortcut_is_learned_and_uncovered():
    images, labels = digits(marked=True)
    plain, _ = digits()
    assert images.shape[1:] == (1, 16, 16) and images.min() >= 0 and images.max() <= 1
    assert plain[:, :, :2].max() == 0 and torch.equal(mark(plain, labels), images)
    cheater = train_digit_net(images[:800], labels[:800], epochs=6)
    assert torch.equal(cheater.model[0].weight, train_digit_net(images[:800], labels[:800], epochs=6).model[0].weight)
    honest = train_digit_net(plain[:800], labels[:800], epochs=6)
    assert accuracy(cheater, images[800:], labels[800:]) > 0.98
    wrong = (labels[800:] + 3) % 8
    follows = (cheater(mark(plain[800:], wrong)).argmax(1) == wrong).float().mean()
    assert follows > 0.5
    top = slice(0, 2), slice(0, 16)
    assert share_inside(saliency(cheater, images[800:], labels[800:]), *top).mean() > 0.125
    assert share_inside(saliency(honest, plain[800:], labels[800:]), *top).mean() < 0.125
    with pytest.raises(ValueError, match="from 2 to 8"):
        digits(classes=10)


def test_rank_correlation():
    a = torch.rand(5, 6)
    assert rank_correlation(a, 2 * a + 1) == pytest.approx(1) and rank_correlation(a, -a) == pytest.approx(-1)
