import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from course_utils import capture, features, gallery, layer_outputs, load_folder, load_image, photo, save_image
from course_utils.errors import ImageError
from course_utils.hooks import forward_to
from course_utils.images import center_crop, from_pil, iter_folder, resize, to_pil
from course_utils.validate import check_images, check_target


def test_every_gallery_photo_exists_and_says_where_it_comes_from():
    for one in gallery():
        assert one.path.is_file(), one.name
        assert one.license and one.source
    assert len(gallery(labelled=True)) == 20
    assert len(set(gallery().names)) == len(gallery())
    assert "bald_eagle" in repr(gallery())


def test_photos_are_rgb_in_0_1():
    for name in ("bald_eagle", "coffee", "brick", "drum"):
        image = photo(name, 64)
        assert image.shape == (1, 3, 64, 64) and image.min() >= 0 and image.max() <= 1
    assert photo("coffee", 120, crop=False).shape == (1, 3, 80, 120)
    assert photo("coffee", None).shape == (1, 3, 400, 600)
    assert photo("coffee", (40, 90)).shape == (1, 3, 40, 90)


def test_an_unknown_photo_names_what_there_is():
    with pytest.raises(ImageError, match="Did you mean bald_eagle"):
        photo("bald_eagel")


def test_a_picture_comes_back_as_it_was_saved(tmp_path):
    image = torch.rand(1, 3, 5, 7)
    path = save_image(image, tmp_path / "new" / "x.png")
    assert (load_image(path, None) - image).abs().max() <= 0.5 / 255 + 1e-6
    with pytest.raises(ImageError, match="cannot be written"):
        save_image(image, tmp_path / "x.nosuchformat")


@pytest.mark.parametrize("mode", ["L", "LA", "RGBA", "P", "I;16", "CMYK", "1"])
def test_every_kind_of_picture_becomes_rgb(tmp_path, mode):
    values = (np.arange(600).reshape(20, 30) % 256).astype(np.uint8)
    deep = mode == "I;16"
    picture = Image.fromarray(values * np.uint16(257)) if deep else Image.fromarray(values).convert(mode)
    assert picture.mode == mode
    path = tmp_path / ("x.tif" if mode in ("CMYK", "I;16") else "x.png")
    picture.save(path)
    image = load_image(path, None)
    assert image.shape == (1, 3, 20, 30) and image.min() >= 0 and image.max() <= 1 and image.std() > 0.05


def test_transparency_becomes_white(tmp_path):
    Image.new("RGBA", (4, 4), (255, 0, 0, 0)).save(tmp_path / "x.png")
    assert torch.equal(load_image(tmp_path / "x.png", None), torch.ones(1, 3, 4, 4))


def test_a_phone_photo_is_turned_the_right_way(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees
    Image.new("RGB", (8, 4)).save(tmp_path / "x.jpg", exif=exif)
    assert load_image(tmp_path / "x.jpg", None).shape == (1, 3, 8, 4)


def test_files_that_are_no_pictures_say_so(tmp_path):
    (tmp_path / "x.jpg").write_text("no picture")
    for path, message in (
        (tmp_path / "x.jpg", "cannot be read"),
        (tmp_path / "none.jpg", "no file"),
        (tmp_path, "folder"),
    ):
        with pytest.raises(ImageError, match=message) as caught:
            load_image(path)
        assert "\n" not in str(caught.value)


def test_a_folder_skips_and_names_broken_files(tmp_path):
    for name in ("b.png", "a.png"):
        save_image(torch.rand(1, 3, 30, 40), tmp_path / name)
    (tmp_path / "broken.jpg").write_text("x")
    (tmp_path / "notes.txt").write_text("x")
    with pytest.warns(UserWarning, match="1 of 3 files.*broken.jpg"):
        images, names = load_folder(tmp_path, 16)
    assert names == ["a.png", "b.png"] and images.shape == (2, 3, 16, 16)


def test_empty_and_hopeless_folders(tmp_path):
    with pytest.raises(ImageError, match="no folder"):
        load_folder(tmp_path / "none")
    with pytest.raises(ImageError, match="holds no pictures"):
        load_folder(tmp_path)
    (tmp_path / "broken.jpg").write_text("x")
    with pytest.raises(ImageError, match="broken.jpg"):
        list(iter_folder(tmp_path))


def test_resize_crop_and_pil():
    image = torch.rand(1, 3, 10, 12)
    assert resize(image, 5).shape == (1, 3, 5, 5) and resize(image, (4, 6)).shape == (1, 3, 4, 6)
    assert torch.equal(center_crop(image, 4), image[:, :, 3:7, 4:8])
    with pytest.raises(ValueError, match="crop of 20x20"):
        center_crop(image, 20)
    assert (from_pil(to_pil(image)) - image).abs().max() <= 0.5 / 255 + 1e-6
    with pytest.raises(ValueError, match="one image"):
        to_pil(torch.rand(2, 3, 4, 4))


BAD = [
    (np.zeros((1, 3, 4, 4)), TypeError, "torch tensor"),
    (torch.rand(3, 4, 4), ValueError, "images\\[None\\]"),
    (torch.rand(0, 3, 4, 4), ValueError, "empty batch"),
    (torch.rand(1, 1, 4, 4), ValueError, "3 channels"),
    (torch.rand(1, 4, 5, 3), ValueError, "permute"),
    (torch.rand(1, 3, 0, 4), ValueError, "no pixels"),
    (torch.zeros(1, 3, 4, 4, dtype=torch.uint8), TypeError, "divide by 255"),
    (torch.full((1, 3, 4, 4), float("nan")), ValueError, "NaN"),
    (torch.full((1, 3, 4, 4), float("inf")), ValueError, "infinity"),
    (255 * torch.rand(1, 3, 4, 4), ValueError, "Divide by 255"),
    (-torch.rand(1, 3, 4, 4), ValueError, r"\[0, 1\]"),
]


@pytest.mark.parametrize("images, error, message", BAD, ids=[m for _, _, m in BAD])
def test_bad_images_are_refused_in_one_line(images, error, message):
    with pytest.raises(error, match=message) as caught:
        check_images(None, images)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "target, error, message",
    [
        (5, ValueError, "0 to 4"),
        (-1, ValueError, "0 to 4"),
        ([1], ValueError, "1 classes for 2 images"),
        ([0.5, 1], TypeError, "class index"),
        (True, TypeError, "class index"),
        ("nothing", ValueError, "no class"),
    ],
)
def test_bad_targets_are_refused_in_one_line(tiny, target, error, message):
    with pytest.raises(error, match=message) as caught:
        check_target(tiny, target, torch.zeros(2, 5))
    assert "\n" not in str(caught.value)


