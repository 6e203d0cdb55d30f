"""The first layer of a network that has seen only faces: dlib's `face_recognition_resnet_model_v1` (D. King, 2017)."""

from __future__ import annotations

from torch import Tensor

from course_utils.networks.weights import own_weights


def face_filters() -> Tensor:
    """The first-layer filters `(32, 3, 7, 7)` of dlib's face network; data/weights/face_filters.md says more."""
    return own_weights("face_filters")["conv1"]
