"""Choose a class of a network by its name."""

from __future__ import annotations

import ipywidgets

from course_utils.networks import Network


def class_chooser(net: Network, name: str, *, label: str = "Class") -> ipywidgets.Combobox:
    """A field for a class name that proposes those that fit what is typed; `net.class_index` says what is wrong with others.

    Args:
        net: a classifier.
        name: the class at the beginning.
        label: of the field.
    """
    net.class_index(name)  # one line of error for a class that the network does not have
    return ipywidgets.Combobox(
        options=tuple(dict.fromkeys(net.categories)),  # two of ImageNet's names stand for two classes each
        value=name,
        description=label,
        placeholder="type a class",
        continuous_update=False,
    )
