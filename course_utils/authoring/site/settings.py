"""Sphinx's settings for the site, and its formulas: MathML, written when the site is built; browsers draw it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from course_utils import __version__

TITLE = "Looking inside convolutional networks"


def settings(extra: Path) -> dict:
    """What stands in other projects' conf.py.

    Args:
        extra: a folder whose contents go to the site as they are.
    """
    return {
        "project": TITLE,
        "version": __version__,
        "extensions": ["myst_parser", __name__],
        "html_theme": "furo",
        "html_title": TITLE,
        "html_math_renderer": "mathml",
        "html_extra_path": [str(extra)],
        "html_static_path": [str(Path(__file__).with_name("look.css"))],
        "html_css_files": ["look.css"],
        "html_favicon": str(Path(__file__).with_name("favicon.svg")),
        "html_copy_source": False,
        "html_show_sourcelink": False,
        "html_show_copyright": False,
        "html_theme_options": {"navigation_with_keys": False, "top_of_page_buttons": []},
        "pygments_style": "a11y-high-contrast-light",
        "myst_enable_extensions": ["colon_fence", "dollarmath"],
        "myst_heading_anchors": 3,
        "myst_heading_slug_func": f"{__name__}.notebook_slug",
        "myst_links_external_new_tab": False,
        "maximum_signature_line_length": 90,
        "toc_object_entries_show_parents": "hide",
    }


def notebook_slug(heading: str) -> str:
    """The anchor of a heading, as notebooks have it: blanks become hyphens."""
    return heading.strip().replace(" ", "-")


@cache
def _converter():
    from math_core import LatexToMathML

    return LatexToMathML()


def to_mathml(latex: str, *, block: bool = False) -> str:
    """A formula as MathML. Screen readers read it, and it needs no script.

    Raises:
        math_core.LatexError: a formula that cannot be read.
    """
    return _converter().convert_with_local_state(latex, displaystyle=block)


def setup(app) -> dict:
    """Called by Sphinx."""
    from docutils import nodes

    def inline(self, node) -> None:
        self.body.append(to_mathml(node.astext()))
        raise nodes.SkipNode

    def block(self, node) -> None:
        self.body.append(f'<div class="math" tabindex="0">{to_mathml(node.astext(), block=True)}</div>')
        raise nodes.SkipNode

    def dark(app) -> None:
        app.config.pygments_dark_style = "a11y-high-contrast-dark"  # the theme knows it, Sphinx does not

    app.connect("builder-inited", dark, priority=100)  # before the theme reads it
    app.add_html_math_renderer("mathml", inline_renderers=(inline, None), block_renderers=(block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
