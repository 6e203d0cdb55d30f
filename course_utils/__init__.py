"""Looking inside convolutional networks: the methods of the lecture "Visualizing and Understanding", one file each.

>>> from course_utils import load_network, photo, saliency, show_heat
>>> net, image = load_network("efficientnet_lite0"), photo("bald_eagle")
>>> figure = show_heat(image, saliency(net, image))

Names are looked up when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

import lazy_loader

__version__ = "0.1.0"

# the public names of each room, all of them importable from here; a test holds this equal to what the rooms export
_NAMES = {
    "errors": "CourseError ImageError WeightsError did_you_mean",
    "networks": "Network OFFLINE best_device cached_checkpoint frozen load_network randomized torchvision_names",
    "images": """
        Gallery Photo center_crop from_pil gallery image_files iter_folder labelled_photos load_folder load_image
        open_image photo resize save_image to_pil walk_images warn_of_broken
    """,
    "cluster": "workers",
    "hooks": "capture check_size features forward_to layer_outputs smallest_size",
    "plots": "describe_figure heat_range new_figure short show_bars show_heat show_images show_predictions to_array",
    "optimize": """
        Blur CROPS CenterBias ClipSmallContribution ClipSmallNorm Crop Descent Fourier Jitter L2Decay Noise Objective
        Pad Phase Pixels ROBUST Roll Rotate Scale Smooth Watch YOSINSKI channel class_score descend direction neuron
        total_variation tv_norm
    """,
    "filters": """
        color_share convolutions expanded_weights filter_response filter_weights filters_as_images raw_weight_sheet
        strongest_windows
    """,
    "activations": """
        ChannelStatistics Channels Moments Neighbors OcclusionScores Pca Quantiles ReceptiveField TopPatches
        affinities baseline_images channel_statistics channels cosine_distances deletion_curve evidence_map
        feature_maps feature_table field_crops grid_cells joint kl_divergence kl_gradient l2_distances
        label_agreement map_affinities nearest neighbors occlusion occlusion_scores pca perplexity_of
        plain_occlusion plain_receptive_field plain_top_patches plain_tsne recall_at_k receptive_field
        scale_maps selectivity separation tile top_patches tsne vectors window_starts
    """,
    "gradients": """
        Blur CROPS CenterBias ClipSmallContribution ClipSmallNorm Crop Ensemble Fooled Fourier Jitter L2Decay Noise
        Objective PARTS PHASES Pad Phase Pixels ROBUST Rotate Scale Transfer YOSINSKI ablated adversarial_patch
        as_picture backprop blur channel channel_importance class_score crop_and_resize direction edges
        effective_field facet_starts feature_error fgsm fool fooled grad_cam gradient_times_input input_gradient
        integrated_gradients invert jpeg magnify neuron pgd picture_error project pruning_curve random_places
        rank_correlation relu_rule saliency segment share_inside smoothgrad stick_on survival transfer_table tv_norm
        visualize
    """,
    "fun": """
        ConditionalInstanceNorm PerceptualLoss STYLE_NAMES StyleNet add_style content_loss copy_pixels deepdream dream
        dream_gradient dream_step efros_leung efros_leung_sources gram_loss gram_matrix instance_norm keep_colors
        load_style_net match_colors mean_gram new_style plain_efros_leung save_style_net style_loss style_transfer
        stylize synthesize_texture texture_grams texture_loss wei_levoy wei_levoy_sources
    """,
    "figures": """
        show_boxes show_channel show_distances show_filters show_grid show_inversions show_layers show_map show_maps
        show_neighbors show_occlusion show_patches show_points show_raw_weights show_scree show_separation show_sheets
        show_style_training
    """,
    "stimuli": """
        Crops Inversions Painting TEXTURES Tiles crop_set digits face_patches inversions lined_tiles mark object_masks
        on_paper paintings paste photo_tiles same_spectrum shuffled_tiles simple_patterns style_image style_names
        texture_sample write_word
    """,
    "exercises": "check get_exercise lesson_exercises passed_so_far quiz run_check tiny_net",
}
# the explorers stay under their own roof: some have the name of a method's result, such as TopPatches

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__, [*_NAMES, "explorers"], {room: names.split() for room, names in _NAMES.items()}
)
