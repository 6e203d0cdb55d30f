"""Gradients: which pixels matter, and what the network would like to see."""

from course_utils.gradients.ascent import facet_starts, visualize
from course_utils.gradients.fooling import (
    Fooled,
    crop_and_resize,
    fgsm,
    fool,
    fooled,
    jpeg,
    magnify,
    pgd,
    project,
    survival,
)
from course_utils.gradients.guided import as_picture, backprop, relu_rule
from course_utils.gradients.importance import ablated, channel_importance, pruning_curve
from course_utils.gradients.inversion import Inversion, feature_error, invert, tv_norm
from course_utils.gradients.objectives import Objective, channel, class_score, direction, neuron
from course_utils.gradients.parameterizations import Fourier, Pixels
from course_utils.gradients.regularizers import YOSINSKI, Blur, ClipSmallContribution, ClipSmallNorm, L2Decay
from course_utils.gradients.saliency import edges, input_gradient, rank_correlation, saliency, smoothgrad
from course_utils.gradients.segmentation import blur, segment
from course_utils.gradients.shortcut import accuracy, digits, mark, share_inside, train_digit_net
from course_utils.gradients.transforms import ROBUST, CenterBias, Jitter, Pad, Rotate, Scale

__all__ = [
    "Blur",
    "CenterBias",
    "ClipSmallContribution",
    "ClipSmallNorm",
    "Fooled",
    "Fourier",
    "Inversion",
    "Jitter",
    "L2Decay",
    "Objective",
    "Pad",
    "Pixels",
    "ROBUST",
    "Rotate",
    "Scale",
    "YOSINSKI",
    "ablated",
    "accuracy",
    "as_picture",
    "backprop",
    "blur",
    "channel",
    "channel_importance",
    "class_score",
    "crop_and_resize",
    "digits",
    "direction",
    "edges",
    "facet_starts",
    "feature_error",
    "fgsm",
    "fool",
    "fooled",
    "input_gradient",
    "invert",
    "jpeg",
    "magnify",
    "mark",
    "neuron",
    "pgd",
    "project",
    "pruning_curve",
    "rank_correlation",
    "relu_rule",
    "saliency",
    "segment",
    "share_inside",
    "smoothgrad",
    "survival",
    "train_digit_net",
    "tv_norm",
    "visualize",
]
