"""The image for JupyterHub. It cannot be built here; what it names exists, and its start script runs."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

from course_utils.authoring.paths import lesson_paths
from course_utils.authoring.release import NAME
from course_utils.commands.lab import MESSAGE_BYTES
from tests.test_elsewhere import torch_wheels

ROOT = Path(__file__).resolve().parents[1]
FILE = (ROOT / ".jupyterhub/Dockerfile").read_text(encoding="utf-8")
PAGE = (ROOT / "docs/jupyterhub.md").read_text(encoding="utf-8")


def test_the_versions_are_those_of_the_course():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert re.search(r"^FROM python:([\d.]+)-slim$", FILE, re.M)[1] in SpecifierSet(project["requires-python"])
    assert f"RUN pip install --no-cache-dir {torch_wheels()}" in FILE
    hub = re.search(r"^ARG JUPYTERHUB_VERSION=(\S+)$", FILE, re.M)[1]
    assert f"jupyterhub=={hub}" == str(Requirement(f"jupyterhub=={hub}")) and f"JupyterHub {hub}" in PAGE


def test_what_it_copies_is_there():
    copied = [line.split()[1] for line in FILE.splitlines() if line.startswith("COPY ")]
    assert copied == [f"build/{NAME}", ".jupyterhub/start"]
    assert (ROOT / ".jupyterhub/start").stat().st_mode & 0o111
    assert f"unzip -o build/{NAME}.zip -d build" in PAGE, "the page makes the folder that is copied"
    (settings,) = re.findall(r"echo '(.*)' >", FILE)
    assert json.loads(settings)["ServerApp"]["tornado_settings"]["websocket_max_message_size"] == MESSAGE_BYTES


def test_the_start_script_brings_the_lessons_and_starts_the_server(tmp_path):
    env = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "COURSE_NOTEBOOKS": str(tmp_path / "lessons"),
    }

    def start():
        command = ["sh", ROOT / ".jupyterhub/start", "echo", "the", "server"]
        return subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True)

    assert start().stdout == "the server\n"
    mine = tmp_path / "lessons" / f"{lesson_paths(['07'])[0].stem}.ipynb"
    mine.write_text("my answers")
    (tmp_path / "lessons" / f"{lesson_paths(['00'])[0].stem}.ipynb").unlink()
    assert start().stdout == "the server\n"
    assert mine.read_text() == "my answers" and len(list((tmp_path / "lessons").glob("[0-9]*.ipynb"))) == 17
    env["COURSE_NOTEBOOKS"] = str(mine)  # a file
    broken = start()
    assert broken.stdout == "the server\n" and "were not copied" in broken.stderr and broken.returncode == 0
