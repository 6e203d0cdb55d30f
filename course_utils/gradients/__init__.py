"""Gradients: which pixels matter, and what the network would like to see."""

from course_utils.gradients.ascent import facet_starts, visualize
from course_utils.gradients.guided import as_picture, backprop, relu_rule
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
    "Fourier",
    "Jitter",
    "L2Decay",
    "Objective",
    "Pad",
    "Pixels",
    "ROBUST",
    "Rotate",
    "Scale",
    "YOSINSKI",
    "accuracy",
    "as_picture",
    "backprop",
    "blur",
    "channel",
    "class_score",
    "digits",
    "direction",
    "edges",
    "facet_starts",
    "input_gradient",
    "mark",
    "neuron",
    "rank_correlation",
    "relu_rule",
    "saliency",
    "segment",
    "share_inside",
    "smoothgrad",
    "train_digit_net",
    "visualize",
]
