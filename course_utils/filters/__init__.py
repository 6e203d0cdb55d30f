"""Filters: what the weights themselves look like."""

from course_utils.filters.first_layer import (
    color_share,
    convolutions,
    filter_response,
    filter_weights,
    filters_as_images,
    raw_weight_sheet,
    strongest_windows,
)

__all__ = [
    "color_share",
    "convolutions",
    "filter_response",
    "filter_weights",
    "filters_as_images",
    "raw_weight_sheet",
    "strongest_windows",
]
