"""Stimuli: pictures made for an experiment: words, faces, crops, digits, patterns, styles, textures."""

from course_utils.stimuli.crops import Crops, crop_set
from course_utils.stimuli.digits import digits, mark
from course_utils.stimuli.faces import face_patches, paste
from course_utils.stimuli.inversions import Inversions, inversions
from course_utils.stimuli.objects import object_masks
from course_utils.stimuli.paintings import Painting, paintings
from course_utils.stimuli.patterns import simple_patterns
from course_utils.stimuli.shuffled import lined_tiles, shuffled_tiles
from course_utils.stimuli.spectra import same_spectrum
from course_utils.stimuli.styles import style_image, style_names
from course_utils.stimuli.textures import TEXTURES, on_paper, texture_sample
from course_utils.stimuli.tiles import Tiles, photo_tiles
from course_utils.stimuli.words import write_word

__all__ = [
    "Crops",
    "Inversions",
    "Painting",
    "TEXTURES",
    "Tiles",
    "crop_set",
    "digits",
    "face_patches",
    "inversions",
    "lined_tiles",
    "mark",
    "object_masks",
    "on_paper",
    "paintings",
    "paste",
    "photo_tiles",
    "same_spectrum",
    "shuffled_tiles",
    "style_image",
    "style_names",
    "simple_patterns",
    "texture_sample",
    "write_word",
]
