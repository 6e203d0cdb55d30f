"""Why some functions of libraries are not used: the table in CONTRIBUTING. A library that changes may be looked at again."""

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from skimage.transform import downscale_local_mean
from sklearn.decomposition import PCA
from torchvision.transforms.v2 import functional as F

from course_utils.activations import tile
from course_utils.engines.neighborhoods import halved, principal
from course_utils.errors import ImageError
from course_utils.images import center_crop, save_image, to_pil


def test_to_pil_image_cuts_where_we_round():
    picture = torch.rand(3, 64, 64, generator=torch.Generator().manual_seed(0))
    ours, theirs = np.array(to_pil(picture)).astype(int), np.array(F.to_pil_image(picture)).astype(int)
    assert set(np.unique(ours - theirs)) == {0, 1} and 0.4 < (ours != theirs).mean() < 0.6
    white = torch.full((3, 2, 2), 1.5)
    assert np.array(to_pil(white)).min() == 255 > np.array(F.to_pil_image(white)).max()


def test_their_save_image_makes_no_folder_and_writes_what_has_no_color(tmp_path):
    picture = torch.rand(3, 8, 8)
    save_image(picture, tmp_path / "new" / "a.png")
    with pytest.raises(FileNotFoundError):
        torchvision.utils.save_image(picture, tmp_path / "other" / "a.png")
    nothing = torch.full((3, 8, 8), torch.nan)
    torchvision.utils.save_image(nothing, tmp_path / "black.png")
    assert np.array(Image.open(tmp_path / "black.png")).max() == 0
    with pytest.raises((ImageError, ValueError), match="NaN"):
        save_image(nothing, tmp_path / "nothing.png")


def test_their_center_crop_begins_elsewhere_and_pads():
    picture = torch.arange(225.0).view(1, 1, 15, 15)
    assert torch.equal(center_crop(picture, 14), F.center_crop(picture, [14, 14]))
    assert torch.equal(F.center_crop(picture, [12, 12]), picture[:, :, 2:14, 2:14])
    assert torch.equal(center_crop(picture, 12), picture[:, :, 1:13, 1:13])
    assert F.center_crop(picture, [20, 20]).min() == 0
    with pytest.raises(ValueError, match="does not fit"):
        center_crop(picture, 20)


def test_make_grid_gives_the_same_sheet_but_a_narrower_one_for_few_pictures():
    def theirs(pictures):
        return torchvision.utils.make_grid(pictures[:, None], nrow=4, padding=1, pad_value=0.35)[0, 1:-1, 1:-1]

    pictures = torch.rand(10, 5, 6)
    assert torch.equal(tile(pictures, columns=4), theirs(pictures))
    assert tile(pictures[:3], columns=4).shape == (5, 27) and theirs(pictures[:3]).shape == (5, 20)


def test_scikit_learn_finds_the_same_components_with_other_signs():
    rows = np.random.default_rng(0).normal(size=(500, 20)) * np.arange(1, 21)
    mean, basis = principal(rows, 8)
    found = PCA(8, svd_solver="covariance_eigh").fit(rows)
    cosines = (basis * found.components_.T).sum(0)
    np.testing.assert_allclose(found.mean_, mean)
    np.testing.assert_allclose(np.abs(cosines), 1)
    assert cosines.min() < 0


def test_downscale_local_mean_adds_zeros_to_an_odd_side():
    picture = np.full((6, 8, 3), 100.0)
    np.testing.assert_array_equal(halved(picture), downscale_local_mean(picture, (2, 2, 1)))
    theirs = downscale_local_mean(picture[:5], (2, 2, 1))
    assert halved(picture[:5]).min() == 100 and theirs[-1].max() == 50
