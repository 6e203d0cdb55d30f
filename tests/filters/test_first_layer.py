import pytest
import torch
from torch.nn.functional import conv2d

from course_utils.figures import show_filters, show_raw_weights
from course_utils.filters import (
    color_share,
    convolutions,
    expanded_weights,
    filter_response,
    filter_weights,
    filters_as_images,
    raw_weight_sheet,
    strongest_windows,
)
from course_utils.networks import randomized
from course_utils.stimuli import simple_patterns as patterns


def test_the_first_layers_have_the_shapes_of_their_papers(vgg, lite):
    assert filter_weights(vgg).shape == (64, 3, 3, 3) and filter_weights(lite).shape == (32, 3, 3, 3)
    assert filter_weights(vgg, "conv2_1").shape == (128, 64, 3, 3)
    assert len(convolutions(vgg)) == 16
    with pytest.raises(ValueError, match="is no convolution"):
        filter_weights(vgg, "relu1_1")


def test_weights_are_a_copy(vgg):
    filter_weights(vgg).zero_()
    assert filter_weights(vgg).any()


def test_zero_is_middle_gray_and_every_filter_fills_its_range():
    weights = torch.randn(4, 3, 3, 3)
    weights[:, :, 1, 1] = 0
    images = filters_as_images(weights)
    assert torch.equal(images[:, :, 1, 1], torch.full((4, 3), 0.5))
    assert torch.allclose((images - 0.5).abs().amax((1, 2, 3)), torch.tensor(0.5))
    assert torch.isfinite(filters_as_images(torch.zeros(1, 3, 3, 3))).all()


def test_color_share_of_known_filters():
    gray = torch.randn(1, 1, 3, 3).expand(1, 3, 3, 3)
    opponent = torch.tensor([1.0, -1.0, 0.0]).view(1, 3, 1, 1) * torch.randn(1, 1, 3, 3)
    red = torch.zeros(1, 3, 3, 3)
    red[0, 0, 0, 0] = 1
    assert torch.allclose(color_share(torch.cat([gray, opponent, red])), torch.tensor([0, 1, 2 / 3]), atol=1e-6)


def test_a_response_is_the_inner_product_of_filter_and_window(vgg, eagle):
    response = filter_response(vgg, eagle, channel=7)[0]
    window = vgg.normalize(eagle)[0, :, 99:102, 49:52]
    want = (window * filter_weights(vgg)[7]).sum() + vgg.layer("conv1_1").bias[7]
    assert response[100, 50] == pytest.approx(want.item(), rel=1e-4)
    with pytest.raises(ValueError, match="channels 0 to 63"):
        filter_response(vgg, eagle, channel=64)


def test_the_filters_that_lesson_01_names_do_what_it_says(vgg):
    shown = patterns(64)
    answer = lambda c, name: filter_response(vgg, shown[name], channel=c)[0, 2:-2, 2:-2].abs().max()  # noqa: E731
    assert answer(58, "stripes 0°") > 4 * answer(58, "stripes 90°")
    assert answer(10, "stripes 90°") > 4 * answer(10, "stripes 0°")
    assert answer(12, "red | green") > 8 * answer(12, "black | white")
    assert answer(5, "blue | yellow") > 4 * answer(5, "black | white")


def test_what_lesson_01_says_of_cifar_net(cifar):
    shown, weights = patterns(32), filter_weights(cifar)
    answer = lambda c, name: filter_response(cifar, shown[name], channel=c)[0, 4:-4, 4:-4].abs().max()  # noqa: E731
    for channel, yes, no in ((6, "0", "90"), (10, "90", "0"), (14, "45", "135"), (3, "135", "45")):
        assert answer(channel, f"stripes {yes}°") > 3 * answer(channel, f"stripes {no}°"), channel
    assert answer(8, "blue | yellow") > 3 * answer(8, "black | white")
    assert (color_share(weights)[[3, 6, 14]] < 0.1).all()
    strength = weights.flatten(1).norm(dim=1)
    used = filter_weights(cifar, "conv2").transpose(0, 1).flatten(1).norm(dim=1)
    for values in (strength, used):
        weakest = values.argsort()
        assert set(weakest[:2].tolist()) == {4, 11} and values[weakest[1]] < 0.6 * values[weakest[2]]


def test_trained_layers_have_neighbors_that_agree_and_random_ones_do_not(cifar):
    def agree(net, layer):
        weights = filter_weights(net, layer)
        return torch.cosine_similarity(weights[..., 1:].flatten(), weights[..., :-1].flatten(), dim=0)

    nothing = randomized(cifar)
    for layer in convolutions(cifar):
        assert agree(cifar, layer) > 0.35 and agree(nothing, layer).abs() < 0.1


