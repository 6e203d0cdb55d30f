"""Maximally activating patches against the plain version, and what mergeable means."""

import numpy as np
import pytest
import torch
from torch import nn

from course_utils.activations import TopPatches, plain_top_patches, receptive_field, top_patches
from course_utils.errors import ImageError
from course_utils.figures import show_boxes, show_patches
from course_utils.hooks import layer_outputs
from course_utils.images import save_image
from course_utils.networks.network import Network


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    model = nn.Sequential(
        nn.Conv2d(3, 6, 5, stride=2, padding=2), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Conv2d(6, 4, 3)
    )
    model[0].weight.data[5] = 0  # a dead channel: all ties
    model[0].bias.data[5] = -1
    return Network(model, name="tiny", input_size=32)


@pytest.mark.parametrize("layer", ["0", "1", "2", "3"])
@pytest.mark.parametrize("per_image", [1, 2, None])
@pytest.mark.parametrize("batch_size", [1, 4])
def test_equals_the_plain_version(net, layer, per_image, batch_size):
    images = torch.rand(11, 3, 20, 24, generator=torch.Generator().manual_seed(1))
    images[7] = images[3]  # equal photos: the first one wins the tie
    options = {"k": 4, "per_image": per_image, "batch_size": batch_size}
    found = top_patches(net, images, layer, **options, progress=False)
    for c in range(len(found.channels)):
        plain = plain_top_patches(net, images, layer, c, **options)
        assert len(plain) == 4
        for rank, (value, n, y, x) in enumerate(plain):
            assert (found.values[c, rank].item(), found.images[c, rank].item()) == (value, n)
            assert found.places[c, rank].tolist() == [y, x]
            assert tuple(found.boxes[c, rank].tolist()) == receptive_field(net, layer, size=(20, 24)).box(y, x)


def test_the_plain_version_by_hand():
    net = Network(nn.Sequential(nn.Conv2d(3, 1, 1, bias=False)), name="red")
    net.layer("0").weight.data[:] = torch.tensor([1.0, 0, 0]).view(1, 3, 1, 1)
    images = torch.zeros(3, 3, 2, 2)
    images[0, 0, 1, 0], images[0, 0, 1, 1], images[2, 0, 0, 1] = 0.5, 0.75, 0.5
    assert plain_top_patches(net, images, "0", 0, k=2) == [(0.75, 0, 1, 1), (0.5, 2, 0, 1)]
    assert plain_top_patches(net, images, "0", 0, k=3, per_image=None) == [
        (0.75, 0, 1, 1),
        (0.5, 0, 1, 0),
        (0.5, 2, 0, 1),
    ]


@pytest.mark.parametrize("per_image", [1, None])
def test_halves_merge_to_the_whole(net, per_image):
    images = torch.rand(12, 3, 20, 20, generator=torch.Generator().manual_seed(2))
    images[9] = images[2]
    options = {"layer": "1", "k": 5, "per_image": per_image, "progress": False, "batch_size": 1}
    whole = top_patches(net, images, **options)
    left, right = top_patches(net, images[:5], **options), top_patches(net, images[5:], **options)
    before = left.values.clone()
    for merged in (
        left.merge(right, shift=5),
        TopPatches("1", left.channels, 5, per_image).merge(left).merge(right, shift=5),
    ):
        for field in ("values", "images", "places", "boxes"):
            assert torch.equal(getattr(merged, field), getattr(whole, field)), field
    assert torch.equal(left.values, before)
    with pytest.raises(ValueError, match="shift="):
        left.merge(right)
    with pytest.raises(ValueError, match="cannot merge"):
        left.merge(top_patches(net, images, "1", k=3, progress=False))


CROPS = [0, 0, 0, 1, 1, 7, 7, 7, 7, 3, 3]  # the photo of each of 11 crops


@pytest.mark.parametrize("layer", ["0", "1"])
@pytest.mark.parametrize("per_image", [1, 2])
@pytest.mark.parametrize("batch_size", [1, 4])
def test_crops_of_one_photo_share_its_places(net, layer, per_image, batch_size):
    images = torch.rand(11, 3, 20, 24, generator=torch.Generator().manual_seed(4))
    images[8] = images[5]
    options = {"k": 4, "per_image": per_image, "photos": CROPS, "batch_size": batch_size}
    found = top_patches(net, images, layer, **options, progress=False)
    for c in range(len(found.channels)):
        for rank, (value, n, y, x) in enumerate(plain_top_patches(net, images, layer, c, **options)):
            assert (found.values[c, rank].item(), found.images[c, rank].item()) == (value, n)
            assert found.places[c, rank].tolist() == [y, x] and found.photos[c, rank].item() == CROPS[n]
        assert max(found.photos[c].tolist().count(photo) for photo in set(CROPS)) <= per_image
    several = top_patches(net, images, layer, k=4, per_image=None, photos=CROPS, progress=False)
    assert torch.equal(several.images, top_patches(net, images, layer, k=4, per_image=None, progress=False).images)


def test_crops_merge_to_the_whole(net):
    images = torch.rand(11, 3, 20, 20, generator=torch.Generator().manual_seed(5))
    options = {"layer": "1", "k": 2, "progress": False}
    whole = top_patches(net, images, photos=CROPS, **options)
    halves = [top_patches(net, images[part], photos=CROPS[part], **options) for part in (slice(0, 7), slice(7, 11))]
    merged = halves[0].merge(halves[1], shift=7)
    for field in ("values", "images", "places", "boxes", "photos"):
        assert torch.equal(getattr(merged, field), getattr(whole, field)), field
    with pytest.raises(ValueError, match="no crops"):
        halves[0].merge(top_patches(net, images[7:], **options), shift=7)
    with pytest.raises(ValueError, match="3 photos given"):
        top_patches(net, images[:9], "1", k=4, photos=CROPS[:9])
    with pytest.raises(ValueError, match="one number for each of the 11"):
        top_patches(net, images, "1", k=4, photos=CROPS[:9])
    with pytest.raises(ValueError, match="holds 9 numbers"):
        top_patches(net, list(images), "1", k=2, photos=CROPS[:9], progress=False)


