"""Explorers: one method each, with knobs to turn and pictures to click on.

    from course_utils import explorers
    explorers.FeatureMaps()

**How to write one.** A module named as the method, a class with the knobs, the pictures and one callback:

    class Threshold(Explorer):
        title = "Threshold: bright pixels"

        def __init__(self, *, photo="cat"):
            super().__init__()
            self.knob("photo", PhotoChooser(photo))
            self.knob("level", ipywidgets.FloatSlider(value=0.5, min=0, max=1, step=0.05, description="Level"))
            self.button("Slowly", self.sweep)                       # starts work(knobs)
            self.out = self.picture("The photo", name="place", kind="click", cross=True)
            self.start()                                            # always the last line

        def update(self, knobs):
            image = knobs.photo.tensor(224)                         # (1, 3, 224, 224)
            x, y = knobs.place                                      # in 0..1, where the picture was clicked
            self.out.show((image > knobs.level).float(), f"brighter than {knobs.level}")
            self.say(f"Clicked at {x:.0%}, {y:.0%}.")

        def sweep(self, knobs):                                     # long work is a generator
            for step in range(100):
                ...                                                 # show a picture every few steps
                yield step + 1, 100                                 # progress; here it is stopped or replaced

and a line in `_HOME` below. The rules:

- `start()` runs `update` once in the caller's thread with the knobs as they are: that is the static figure of a notebook
  without a browser or a kernel, and its exception fails the cell, on purpose. Of a long `update`, `first_steps` steps
  run then. The figure is renewed when the work rests.
- Afterwards every change runs `update` in the explorer's one background thread, with a snapshot of the knobs. A newer
  change replaces one that waits, and ends a running generator at its next `yield`. *Stop* does that too; what is shown stays.
  So yield at least twice a second. A `try: ... finally:` around yields is run when it is stopped.
- What can be shown before Start is pressed, such as the chosen photo, is a knob's `preview=`.
- A method with a callback, such as `visualize`, is wrapped by a `LiveExplorer`: a Start button, a live picture, Stop.
  Without it, a callback returns `self.worker.tick(step, steps)` (True: end now), and the method returns its best so
  far. Give the method `progress=False`.
- An exception becomes words in the status line: raise CourseError or ValueError with one line that a person can act on.
- Use a network of your own, `own_network(net)`: same weights, separate hooks, so that cells can run meanwhile.
- Keep what a knob does not change (the network's answer to a photo) in the explorer, one photo and one layer at a time.
- Draw with PIL or torch, not with Matplotlib: it is too slow for a knob. Pictures are at most about 300 pixels wide.
- Every control has a `description`. Color is never the only difference: write it in the caption too.
- It stands in its lesson, in `notebooks/source/explore.py`, and in `tests/explorers/`: a unit test and a browser test.
"""

from __future__ import annotations

import importlib

# the explorers in the order of the lessons -> their modules
_HOME: dict[str, str] = {
    "FeatureMaps": "feature_maps",
    "Neighbors": "neighbors",
    "FeatureSpace": "feature_space",
    "TopPatches": "top_patches",
    "Occlusion": "occlusion",
    "Saliency": "saliency",
    "ClassVisualization": "ascent",
    "Fooling": "fooling",
    "Inversion": "inversion",
    "DeepDream": "deepdream",
    "Texture": "texture",
    "StyleTransfer": "style",
    "ManyStyles": "fast_style",
}


def __getattr__(name: str):
    if name in _HOME:
        value = getattr(importlib.import_module(f"{__name__}.{_HOME[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}; there are {', '.join(_HOME)}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOME])
