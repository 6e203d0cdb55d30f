"""Figures for readers who do not see them, or who do not tell colors apart."""

import matplotlib
import pytest
import torch
from matplotlib.collections import PathCollection
from matplotlib.lines import Line2D

from course_utils import describe_figure, new_figure, show_bars
from course_utils.figures import show_boxes, show_inversions, show_points, show_scree, show_separation
from course_utils.plots import TOLD_APART
from course_utils.stimuli import inversions


def drawn(figure):
    figure.draw_without_rendering()
    return figure


def looks(ax):
    """From what each line, frame, bar and cloud of an axes looks like, without its color, to its colors."""
    found = {}
    for one in [*ax.lines, *ax.patches]:
        if one.get_gid() == TOLD_APART or (isinstance(one, Line2D) and not len(one.get_xdata())):
            continue
        line, filled = isinstance(one, Line2D), not isinstance(one, Line2D) and one.get_fill()
        look = (one.get_marker(),) if line else (one.get_hatch() or "",)
        look += () if filled else (one.get_linestyle(), one.get_linewidth())
        color = one.get_color() if line else one.get_facecolor() if filled else one.get_edgecolor()
        found.setdefault((type(one).__name__, filled, *look), set()).add(matplotlib.colors.to_hex(color))
    for cloud in (one for one in ax.collections if isinstance(one, PathCollection)):
        (path,), colors = cloud.get_paths(), {matplotlib.colors.to_hex(color) for color in cloud.get_facecolors()}
        found.setdefault(("cloud", path.vertices.tobytes()), set()).update(colors)
    return found


def color_alone(figure):
    """What differs in its color only, in any axes."""
    return [look for ax in drawn(figure).axes for look, colors in looks(ax).items() if len(colors) > 1]


def test_lines_that_differ_in_color_only_get_other_marks_also_in_the_legend():
    figure, axes = new_figure(1, 2)
    for ax in axes[0]:
        for name, color in (("one", "red"), ("two", "blue"), ("three", "green")):
            ax.plot([1, 2, 3], "o-", color=color, label=name)
            ax.plot([3, 2, 1], color=color)
        ax.axhline(0, color="gray", linestyle="--")
    axes[0, 1].legend()
    assert color_alone(figure) == []
    left, right = ([(line.get_marker(), line.get_linestyle()) for line in ax.lines] for ax in axes[0])
    assert left == right and left[0] == ("o", "-") and left[1] == ("None", "-"), "the first stay as they are"
    assert len({style for marker, style in left if marker == "None"}) == 4
    shown = [line.get_marker() for line in axes[0, 1].get_legend().legend_handles]
    assert shown == [marker for marker, _ in left if marker != "None"] and len(set(shown)) == 3


def test_a_dot_does_not_become_a_larger_dot():
    figure, axes = new_figure()
    for color in ("red", "blue"):
        axes[0, 0].plot([1, 2, 3], ".", color=color)
    assert [line.get_marker() for line in drawn(figure).axes[0].lines] == [".", "s"]


def test_bars_and_frames_get_hatches_and_dashes():
    figure, axes = new_figure()
    for lift, color in ((0, "gray"), (0.4, "orange")):
        axes[0, 0].barh([lift, lift + 1], [1, 2], 0.3, color=color, label=color)
        axes[0, 0].hist([1, 2, 2], histtype="step", color=color)
    legend = axes[0, 0].legend()
    assert color_alone(figure) == []
    gray, orange = (handle.get_hatch() or "" for handle in legend.legend_handles[:2])
    assert gray == "" and orange == axes[0, 0].containers[1][0].get_hatch() != ""


def test_what_differs_already_stays_and_so_does_a_second_drawing():
    figure, axes = new_figure()
    axes[0, 0].plot([1, 2], "-", color="red")
    axes[0, 0].plot([1, 2], ":", color="blue")
    axes[0, 0].plot([1, 3], "-", color="red")
    before = [(line.get_linestyle(), line.get_marker()) for line in axes[0, 0].lines]
    for _ in range(2):
        drawn(figure)
        assert [(line.get_linestyle(), line.get_marker()) for line in axes[0, 0].lines] == before
    axes[0, 0].plot([2, 2], "-", color="green")
    once = [line.get_linestyle() for line in drawn(figure).axes[0].lines]
    assert once[:3] == ["-", ":", "-"] and once[3] not in ("-", ":")
    assert [line.get_linestyle() for line in drawn(figure).axes[0].lines] == once


FIGURES = {
    "show_scree": lambda: show_scree({"one": torch.rand(9), "two": torch.rand(9), "three": torch.rand(9)}, mark=3),
    "show_inversions": lambda: show_inversions(inversions()),
    "show_inversions, beside": lambda: show_inversions(inversions(), weights="random", beside="trained"),
    "show_separation": lambda: show_separation(torch.rand(6), [True, False] * 3, list("abcdef")),
    "show_boxes": lambda: show_boxes(torch.rand(3, 60, 60), [(5, 5, 20 + i, 30) for i in range(4)], list("abcd")),
    "show_points": lambda: show_points(torch.rand(40, 2), torch.arange(40) % 10, names=list("abcdefghij")),
}


@pytest.mark.parametrize("name", FIGURES)
def test_no_figure_of_the_course_tells_by_color_alone(name):
    figure = FIGURES[name]()
    assert any(looks(ax) for ax in figure.axes)
    assert color_alone(figure) == []


def test_of_many_groups_of_points_those_of_one_form_are_few():
    figure = drawn(show_points(torch.rand(74, 2), torch.arange(74) % 37))
    assert max(len(colors) for colors in looks(figure.axes[0]).values()) == 4


def test_the_points_of_a_map_have_the_forms_of_their_legend():
    figure = show_points(torch.rand(6, 2), [0, 1, 2, 0, 1, 2], names=["a", "b", "c"])
    assert len({handle.get_marker() for handle in figure.legends[0].legend_handles}) == 3


def test_a_figure_is_described_with_its_bars_and_named_lines():
    figure, axes = new_figure()
    axes[0, 0].plot([0.5, 3, float("nan")], label="rising")
    axes[0, 0].plot([1, 1])
    axes[0, 0].set_xlabel("steps")
    assert describe_figure(figure) == "steps, rising from 0.5 to 3"
    assert describe_figure(show_bars([("cat", 0.75), ("dog", 0.1)])).endswith("cat 0.75, dog 0.1")


def test_numbered_pictures_are_not_counted_up():
    figure, axes = new_figure(2, 4)
    for number, ax in enumerate(axes.flat):
        ax.set_title(str(number) if number < 6 else f"last {number}")
    assert describe_figure(figure) == "0 to 5, last 6, last 7"
    axes[0, 2].set_title("7")
    assert describe_figure(figure) == "0, 1, 7, 3, 4, 5, last 6, last 7"
