"""Fun applications: DeepDream, texture synthesis, neural style transfer."""

from course_utils.fun.deepdream import deepdream, dream_gradient, dream_step
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
from course_utils.fun.texture import gram_matrix

__all__ = [
    "content_loss",
    "deepdream",
    "draw_style",
    "dream_gradient",
    "dream_step",
    "gram_matrix",
    "keep_colors",
    "match_colors",
    "mean_gram",
    "style_image",
    "style_loss",
    "style_names",
    "style_transfer",
    "tv_loss",
]