def test_targets_in_all_their_forms(tiny):
    scores = torch.tensor([[0.0, 9, 0, 0, 0], [0, 0, 0, 9, 0]])
    assert check_target(tiny, None, scores).tolist() == [1, 3]
    for target in (2, "class 2", [2, 2], ["class 2", 2], torch.tensor([2, 2]), np.array([2, 2])):
        assert check_target(tiny, target, scores).tolist() == [2, 2]
    with pytest.raises(ValueError, match="no class scores"):
        check_target(tiny, 0, torch.zeros(2, 5, 3, 3))


def test_capture_clones_before_an_inplace_relu(vgg, eagle):
    small = resize(eagle, 64)
    with capture(vgg, ["conv1_1", "relu1_1"]) as seen:
        vgg(small)
    assert seen["conv1_1"].min() < 0, "the in-place ReLU has overwritten the convolution's output"
    assert torch.equal(seen["conv1_1"].relu(), seen["relu1_1"])


def test_capture_leaves_no_hook_behind(tiny, pictures):
    for bad in (["0", "none"], ["0"]):
        with pytest.raises((ValueError, RuntimeError)), capture(tiny, bad):
            tiny(pictures[:, :2])
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in tiny.modules())
    with pytest.raises(TypeError, match="list"), capture(tiny, "0"):
        pass


def test_layer_outputs_stop_early_and_equal_the_full_pass(vgg, eagle, monkeypatch):
    small = resize(eagle, 64)
    with capture(vgg, ["relu2_1"]) as seen:
        vgg(small)
    monkeypatch.setattr(vgg.model.features[10], "forward", lambda x: pytest.fail("ran on behind the layer"))
    found = layer_outputs(vgg, small, ["relu2_1", "conv1_2"])
    assert list(found) == ["relu2_1", "conv1_2"]
    assert torch.equal(found["relu2_1"], seen["relu2_1"]) and not found["relu2_1"].requires_grad


def test_layer_outputs_in_batches_and_with_gradients(tiny):
    images = torch.rand(5, 3, 8, 8, dtype=torch.float64)
    whole, parts = layer_outputs(tiny, images, ["3"])["3"], layer_outputs(tiny, images, ["3"], batch_size=2)["3"]
    assert torch.allclose(whole, parts)
    pixels = images.clone().requires_grad_()
    assert forward_to(tiny, pixels, ["3"])["3"].requires_grad


def test_features_are_vectors(lite, vgg, eagle):
    both = torch.cat([eagle, eagle.flip(3)])
    assert features(lite, both).shape == (2, 1280)
    assert features(vgg, resize(both, 64), layer="relu4_1").shape == (2, 512)


def test_importing_the_package_imports_nothing_heavy():
    code = (
        "import sys; before = set(sys.modules); import course_utils\n"
        "print(sorted(m for m in set(sys.modules) - before if m.split('.')[0] not in sys.stdlib_module_names))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert out.strip() == "['course_utils', 'lazy_loader']"
