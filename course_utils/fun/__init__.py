"""Fun applications: DeepDream, texture synthesis, neural style transfer."""

from course_utils.fun.deepdream import deepdream, dream_gradient, dream_step
from course_utils.fun.fast_style import (
    STYLE_NAMES,
    ConditionalInstanceNorm,
    StyleNet,
    instance_norm,
    load_style_net,
    stylize,
)
from course_utils.fun.pixel_texture import efros_leung, wei_levoy
from course_utils.fun.style import (
    content_loss,
    keep_colors,
    match_colors,
    mean_gram,
    style_loss,
    style_transfer,
    tv_loss,
)
from course_utils.fun.style_images import draw_style, style_image, style_names
from course_utils.fun.texture import gram_loss, gram_matrix, synthesize_texture, texture_grams, texture_loss
from course_utils.fun.texture_samples import TEXTURES, draw_texture, on_paper, texture_sample

__all__ = [
    "STYLE_NAMES",
    "TEXTURES",
    "ConditionalInstanceNorm",
    "StyleNet",
    "content_loss",
    "deepdream",
    "draw_style",
    "draw_texture",
    "dream_gradient",
    "dream_step",
    "efros_leung",
    "gram_loss",
    "gram_matrix",
    "instance_norm",
    "keep_colors",
    "load_style_net",
    "match_colors",
    "mean_gram",
    "on_paper",
    "style_image",
    "style_loss",
    "style_names",
    "style_transfer",
    "stylize",
    "synthesize_texture",
    "texture_grams",
    "texture_loss",
    "texture_sample",
    "tv_loss",
    "wei_levoy",
]
