"""Gradients: which pixels matter, and what the network would like to see."""

from course_utils.gradients.saliency import edges, input_gradient, rank_correlation, saliency, smoothgrad
from course_utils.gradients.segmentation import blur, segment
from course_utils.gradients.shortcut import accuracy, digits, mark, share_inside, train_digit_net

__all__ = [
    "accuracy",
    "blur",
    "digits",
    "edges",
    "input_gradient",
    "mark",
    "rank_correlation",
    "saliency",
    "segment",
    "share_inside",
    "smoothgrad",
    "train_digit_net",
]
