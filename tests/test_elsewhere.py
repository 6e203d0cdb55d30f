"""Colab, Binder, GitHub Pages and nbconvert, as far as this computer can try them: first cell, links, the files that they read."""

import os
import re
import stat
import subprocess
import sys
import sysconfig
from pathlib import Path
from urllib.parse import urlsplit

import nbformat
import pytest
import yaml

from course_utils.authoring import elsewhere
from course_utils.authoring.editions import build
from course_utils.authoring.paths import ROOT, lesson_paths
from course_utils.authoring.source import read_lesson

GITHUB = "https://github.com/somebody/course"
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def lesson():
    return read_lesson(lesson_paths(["00"])[0])


@pytest.fixture
def published(monkeypatch):
    monkeypatch.setattr(elsewhere, "repository", lambda: GITHUB)


def test_a_student_notebook_of_a_published_course_has_links_and_a_first_cell(published, lesson):
    book = build(lesson, "student")
    assert (
        f"[Colab](https://colab.research.google.com/github/somebody/course/blob/main/notebooks/{lesson.name}.ipynb)"
        in book.cells[0].source
    )
    assert (
        f"[Binder](https://mybinder.org/v2/gh/somebody/course/HEAD?urlpath=lab/tree/notebooks/{lesson.name}.ipynb)"
        in book.cells[0].source
    )
    assert book.cells[1].id == "install" and f"git+{GITHUB}" in book.cells[1].source
    for edition in ("solution", "live"):
        assert "install" not in [cell.id for cell in build(lesson, edition).cells]


def test_without_an_address_a_notebook_has_neither(monkeypatch, lesson):
    monkeypatch.setattr(elsewhere, "repository", lambda: "")
    book = build(lesson, "student")
    assert "install" not in [cell.id for cell in book.cells] and "colab" not in book.cells[0].source


@pytest.mark.parametrize("address", ["https://gitlab.example/a/b", "git@github.com:a/b", ""])
def test_only_a_repository_on_github_has_links(address):
    assert elsewhere.links(address, "notebooks/x.ipynb") == ""


def test_the_address_is_that_of_pyproject(monkeypatch, tmp_path):
    (tmp_path / "pyproject.toml").write_text(f'[project]\n[project.urls]\nRepository = "{GITHUB}/"\n')
    monkeypatch.setattr(elsewhere.paths, "ROOT", tmp_path)
    assert elsewhere.repository() == GITHUB
    (tmp_path / "pyproject.toml").unlink()
    assert elsewhere.repository() == ""


def test_the_first_cell_does_nothing_where_the_course_is(monkeypatch):
    def installs(*args, **options):
        raise AssertionError("it installs")

    monkeypatch.setattr(subprocess, "run", installs)
    exec(elsewhere.install_cell(GITHUB), {})


@pytest.mark.sweep  # pip packs the whole course
def test_the_first_cell_installs_the_course_where_it_is_not(tmp_path):
    """From this clone's last commit, in an environment with all other packages."""
    python = empty_environment(tmp_path / "env")
    code = elsewhere.install_cell(ROOT.as_uri())
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {
        "PIP_NO_DEPS": "1",
        "PIP_NO_INDEX": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip's own logic: 0 means no isolation
    }
    ask = "import course_utils; print(course_utils.__file__)"
    assert subprocess.run([python, "-c", ask], env=env, cwd=tmp_path, capture_output=True).returncode != 0
    done = subprocess.run([python, "-c", f"{code}\n{ask}"], env=env, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).is_relative_to(tmp_path)


