"""Fun applications: DeepDream, texture synthesis, neural style transfer."""

from course_utils.engines.neighborhoods import copy_pixels
from course_utils.fun.colors import keep_colors, match_colors
from course_utils.fun.deepdream import deepdream
from course_utils.fun.dream import dream, dream_gradient, dream_step
from course_utils.fun.efros_leung import efros_leung, efros_leung_sources
from course_utils.fun.fast_style import load_style_net, stylize
from course_utils.fun.gram import gram_loss, gram_matrix, mean_gram, texture_grams
from course_utils.fun.instance_norm import ConditionalInstanceNorm, instance_norm
from course_utils.fun.own_style import add_style, new_style, save_style_net
from course_utils.fun.perceptual_loss import PerceptualLoss
from course_utils.fun.plain_efros_leung import plain_efros_leung
from course_utils.fun.style import style_transfer
from course_utils.fun.style_losses import content_loss, style_loss
from course_utils.fun.style_net import STYLE_NAMES, StyleNet
from course_utils.fun.texture import synthesize_texture, texture_loss
from course_utils.fun.wei_levoy import wei_levoy, wei_levoy_sources

__all__ = [
    "STYLE_NAMES",
    "ConditionalInstanceNorm",
    "PerceptualLoss",
    "StyleNet",
    "add_style",
    "content_loss",
    "copy_pixels",
    "deepdream",
    "dream",
    "dream_gradient",
    "dream_step",
    "efros_leung",
    "efros_leung_sources",
    "gram_loss",
    "gram_matrix",
    "instance_norm",
    "keep_colors",
    "load_style_net",
    "match_colors",
    "mean_gram",
    "new_style",
    "plain_efros_leung",
    "save_style_net",
    "style_loss",
    "style_transfer",
    "stylize",
    "synthesize_texture",
    "texture_grams",
    "texture_loss",
    "wei_levoy",
    "wei_levoy_sources",
]
