"""Explore class visualization: which regularizers turn noise into a picture?"""

from __future__ import annotations

import ipywidgets
from torch import Tensor

from course_utils.explorers.bars import Bars
from course_utils.explorers.classes import class_chooser
from course_utils.explorers.live_explorer import LiveExplorer
from course_utils.explorers.own_network import own_network
from course_utils.gradients import ROBUST, Blur, ClipSmallNorm, Crop, Fourier, L2Decay, Noise, Phase, Pixels, visualize
from course_utils.images import resize
from course_utils.networks import Network, load_network


class ClassVisualization(LiveExplorer):
    """Draw a class, with each helper on or off; a second network judges the result.

    Args:
        net: a classifier, or its name.
        target: the class at the beginning, by name.
        judge: the name of a network with the same classes that had no part in the picture.
        size: side of the picture.
        steps: of the ascent.
    """

    title = "Class visualization: what would the network like to see?"
    first_steps = 32
    contrast = {"fourier": False, "phases": False, "robust": False}

    def __init__(
        self,
        net: Network | str = "efficientnet_lite0",
        *,
        target: str = "goldfish",
        judge: str = "efficientnet_lite2",
        size: int = 128,
        steps: int = 96,
    ):
        super().__init__()
        self.net, self.size, self.steps = own_network(net), size, steps
        self._judge_name, self._judge = judge, None

        def switch(name: str, text: str, value: bool) -> ipywidgets.Checkbox:
            box = ipywidgets.Checkbox(value=value, description=text, indent=False, layout={"width": "auto"})
            return self.knob(name, box, update=False)

        self.knob("target", class_chooser(self.net, target), update=False)
        self.knob("seed", ipywidgets.BoundedIntText(0, min=0, max=9999, description="Seed", layout={"width": "110px"}), update=False)  # fmt: skip
        self.fourier = switch("fourier", "Frequencies", True)
        self.phases = switch("phases", "Only phases", True)
        switch("robust", "Random transforms", True)
        self._for_pixels = [
            switch("decay", "L2 decay", False),
            switch("blur", "Blur", False),
            switch("clip", "Clip small pixels", False),
        ]
        self.fourier.observe(lambda _: self._what_fits(), "value")
        self._what_fits()
        self.button("Start", self.update, button_style="primary")
        self.out = self.picture("", width=250)
        self.before = self.picture("", width=250)
        self.bars = self.view(Bars("What the network says of it"))
        self.start()

    def _what_fits(self) -> None:
        for box in self._for_pixels:
            box.disabled = self.fourier.value
        self.phases.disabled = not self.fourier.value

    def update(self, knobs) -> None:
        target = self.net.class_index(knobs.target.strip())
        name = self.net.category(target)
        kind = "pixels" if not knobs.fourier else "phases" if knobs.phases else "frequencies"
        image, transforms, lr = {
            "pixels": (Pixels(), ROBUST, 0.03),
            "frequencies": (Fourier(), ROBUST, 0.05),
            "phases": (Phase(), (Crop(), Noise()), 0.2),
        }[kind]
        how = [kind, *(["transforms"] if knobs.robust else [])]
        chosen = {"decay": L2Decay(0.005), "blur": Blur(0.8, every=4), "clip": ClipSmallNorm(20)}
        chosen = {key: one for key, one in chosen.items() if getattr(knobs, key) and not knobs.fourier}
        words = f"{name}: {', '.join([*how, *chosen])}"
        self.keep()

        def show(step, images, values):
            self.out.show(images, f"{words}; step {step}")
            self.bars.show(self.net.predict(images)[0])

        drawn = visualize(
            self.net,
            target,
            image=image,
            transforms=transforms if knobs.robust else (),
            regularizers=list(chosen.values()),
            optimizer="adam" if knobs.fourier else "ascent",
            lr=lr,
            size=self.size,
            steps=self.steps,
            seed=knobs.seed,
            callback=self.watch(self.steps, show),
            progress=False,
        )
        self.out.show(drawn, words)
        self.bars.show(self.net.predict(drawn)[0])
        own, rank = self.net(drawn).softmax(1)[0, target].item(), self._rank(drawn, target)
        self.out.caption = f"{words}\n{own:.0%} for its maker, rank {rank} for the judge"
        self.say(f"Its maker says {name} with {own:.0%}. The judge, {self._judge_name}, puts {name} on rank {rank}.")

    def _rank(self, image: Tensor, target: int) -> int:
        """The place of the class among those of a network that had no part in the picture: 1 is the first."""
        if self._judge is None:
            self._judge = load_network(self._judge_name, device=self.net.device)
        scores = self._judge(resize(image, self._judge.input_size))[0]
        return int((scores > scores[target]).sum()) + 1
