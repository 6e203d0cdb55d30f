"""Notebooks that are opened elsewhere: in Google Colab, which has no course installed, and in Binder.

Both need an address from which the course can be had: `Repository` in `[project.urls]` of pyproject.toml. Without it
the notebooks have neither links nor a cell that installs.
"""

from __future__ import annotations

import re
import tomllib

from course_utils.authoring import paths

INSTALL = """# where the course is not installed, as in Google Colab: install it; this takes some minutes
import importlib.util
import subprocess
import sys

if importlib.util.find_spec("course_utils") is None:
    subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "git+{address}"], check=True)"""


def repository() -> str:
    """The address of the course's repository, or "" if pyproject.toml has none."""
    file = paths.ROOT / "pyproject.toml"
    project = tomllib.loads(file.read_text(encoding="utf-8"))["project"] if file.exists() else {}
    return project.get("urls", {}).get("Repository", "").removesuffix("/")


def install_cell(address: str) -> str:
    """The code of a notebook's first cell: it installs the course where it is not, and does nothing where it is."""
    return INSTALL.format(address=address)


def links(address: str, notebook: str) -> str:
    """Links that open a notebook in Colab and in Binder; "" if the repository is not on GitHub.

    Args:
        address: of the repository.
        notebook: its path in the repository, such as "notebooks/07_saliency_maps.ipynb".
    """
    found = re.fullmatch(r"https://github\.com/([\w.-]+/[\w.-]+?)(?:\.git)?", address)
    if not found:
        return ""
    colab = f"https://colab.research.google.com/github/{found[1]}/blob/main/{notebook}"
    binder = f"https://mybinder.org/v2/gh/{found[1]}/HEAD?urlpath=lab/tree/{notebook}"
    return f"Open it in [Colab]({colab}) or in [Binder]({binder})."
