"""The files a newcomer meets first agree with each other: pins, pyproject, conda file, README. A wheel works."""

import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from course_utils.authoring.source import read_lesson

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
README = (ROOT / "README.md").read_text(encoding="utf-8")
LECTURE = [f"{number:02d}" for number in range(17)]
MACHINES = {
    "linux": {"sys_platform": "linux", "os_name": "posix", "platform_system": "Linux", "platform_machine": "x86_64"},
    "macos": {"sys_platform": "darwin", "os_name": "posix", "platform_system": "Darwin", "platform_machine": "arm64"},
    "windows": {"sys_platform": "win32", "os_name": "nt", "platform_system": "Windows", "platform_machine": "AMD64"},
}
PYTHONS = ("3.11.0", "3.12.0", "3.13.0", "3.14.0")


def lines(name: str) -> list[str]:
    return (ROOT / name).read_text(encoding="utf-8").splitlines()


def pinned(name: str, machine: str, python: str) -> dict[str, Version]:
    """The versions that a pin file gives on one machine; fails if a package is pinned to two versions."""
    place = {**default_environment(), **MACHINES[machine]}
    place |= {
        "python_full_version": python,
        "python_version": python.rpartition(".")[0],
        "implementation_name": "cpython",
    }
    found = {}
    for line in lines(name)[1:]:
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate(place):
            (exact,) = requirement.specifier
            assert exact.operator == "==", line
            key = canonicalize_name(requirement.name)
            assert found.setdefault(key, Version(exact.version)) == Version(exact.version), f"{key} is pinned twice"
    return found


def test_the_first_line_brings_the_project_or_the_other_file():
    assert lines("requirements.txt")[0] == "-e ."
    assert lines("requirements-test.txt")[0] == "-r requirements.txt"


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-test.txt"])
def test_pins_are_plain(name):
    for line in lines(name)[1:]:
        assert re.fullmatch(r"[a-z0-9][a-z0-9._-]*==[^\s;]+( ; .+)?", line), line
        assert not re.search(r"://|@|\+|^-|#", line), line


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("machine", MACHINES)
def test_every_dependency_is_pinned_to_what_pyproject_allows(machine, python):
    runtime = pinned("requirements.txt", machine, python)
    both = runtime | pinned("requirements-test.txt", machine, python)
    groups = [(PROJECT["dependencies"], runtime)]
    groups += [(PROJECT["optional-dependencies"][extra], both) for extra in ("test", "site", "web", "cluster")]
    for wanted, pins in groups:
        for requirement in map(Requirement, wanted):
            version = pins.get(canonicalize_name(requirement.name))
            assert version is not None, f"{requirement} is not pinned; see CONTRIBUTING.md"
            assert requirement.specifier.contains(version), f"{requirement} is pinned to {version}"


def test_the_two_pin_files_do_not_disagree():
    for machine in MACHINES:
        base, more = (pinned(n, machine, "3.12.0") for n in ("requirements.txt", "requirements-test.txt"))
        assert {k: v for k, v in more.items() if base.get(k, v) != v} == {}


def test_cuda_libraries_are_not_pinned():
    """Their pins would be installed beside PyTorch's CPU wheels as well: gigabytes for nothing."""
    assert [line for line in lines("requirements.txt") if re.match(r"nvidia|cuda|triton", line)] == []


def test_the_conda_file_agrees_with_pyproject():
    conda = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))
    assert conda["name"] == PROJECT["name"]
    assert conda["dependencies"] == [
        f"python{PROJECT['requires-python']}",
        "pip",
        {"pip": ["-r requirements.txt"]},
    ]


def test_the_readme_has_the_two_commands():
    assert "pip install -r requirements.txt && course lab" in README
    assert "pip install -r requirements-test.txt && pytest" in README


def test_ci_runs_the_test_command_of_the_readme_and_the_sweeps():
    script = ROOT / ".ci/run"
    assert lines(".ci/run")[-1] == "pip install -r requirements-test.txt && pytest --run-sweep --durations=40"
    mode = subprocess.run(["git", "ls-files", "-s", ".ci/run"], cwd=ROOT, capture_output=True, text=True).stdout
    assert mode.startswith("100755") or (not mode and script.stat().st_mode & 0o111)


def test_the_readme_names_the_cpu_wheels_that_are_pinned():
    pins = pinned("requirements.txt", "linux", "3.12.0")
    assert f"torch=={pins['torch']} torchvision=={pins['torchvision']}" in README


def course_map() -> dict[str, tuple[str, int]]:
    rows = re.findall(r"^\| (\d\d) \| (.+?) \| (\d+) \|", README, flags=re.M)
    return {number: (title, int(minutes)) for number, title, minutes in rows}


def test_the_course_map_has_every_lesson():
    assert list(course_map()) == LECTURE


