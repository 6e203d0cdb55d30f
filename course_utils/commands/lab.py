"""`course lab`: JupyterLab on a lesson."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Sequence
from pathlib import Path

from course_utils.commands import ROOT
from course_utils.errors import CourseError


def open_lab(notebook: str = "00", *, browser: bool = True, port: int | None = None) -> int:
    """Start JupyterLab on a notebook and wait until it ends.

    Args:
        notebook: a lesson number (`"07"`), `"explore"` for the notebook of all explorers, or a file.
        browser: open the browser.
        port: the port to listen on; None for Jupyter's own choice, 8888 or the next free one.

    Raises:
        CourseError: no such lesson or file, or the port is taken.
    """
    path = find_notebook(notebook)
    root = ROOT if path.is_relative_to(ROOT) else path.parent
    return start(path, root, browser=browser, port=port)


def start(path: Path, root: Path, options: Sequence[str] = (), *, browser: bool, port: int | None) -> int:
    """Start JupyterLab on the file `path` below the folder `root`, with more of its options, and wait until it ends."""
    options = [str(path), f"--ServerApp.root_dir={root}", *options]
    if port is not None:
        check_port(port)
        options += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    if not browser:
        options.append("--no-browser")
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        options.append("--allow-root")  # in a container there is often no other user

    from jupyterlab.labapp import main

    return main(options) or 0


def find_notebook(notebook: str) -> Path:
    """The file of a lesson number, of "explore", or of a path."""
    folder = ROOT / "notebooks"
    if notebook == "explore" and (folder / "explore.ipynb").is_file():
        return folder / "explore.ipynb"
    if notebook.isdigit():
        found = sorted(folder.glob(f"{int(notebook):02d}_*.ipynb"))
        if found:
            return found[0]
        numbers = ", ".join(sorted(p.name[:2] for p in folder.glob("[0-9][0-9]_*.ipynb"))) or f"none in {folder}"
        raise CourseError(f"There is no lesson {notebook}; there are: {numbers}.")
    path = Path(notebook).resolve()
    if not path.is_file():
        raise CourseError(f"There is no file {notebook}; give a lesson number such as 07, explore, or a notebook file.")
    return path


def check_port(port: int) -> None:
    """Raise unless this computer can listen on `port`."""
    with socket.socket() as probe:
        if os.name != "nt":  # on Windows this option would let two servers share a port
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            reason = "is taken" if error.errno == errno.EADDRINUSE else f"cannot be used ({error.strerror})"
            raise CourseError(
                f"Port {port} {reason}; choose another with --port, or leave it out for the next free one."
            ) from None