def empty_environment(place: Path) -> Path:
    """The Python of a virtual environment that sees this environment's packages, but not the clone."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    scripts, site = (
        Path(sysconfig.get_path(n, "venv", {"base": place, "platbase": place})) for n in ("scripts", "purelib")
    )
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return scripts / "python"


def test_a_page_that_nbconvert_makes_has_every_picture():
    """docs/instructors.md says so, and whom such a page asks."""
    from nbconvert import HTMLExporter

    path = ROOT / "notebooks/07_saliency_maps.ipynb"
    cells = nbformat.read(path, as_version=4).cells
    outputs = [output.get("data", {}) for cell in cells if cell.cell_type == "code" for output in cell.outputs]
    pictures = sum(any(kind.startswith("image/") for kind in data) for data in outputs)
    attached = sum(len(cell.get("attachments", {})) for cell in cells)
    page, _ = HTMLExporter().from_filename(path)
    assert len(re.findall(r'<img\b[^>]*\bsrc="data:image/', page)) == pictures + attached and pictures and attached
    asked = re.findall(r'<(?:script|link|img)\b[^>]*\b(?:src|href)="(https?:[^"]+)"', page)
    assert {urlsplit(address).hostname for address in asked} == {"cdnjs.cloudflare.com"}


@pytest.mark.parametrize("name", ["00_start_here", "07_saliency_maps", "16_capstone"])
def test_nbconverts_classic_page_says_what_is_seen_in_every_picture(name):
    """nbconvert's own default template, "lab", does not read the texts; docs/instructors.md says so."""
    from bs4 import BeautifulSoup
    from nbconvert import HTMLExporter

    path = ROOT / "notebooks" / f"{name}.ipynb"
    texts = []
    for cell in nbformat.read(path, as_version=4).cells:
        for output in cell.get("outputs", []):
            texts += [about["alt"] for kind, about in output.get("metadata", {}).items() if kind.startswith("image/")]
        texts += re.findall(r"!\[([^\]]+)\]\(attachment:", cell.source)
    page, _ = HTMLExporter(template_name="classic").from_filename(path)
    assert [image.get("alt") for image in BeautifulSoup(page, "html.parser").find_all("img")] == texts
    assert len(texts) > 8
    asked = re.findall(r'<(?:script|link|img)\b[^>]*\b(?:src|href)="(https?:[^"]+)"', page)
    assert {urlsplit(address).hostname for address in asked} == {"cdnjs.cloudflare.com"}
    bare = re.findall(r"<img\b[^>]*>", HTMLExporter().from_filename(path)[0])
    assert any("No description has been provided" in image for image in bare), "mended there: say so in the docs"


# the files that Binder and GitHub read


def torch_wheels() -> str:
    (line,) = (line.strip() for line in README.splitlines() if "--index-url" in line and "pip install" in line)
    return line.removeprefix("pip install ")


def test_binder_installs_what_the_readme_says():
    script = ROOT / ".binder/postBuild"
    assert script.stat().st_mode & stat.S_IXUSR
    assert subprocess.run(["bash", "-n", script]).returncode == 0
    *_, wheels, rest = script.read_text(encoding="utf-8").splitlines()
    assert wheels == f"pip install --no-cache-dir {torch_wheels()}"
    assert rest == "pip install --no-cache-dir -r requirements.txt"
    assert (ROOT / ".binder/runtime.txt").read_text().strip() == "python-3.11"


def test_the_workflow_builds_the_site_and_publishes_that_folder():
    workflow = yaml.safe_load((ROOT / ".github/workflows/site.yml").read_text(encoding="utf-8"))
    build_it, deploy = workflow["jobs"]["build"]["steps"], workflow["jobs"]["deploy"]["steps"]
    runs = [step["run"] for step in build_it if "run" in step]
    installs = [f"pip install {torch_wheels()}", "pip install -r requirements-test.txt"]
    assert runs == [*installs, "course site --to public --lab --tour"]
    upload = next(step for step in build_it if "upload-pages-artifact" in step.get("uses", ""))
    assert upload["with"]["path"] == "public"
    assert any("deploy-pages" in step["uses"] for step in deploy)
    assert workflow["permissions"] == {"contents": "read", "pages": "write", "id-token": "write"}