@pytest.mark.parametrize("number", LECTURE)
def test_the_course_map_agrees_with_the_lesson(number):
    sources = list((ROOT / "notebooks/source").glob(f"{number}_*.py"))
    if not sources:
        pytest.skip(f"lesson {number} is not written yet")
    lesson = read_lesson(sources[0])
    assert lesson.number == number
    row = f"| {number} | {lesson.title} | {lesson.minutes} |"
    assert course_map()[number] == (lesson.title, lesson.minutes), f"README.md should say: {row}"


def test_the_files_the_readme_links_to_exist():
    for target in re.findall(r"\]\((?!https?://)([^)#]+)\)", README):
        assert (ROOT / target).exists(), target


# ---------------------------------------------------------------------------------------------------------- the wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The `bin` folder of an environment with the wheel and this environment's packages, but not with the clone."""
    place = tmp_path_factory.mktemp("venv")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", place], check=True)
    bin_, site = (
        Path(sysconfig.get_path(n, "venv", {"base": place, "platbase": place})) for n in ("scripts", "purelib")
    )
    # Python reads no .pth file of a folder that a .pth file names, so the editable clone stays out
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    pip = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        bin_ / "python",
        "install",
        "--no-deps",
        "--no-index",
        "--no-compile",
    ]
    subprocess.run([*pip, wheel], check=True, capture_output=True)
    return bin_


@pytest.fixture
def run(installed, tmp_path):
    """Runs a program of that environment in an empty folder."""
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "COURSE_TRACE")}

    def run(program, *args, **options):
        command = [installed / program, *map(str, args)]
        options = {"stdin": subprocess.DEVNULL, "capture_output": True, "text": True, **options}
        return subprocess.run(command, cwd=tmp_path, env=env, **options)

    return run


def test_the_wheel_holds_the_package_its_data_and_the_lessons_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        inside = {name for name in archive.namelist() if ".dist-info/" not in name}
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    tracked = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    package = {name for name in tracked if name.startswith("course_utils/")}
    data = {f"course_utils/{name}" for name in tracked if name.startswith("data/")}
    lessons = {f"course_utils/{name}" for name in tracked if re.fullmatch(r"notebooks/[^/]+\.ipynb", name)}
    assert len(lessons) == len(LECTURE) + 1  # and explore.ipynb
    lessons |= {f"course_utils/{n}" for n in tracked if re.fullmatch(r"notebooks/(locale/.+|[a-z]{2}/\d\d_.+)", n)}
    rooms = {"weights", "styles", "textures", "fooling", "inversions", "paintings", "class_pictures"}
    rooms |= {"map_scores", "strip"}
    assert {name.split("/")[2] for name in data} == rooms
    assert inside == package | data | lessons


def test_an_installed_wheel_finds_its_files_and_not_the_clone(run):
    code = (
        "import course_utils; from course_utils import load_network, places, style_image, texture_sample\n"
        "load_network('cifar_net'), style_image('night'), texture_sample('wood')\n"
        "print(course_utils.__file__, places.ROOT, sep='\\n')"
    )
    result = run("python", "-c", code)
    assert result.returncode == 0, result.stderr
    for path in map(Path, result.stdout.splitlines()):
        assert not path.is_relative_to(ROOT) and "site-packages" in path.parts


def test_the_doctor_finds_nothing_wrong_with_an_installed_wheel(run):
    result = run("course", "doctor")
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"{len(LECTURE)} notebooks in" in result.stdout and "course lab copies them" in result.stdout
    wanted = [Requirement(line) for line in PROJECT["dependencies"]]
    assert f"all {len(wanted)} wanted packages are installed" in result.stdout


def test_an_installed_wheel_draws_the_tours_first_pictures(run, tmp_path):
    code = "from course_utils.commands import tour; exit(tour.make_tour(None, tour.Path('tour'), stops=tour.TOUR[:2]))"
    result = run("python", "-c", code)
    assert result.returncode == 0, result.stdout + result.stderr
    assert (tmp_path / "tour/index.html").read_text(encoding="utf-8").count("<img") == 3  # and the whole photo


@pytest.mark.slow
@pytest.mark.timeout(1800)  # one or two minutes alone, more beside other tests
def test_an_installed_wheel_draws_the_whole_tour(run, tmp_path):
    result = run("course", "tour")
    assert result.returncode == 0, result.stdout + result.stderr
    assert (tmp_path / "tour/index.html").is_file()


def test_an_installed_wheel_offers_to_copy_the_lessons(run, tmp_path):
    result = run("course", "lab", "07")
    assert result.returncode == 2
    assert result.stderr == (
        "course: 07_saliency_maps.ipynb is not here yet. "
        "To copy the lessons to ./looking-inside-convnets, run: course lab --yes\n"
    )
    result = run("course", "lab", "00", "--language", "ko")
    assert "./looking-inside-convnets/ko, run: course lab --language ko --yes\n" in result.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("args", [["build"], ["live", "07"], ["grade", "."], ["release", "--to", "."]])
def test_an_installed_wheel_says_what_needs_a_clone(run, args):
    result = run("course", *args)
    assert result.returncode == 2
    assert f"course {args[0]}" in result.stderr and "clone" in result.stderr and result.stderr.count("\n") == 1
