"""One engine for every picture that is changed, step by step, until a number is small or large.

    visualize            gradients/ascent.py       a class, a channel, a direction: large
    invert               gradients/inversion.py    the error of features: small
    deepdream            fun/deepdream.py          whatever a layer sees: large
    synthesize_texture   fun/texture.py            the distance of Gram matrices: small
    style_transfer       fun/style.py              features of one picture, Gram matrices of another: small

Each is a sum of objectives (`objectives`), a parameterization of the picture (`pictures`), perhaps random changes
before each look (`transforms`), what pulls pixels back after each step (`regularizers`), perhaps sizes from small to
large (`octaves`), and `descend`, which turns the knobs.

All five methods return the pictures, `(N, 3, H, W)` in [0, 1], and nothing else: that is what a lesson goes on with
(`descend` itself returns a `Descent`, with the values on the way). What
happened on the way is told to `callback(step, images, values)`; how good the result is, its objective says:
`feature_error(...)(net, image)`.
"""

from course_utils.optimize.descend import Descent, Watch, descend
from course_utils.optimize.objectives import (
    Objective,
    channel,
    class_score,
    direction,
    neuron,
    total_variation,
    tv_norm,
)
from course_utils.optimize.pictures import Fourier, Phase, Pixels, Smooth
from course_utils.optimize.regularizers import YOSINSKI, Blur, ClipSmallContribution, ClipSmallNorm, L2Decay
from course_utils.optimize.transforms import CROPS, ROBUST, CenterBias, Crop, Jitter, Noise, Pad, Roll, Rotate, Scale

__all__ = [
    "Blur",
    "CROPS",
    "CenterBias",
    "ClipSmallContribution",
    "ClipSmallNorm",
    "Crop",
    "Descent",
    "Fourier",
    "Jitter",
    "L2Decay",
    "Noise",
    "Objective",
    "Pad",
    "Phase",
    "Pixels",
    "ROBUST",
    "Roll",
    "Rotate",
    "Scale",
    "Smooth",
    "Watch",
    "YOSINSKI",
    "channel",
    "class_score",
    "descend",
    "direction",
    "neuron",
    "total_variation",
    "tv_norm",
]
