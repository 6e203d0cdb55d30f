"""Pictures made for an experiment."""

import torch

from course_utils.stimuli import object_masks
from course_utils.stimuli.objects import OBJECT_BOXES


def test_every_outline_lies_in_its_box_and_fills_a_good_part_of_it():
    names, masks = object_masks()
    assert masks.shape == (len(names), 224, 224) and masks.dtype == torch.bool
    for name, mask in zip(names, masks, strict=True):
        top, left, bottom, right = OBJECT_BOXES[name]
        outside = mask.clone()
        outside[top:bottom, left:right] = False
        assert not outside.any()
        assert 0.25 < mask.sum() / ((bottom - top) * (right - left)) < 0.95, name


def test_the_outlines_are_the_callers_own_copies():
    first, second = object_masks()[1], object_masks()[1]
    first.zero_()
    assert second.any() and object_masks()[1].any()