def test_a_sheet_holds_every_slice_in_its_place():
    weights = torch.randn(3, 4, 2, 5)
    sheet = raw_weight_sheet(weights, gap=1)
    assert sheet.shape == (3 * 3 - 1, 4 * 6 - 1)
    assert torch.allclose(sheet[3:5, 12:17], filters_as_images(weights)[1, 2])
    assert (sheet[2] == 1).all()
    assert raw_weight_sheet(weights, gap=0).shape == (6, 20)


def test_strongest_windows_do_not_overlap(vgg, eagle):
    windows = strongest_windows(vgg, eagle, 58, k=3, size=16)
    assert [w.shape for w in windows] == [(3, 16, 16)] * 3 and not torch.equal(windows[0], windows[1])


def test_the_strongest_windows_of_all_photos_come_first_and_one_photo_gives_no_more_than_asked(vgg):
    """A white line on black in a small place of each photo: the brighter the line, the stronger the answer."""
    images = torch.zeros(3, 3, 40, 40)
    for number, bright in enumerate((0.8, 1.0, 0.9)):
        images[number, :, 10:30, 20] = bright
    all_from_one = strongest_windows(vgg, images, 58, k=2, size=8)
    assert [w.max().item() for w in all_from_one] == pytest.approx([1.0, 1.0])
    one_each = strongest_windows(vgg, images, 58, k=5, size=8, per_image=1)
    assert [w.max().item() for w in one_each] == pytest.approx([1.0, 0.9, 0.8])  # no more photos, so no more windows


def test_the_frame_is_around_what_the_filter_sees(vgg, eagle):
    before = eagle.clone()
    plain, framed = (strongest_windows(vgg, eagle, 58, k=1, size=16, framed=f)[0] for f in (False, True))
    changed = (plain != framed).any(0).nonzero()
    assert (changed.amax(0) - changed.amin(0)).tolist() == [4, 4] and len(changed) <= 16  # a ring around 3 x 3
    assert torch.equal(plain[:, 7:10, 7:10], framed[:, 7:10, 7:10]) and torch.equal(before, eagle)


@pytest.mark.parametrize("stride", [1, 2])
def test_two_layers_are_one_filter_where_nothing_lies_between_them(stride):
    """The oracle: convolve twice, with every second unit of the first layer's map for stride 2."""
    torch.manual_seed(0)
    first, second = torch.randn(5, 3, 3, 3).double(), torch.randn(4, 5, 2, 2).double()
    whole = expanded_weights(first, second, stride=stride)
    assert whole.shape == (4, 3, 3 + stride, 3 + stride)
    image = torch.randn(1, 3, 12, 12).double()
    twice = conv2d(conv2d(image, first)[..., ::stride, ::stride], second)
    assert torch.allclose(conv2d(image, whole, stride=stride), twice[..., : 12 // stride, : 12 // stride])


def test_layers_that_do_not_follow_each_other_are_refused():
    with pytest.raises(ValueError, match=r"takes in the channels of the first.*\(5, 3, 3, 3\) and \(4, 6, 2, 2\)"):
        expanded_weights(torch.zeros(5, 3, 3, 3), torch.zeros(4, 6, 2, 2))


def test_the_face_filters_are_dlibs(tmp_path):
    """Shipped as a file of 19 kB; the program that made it reads dlib's format."""
    from course_utils.errors import CourseError
    from course_utils.networks.faces import face_filters
    from course_utils.training.face_filters import first_convolution

    filters = face_filters()
    assert filters.shape == (32, 3, 7, 7) and 0.01 < filters.std() < 0.03
    numbers = torch.cat([filters.flatten(), torch.zeros(32)]).numpy().tobytes()
    head = b"any layers before\x05con_4" + bytes([1, 2, 2, 128, 18, 1, 1, 1, 1, 1, 1])
    assert torch.equal(first_convolution(head + numbers + b"and behind"), filters)
    for wrong in (b"", head[:-4], head + numbers[:50], head.replace(b"con_4", b"con_3") + numbers):
        with pytest.raises(CourseError, match="This is not dlib_face"):
            first_convolution(wrong)


def test_figures(vgg):
    assert show_filters(filter_weights(vgg), numbers=True).axes
    assert show_raw_weights(filter_weights(vgg, "conv2_1")).axes
    with pytest.raises(ValueError, match="show_raw_weights"):
        show_filters(filter_weights(vgg, "conv2_1"))
