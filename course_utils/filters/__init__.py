"""Filters: what the weights themselves look like."""

from course_utils.filters.expanded_weights import expanded_weights
from course_utils.filters.first_layer import (
    color_share,
    convolutions,
    filter_response,
    filter_weights,
    filters_as_images,
    raw_weight_sheet,
)
from course_utils.filters.strongest_windows import strongest_windows

__all__ = [
    "color_share",
    "convolutions",
    "expanded_weights",
    "filter_response",
    "filter_weights",
    "filters_as_images",
    "raw_weight_sheet",
    "strongest_windows",
]
