"""Crops of receptive fields: the neuron sees the same in its crop as in the photo, and no crop is stretched."""

import pytest
import torch
from torch import nn

from course_utils.activations import field_crops, receptive_field
from course_utils.figures import show_sheets
from course_utils.hooks import layer_outputs
from course_utils.networks.network import Network


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    return Network(
        nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3)), name="plain"
    )


def test_by_hand(net):
    """Layer 0 sees 3 x 3 pixels around each place."""
    images = torch.arange(2 * 20.0).view(2, 1, 4, 5).expand(2, 3, 4, 5)
    field = receptive_field(net, "0", size=(4, 5))
    crops = field_crops(images, field, [(1, 2), (0, 4)], fill=0.5)
    assert crops.shape == (2, 3, 3, 3)
    assert crops[0, 1].tolist() == [[1, 2, 3], [6, 7, 8], [11, 12, 13]]
    assert crops[1, 2].tolist() == [[0.5, 0.5, 0.5], [23, 24, 0.5], [28, 29, 0.5]]
    assert torch.equal(field_crops(images, field, (1, 2))[0], crops[0])  # one place for all


def test_a_neuron_sees_the_same_in_its_crop(net):
    """Far from the border: the crop alone gives the neuron's value."""
    images = torch.rand(3, 3, 20, 22, generator=torch.Generator().manual_seed(0))
    whole = layer_outputs(net, images, ["3"])["3"]
    places = torch.tensor([[2, 3], [5, 1], [3, 6]])
    field = receptive_field(net, "3", size=(20, 22))
    crops = field_crops(images, field, places)
    assert crops.shape[2:] == field.size
    # the field of a pooled place begins at an odd pixel: with one more pixel before, the poolings meet the same pixels
    larger = torch.zeros(3, 3, field.size[0] + 2, field.size[1] + 2)
    larger[:, :, 1:-1, 1:-1] = crops
    alone = layer_outputs(net, larger, ["3"])["3"]
    at = tuple((torch.tensor(alone.shape[2:]) // 2).tolist())
    for number, (row, column) in enumerate(places.tolist()):
        torch.testing.assert_close(alone[number, :, at[0], at[1]], whole[number, :, row, column])


def test_a_place_that_sees_everything(net):
    images = torch.rand(2, 3, 8, 8)
    pooled = Network(nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1)), name="pooled")
    assert torch.equal(field_crops(images, receptive_field(pooled, "1", size=8), (0, 0)), images)


@pytest.mark.parametrize(
    "images, places, words",
    [
        (torch.rand(3, 4, 5), (0, 0), "shape"),
        (torch.rand(2, 3, 5, 5), (0, 0), "these are"),
        (torch.rand(2, 3, 4, 5), [(0, 0)] * 3, "one for each of the 2"),
        (torch.rand(2, 3, 4, 5), (0, 5), "outside the map of 4x5"),
        (torch.rand(2, 3, 4, 5), (0.0, 1.0), "places must be"),
    ],
)
def test_wrong_arguments_say_what_is_possible(net, images, places, words):
    with pytest.raises(ValueError, match=words):
        field_crops(images, receptive_field(net, "0", size=(4, 5)), places)


def test_sheets_hold_every_picture_as_it_is():
    first = torch.rand(5, 3, 30, 20, generator=torch.Generator().manual_seed(0))
    figure = show_sheets([first, 1 - first], ["a", "b"], across=3, title="two")
    assert [ax.get_title() for ax in figure.axes] == ["a", "b"] and figure.get_suptitle() == "two"
    shown = torch.as_tensor(figure.axes[0].images[0].get_array())
    assert shown.shape == (2 * 30 + 2, 3 * 20 + 2 * 2, 3)
    assert torch.equal(shown[32:, 22:42], first[4].permute(1, 2, 0))
    assert (shown[32:, 44:] == 1).all()  # an empty place is white
    with pytest.raises(ValueError, match="shape"):
        show_sheets([first[0]])
