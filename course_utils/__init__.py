"""Looking inside convolutional networks: the methods of the lecture "Visualizing and Understanding", one file each.

    from course_utils import load_network, photo, saliency, show_heat

Names are looked up when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

import importlib

__version__ = "0.1.0"

# public name -> the module that defines it; in the order of the lecture
_HOME = {
    "load_network": "networks",
    "Network": "networks",
    "gallery": "images",
    "photo": "images",
    "labelled_photos": "images",
    "load_image": "images",
    "load_folder": "images",
    "save_image": "images",
    "layer_outputs": "hooks",
    "capture": "hooks",
    "features": "hooks",
    "show_images": "plots",
    "show_heat": "plots",
    "show_bars": "plots",
    "check": "exercises",
    "quiz": "exercises",
    "tiny_net": "exercises",
}


def __getattr__(name: str):
    if name in _HOME:
        value = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
