"""Figures: what the methods found, drawn for a notebook. One file for each method, `show_*` in each."""

from course_utils.figures.embedding import show_grid, show_map, show_points, show_scree
from course_utils.figures.feature_maps import show_channel, show_layers, show_maps, show_separation
from course_utils.figures.filters import show_filters, show_raw_weights
from course_utils.figures.inversions import show_inversions
from course_utils.figures.neighbors import show_distances, show_neighbors
from course_utils.figures.occlusion import show_occlusion
from course_utils.figures.sheets import show_sheets
from course_utils.figures.style_training import show_style_training
from course_utils.figures.top_patches import show_boxes, show_patches

__all__ = [
    "show_boxes",
    "show_channel",
    "show_distances",
    "show_filters",
    "show_grid",
    "show_inversions",
    "show_layers",
    "show_map",
    "show_maps",
    "show_neighbors",
    "show_occlusion",
    "show_patches",
    "show_points",
    "show_raw_weights",
    "show_scree",
    "show_separation",
    "show_sheets",
    "show_style_training",
]
