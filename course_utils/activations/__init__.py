"""Activations: what the layers of a network put out, and what that says about pictures."""

from course_utils.activations.channel_statistics import channel_statistics
from course_utils.activations.channels import Channels, channels, selectivity, separation
from course_utils.activations.deletion import deletion_curve
from course_utils.activations.distances import cosine_distances, l2_distances, nearest
from course_utils.activations.evidence_map import evidence_map
from course_utils.activations.feature_maps import feature_maps, scale_maps, tile
from course_utils.activations.feature_table import feature_table
from course_utils.activations.field_crops import field_crops
from course_utils.activations.image_map import grid_cells, label_agreement
from course_utils.activations.neighbors import Neighbors, neighbors, recall_at_k, vectors
from course_utils.activations.occlusion import occlusion, plain_occlusion
from course_utils.activations.pca import Pca, pca
from course_utils.activations.plain_tsne import kl_gradient, plain_tsne
from course_utils.activations.receptive_field import plain_receptive_field, receptive_field
from course_utils.activations.top_patches import plain_top_patches, top_patches
from course_utils.activations.tsne import affinities, joint, kl_divergence, map_affinities, perplexity_of, tsne
from course_utils.engines.accumulators import ChannelStatistics, Moments, Quantiles
from course_utils.engines.baselines import baseline_images
from course_utils.engines.fields import ReceptiveField
from course_utils.engines.occlusion_scores import OcclusionScores, occlusion_scores, window_starts
from course_utils.engines.top_k import TopPatches

__all__ = [
    "ChannelStatistics",
    "Channels",
    "Moments",
    "Neighbors",
    "OcclusionScores",
    "Pca",
    "Quantiles",
    "ReceptiveField",
    "TopPatches",
    "affinities",
    "baseline_images",
    "channel_statistics",
    "channels",
    "cosine_distances",
    "deletion_curve",
    "evidence_map",
    "feature_maps",
    "feature_table",
    "field_crops",
    "grid_cells",
    "joint",
    "kl_divergence",
    "kl_gradient",
    "l2_distances",
    "label_agreement",
    "map_affinities",
    "nearest",
    "neighbors",
    "occlusion",
    "occlusion_scores",
    "pca",
    "perplexity_of",
    "plain_occlusion",
    "plain_receptive_field",
    "plain_top_patches",
    "plain_tsne",
    "recall_at_k",
    "receptive_field",
    "scale_maps",
    "selectivity",
    "separation",
    "tile",
    "top_patches",
    "tsne",
    "vectors",
    "window_starts",
]
