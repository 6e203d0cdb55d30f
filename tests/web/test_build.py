"""How the lab is put together: its runtime, its page, what is beside it, and what the command says."""

import re
import tarfile

import pytest
from typer.testing import CliRunner

from course_utils import cli
from course_utils.authoring import web
from course_utils.authoring.web import runtime
from course_utils.errors import CourseError

SOURCES = {path.relative_to(web.PAGE).as_posix(): path.read_text(encoding="utf-8") for path in web.PAGE.rglob("*.*")}
SECTIONS = re.findall(r'<section id="(\w+)".*?</section>', SOURCES["index.html"], flags=re.S)


# the runtime


def test_another_file_than_the_pinned_package_is_refused(tmp_path):
    (tmp_path / "x.tgz").write_bytes(b"something else")
    with pytest.raises(CourseError, match="its sha512 is another one"):
        runtime.packed(tmp_path / "x.tgz")
    with pytest.raises(CourseError, match="There is no file"):
        runtime.packed(tmp_path / "y.tgz")


def test_without_npm_one_line_says_what_helps(tmp_path, monkeypatch):
    monkeypatch.setattr(runtime, "KEPT", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CourseError, match="--runtime with the file of: npm pack onnxruntime-web@"):
        runtime.packed()


def test_npm_that_gives_nothing_is_one_line_too(tmp_path, monkeypatch):
    (tmp_path / "npm").write_text("#!/bin/sh\necho no such host >&2\nexit 1\n")
    (tmp_path / "npm").chmod(0o755)
    monkeypatch.setattr(runtime, "KEPT", tmp_path / "kept")
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    with pytest.raises(CourseError, match="npm does not give onnxruntime-web .*: no such host"):
        runtime.packed()


def test_only_the_needed_files_are_taken(tmp_path):
    package = tmp_path / "p.tgz"
    with tarfile.open(package, "w:gz") as archive:
        for name in (*runtime.FILES, "ort-wasm-simd-threaded.jsep.wasm"):
            (tmp_path / name).write_text(name)
            archive.add(tmp_path / name, f"package/dist/{name}")
    (tmp_path / "out").mkdir()
    runtime.write_runtime(tmp_path / "out", package)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        f"{name}.gz" if name.endswith(".wasm") else name for name in runtime.FILES
    }


# the page


@pytest.mark.parametrize("name", SECTIONS[1:])
def test_every_instrument_has_its_formula_its_limits_and_its_lesson(name):
    section = re.search(rf'<section id="{name}".*?</section>', SOURCES["index.html"], flags=re.S)[0]
    for part in ("$$", 'class="limits"><strong>What this does not show.</strong>', "<lesson>", 'role="status"'):
        assert part in section
    intro = re.search(r"</h2>\s*<p>(.*?)</p>", section, flags=re.S)[1]
    assert 2 <= len(re.findall(r"[.:](?:\s|$)", intro)) <= 3  # two sentences, perhaps with a colon
    assert f'href="#{name}"' in SOURCES["index.html"] and f"instruments/{name}.js" in SOURCES


def test_there_are_six_instruments():
    assert SECTIONS == ["photo", "says", "maps", "occlusion", "saliency", "fooling", "styles"]


def test_the_page_becomes_plain_html():
    pytest.importorskip("math_core")
    page = web._page(SOURCES["index.html"])
    assert page.count("<math") == 8 and "$$" not in page and "<lesson>" not in page
    assert '<a href="../notebooks/07_saliency_maps.html">Lesson 07: Saliency maps' in page


def test_modules_import_what_is_there_and_nothing_from_another_host():
    for name, text in SOURCES.items():
        assert not re.search(r"https?://", text), name
        for found in re.findall(r"from '(\.[^']+)'", text):
            there = (web.PAGE / name).parent.joinpath(found).resolve()
            assert there.is_file() or there.name in runtime.FILES, f"{name}: {found}"


def test_the_worker_has_the_policy_of_the_page():
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', SOURCES["index.html"])
    assert policy == "".join(re.findall(r'"(.*?)"', SOURCES["headers.js"]))


def test_the_map_of_the_page_names_every_file():
    for name in SOURCES.keys() - {"README.md", "look.css"}:
        assert name.startswith("instruments/") or name.rpartition("/")[2] in SOURCES["README.md"], name


# the folder


def test_a_folder_with_other_things_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    for folder, words in ((tmp_path, "no earlier lab"), (tmp_path / "mine.txt", "is a file")):
        result = CliRunner().invoke(cli.app, ["web", "--to", str(folder)])
        assert result.exit_code == 2 and result.stderr.count("\n") == 1 and words in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.sweep
def test_the_folder_is_small_and_says_whose_work_it_holds(built):
    folder, lab = built
    assert lab.megabytes < 35 and lab.models < 15 and not lab.lessons
    text = (folder / "licenses.txt").read_text(encoding="utf-8")
    for words in (
        "Permission is hereby granted",
        "Apache License",
        "Microsoft Corporation",
        f"ONNX Runtime {runtime.VERSION} (MIT)",
        "Chelsea, by Stefan van der Walt",
    ):
        assert words in text


@pytest.mark.sweep
def test_built_again_into_a_site_its_links_hold(built, tmp_path):
    """The folder of an earlier lab is taken; what is no longer part of the lab is gone."""
    page = (built[0] / "index.html").read_text(encoding="utf-8")
    lab = tmp_path / "lab"
    (lab / "page").mkdir(parents=True)
    for path in (lab / "manifest.json", lab / "page" / "gone.js", tmp_path / "index.html"):
        path.write_text("")
    for link in re.findall(r'href="\.\./([^"#]+)', page):
        (tmp_path / link).parent.mkdir(exist_ok=True)
        (tmp_path / link).write_text("")
    assert web.build_lab(lab).lessons and not (lab / "page" / "gone.js").exists()