def test_a_window_changes_the_boxes_only(net):
    images = torch.rand(6, 3, 20, 24, generator=torch.Generator().manual_seed(6))
    whole = top_patches(net, images, "3", k=4, progress=False)
    small = top_patches(net, images, "3", k=4, window=5, progress=False)
    assert torch.equal(small.values, whole.values) and torch.equal(small.places, whole.places)
    assert ((small.boxes[..., 2:] - small.boxes[..., :2]) == 5).all()
    assert all(patch.shape == (1, 3, 5, 5) for row in small.cut(images) for patch in row)
    with pytest.raises(ValueError, match="window"):
        top_patches(net, images, "3", k=4, window=0)


def test_every_kind_of_source(net, tmp_path):
    images = (torch.rand(6, 3, 24, 24, generator=torch.Generator().manual_seed(3)) * 255).round() / 255
    expected = top_patches(net, images, "2", k=3, progress=False)
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(images, torch.arange(6)), batch_size=4)
    for source in (list(images), (i for i in images), loader, [images[:2], images[2:]]):
        found = top_patches(net, source, "2", k=3, batch_size=4, progress=False)
        assert torch.equal(found.images, expected.images)
    for n, image in enumerate(images):
        save_image(image, tmp_path / f"{n}.png")
    (tmp_path / "2b.png").write_text("no picture")
    with pytest.warns(UserWarning, match="2b.png"):
        found = top_patches(net, tmp_path, "2", k=3, size=24, progress=False)
    assert found.images.max() == 6  # the broken file keeps its number, so that numbers point into the sorted folder


def test_images_of_different_sizes(net):
    images = [torch.rand(3, 20, 20), torch.rand(3, 30, 26), torch.rand(3, 20, 20)]
    found = top_patches(net, images, "0", k=3, progress=False)
    for c in range(6):
        for rank in range(3):
            n, (y, x) = found.images[c, rank].item(), found.places[c, rank].tolist()
            assert found.values[c, rank].item() == pytest.approx(
                layer_outputs(net, images[n][None], ["0"])["0"][0, c, y, x].item(), abs=1e-6
            )


def test_fewer_answers_than_k(net):
    found = top_patches(net, iter([torch.rand(3, 20, 20)]), "0", k=3, progress=False)
    assert (found.images[:, 1:] == -1).all() and found.values[:, 1:].isneginf().all()
    assert [len(row) for row in found.cut([torch.rand(3, 20, 20)])] == [1] * 6


def test_a_patch_alone_gives_the_same_answer():
    """The box is all a unit sees: everything else in the photo can be replaced."""
    torch.manual_seed(0)
    net = Network(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3)), name="plain")
    images = torch.rand(5, 3, 30, 30)
    found = top_patches(net, images, "3", k=2, progress=False)
    for c in range(4):
        top, left, bottom, right = found.boxes[c, 0].tolist()
        n, (y, x) = found.images[c, 0], found.places[c, 0]
        other = torch.zeros(1, 3, 30, 30)
        other[:, :, top:bottom, left:right] = images[n, :, top:bottom, left:right]
        assert layer_outputs(net, other, ["3"])["3"][0, c, y, x].item() == pytest.approx(
            found.values[c, 0].item(), abs=1e-6
        )


def test_pictures(net):
    images = torch.rand(5, 3, 24, 24)
    found = top_patches(net, images, "1", k=3, progress=False)
    assert len(show_patches(found, images, channels=[0, 2]).axes) == 6
    assert len(show_patches(found, images, channels=[1], places=True).axes) == 3
    figure = show_boxes(images[:1], [(0, 0, 8, 9), (2, 3, 24, 20)], ["small", "large"])
    small, large = figure.axes[0].patches
    assert (small.get_width(), small.get_height()) == (9, 8) and large.get_xy() == (2.5, 1.5)
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["small", "large"]
    assert len(show_boxes(images[0, 0], [], [], heat=True).axes) == 1


@pytest.mark.parametrize(
    "call, error, words",
    [
        (
            lambda net: top_patches(net, torch.rand(2, 3, 20, 20), "0", k=3),
            ValueError,
            "k=3 patches need more than the 2",
        ),
        (lambda net: top_patches(net, torch.rand(2, 3, 20, 20), "0", k=0), ValueError, "k must be greater"),
        (lambda net: top_patches(net, torch.rand(2, 3, 20, 20), "0", k=1, channels=[9]), ValueError, "channels 0 to 5"),
        (lambda net: top_patches(net, torch.rand(2, 3, 20, 20), "nope", k=1), ValueError, "has no layer"),
        (lambda net: top_patches(net, [], "0", k=1), ValueError, "no images"),
        (lambda net: top_patches(net, torch.rand(3, 20, 20), "0", k=1), ValueError, r"images\[None\]"),
        (lambda net: top_patches(net, [np.zeros((3, 20, 20))], "0", k=1), TypeError, "tensors"),
    ],
)
def test_bad_input(net, call, error, words):
    with pytest.raises(error, match=words):
        call(net)


def test_bad_folders(net, tmp_path):
    with pytest.raises(ImageError, match="no pictures"):
        top_patches(net, tmp_path, "0")
    (tmp_path / "a.png").write_text("no picture")
    with pytest.raises(ImageError, match="None of the 1 files"):
        top_patches(net, tmp_path, "0", progress=False)
