"""Gradients: which pixels matter, and what the network would like to see."""

from course_utils.engines.ablation import ablated
from course_utils.engines.relu_rules import relu_rule
from course_utils.gradients.adversarial import fgsm, pgd, project
from course_utils.gradients.adversarial_patch import adversarial_patch, random_places, stick_on
from course_utils.gradients.ascent import PHASES, facet_starts, visualize
from course_utils.gradients.effective_field import effective_field
from course_utils.gradients.ensemble import Ensemble
from course_utils.gradients.fooling import Fooled, fool, fooled, magnify
from course_utils.gradients.grad_cam import grad_cam
from course_utils.gradients.gradient_times_input import gradient_times_input
from course_utils.gradients.guided import as_picture, backprop
from course_utils.gradients.importance import channel_importance
from course_utils.gradients.integrated_gradients import integrated_gradients
from course_utils.gradients.inversion import feature_error, invert
from course_utils.gradients.picture_error import PARTS, picture_error
from course_utils.gradients.pruning import pruning_curve
from course_utils.gradients.saliency import input_gradient, saliency
from course_utils.gradients.sanity_checks import edges, rank_correlation, share_inside
from course_utils.gradients.segmentation import blur, segment
from course_utils.gradients.smoothgrad import smoothgrad
from course_utils.gradients.survival import crop_and_resize, jpeg, survival
from course_utils.gradients.transfer import Transfer, transfer_table
from course_utils.optimize.objectives import Objective, channel, class_score, direction, neuron, tv_norm
from course_utils.optimize.pictures import Fourier, Phase, Pixels
from course_utils.optimize.regularizers import YOSINSKI, Blur, ClipSmallContribution, ClipSmallNorm, L2Decay
from course_utils.optimize.transforms import CROPS, ROBUST, CenterBias, Crop, Jitter, Noise, Pad, Rotate, Scale

__all__ = [
    "Blur",
    "CROPS",
    "CenterBias",
    "ClipSmallContribution",
    "ClipSmallNorm",
    "Crop",
    "Ensemble",
    "Fooled",
    "Fourier",
    "Jitter",
    "L2Decay",
    "Noise",
    "Objective",
    "PARTS",
    "PHASES",
    "Pad",
    "Phase",
    "Pixels",
    "ROBUST",
    "Rotate",
    "Scale",
    "Transfer",
    "YOSINSKI",
    "ablated",
    "adversarial_patch",
    "as_picture",
    "backprop",
    "blur",
    "channel",
    "channel_importance",
    "class_score",
    "crop_and_resize",
    "direction",
    "edges",
    "effective_field",
    "facet_starts",
    "feature_error",
    "fgsm",
    "fool",
    "fooled",
    "grad_cam",
    "gradient_times_input",
    "input_gradient",
    "integrated_gradients",
    "invert",
    "jpeg",
    "magnify",
    "neuron",
    "pgd",
    "picture_error",
    "project",
    "pruning_curve",
    "random_places",
    "rank_correlation",
    "relu_rule",
    "saliency",
    "segment",
    "share_inside",
    "smoothgrad",
    "stick_on",
    "survival",
    "transfer_table",
    "tv_norm",
    "visualize",
]
