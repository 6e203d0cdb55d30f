"""`course photos`: a small archive from a server on this machine, which can break off and go on."""

import hashlib
import io
import tarfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
import torch
from PIL import Image
from torchvision.datasets import Imagenette
from typer.testing import CliRunner

from course_utils import cli
from course_utils.commands import photos
from course_utils.images import load_folder


def make_archive() -> bytes:
    """Two photos for training and one to test, in Imagenette's folders."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w:gz") as tar:
        for number, name in enumerate(("train/n01440764/a", "train/n03888257/b", "val/n01440764/c")):
            picture = io.BytesIO()
            pixels = torch.randint(0, 256, (40, 50, 3), generator=torch.Generator().manual_seed(number))
            Image.fromarray(pixels.byte().numpy()).save(picture, "JPEG")
            member = tarfile.TarInfo(f"{photos.NAME}/{name}.JPEG")
            member.size = picture.tell()
            picture.seek(0)
            tar.addfile(member, picture)
    return archive.getvalue()


class Server(ThreadingHTTPServer):
    """Serves one file; `most` bytes of it, then the connection ends."""

    def __init__(self, content: bytes):
        super().__init__(("127.0.0.1", 0), Handler)
        self.content, self.most, self.ranges = content, None, True
        self.asked: list[str | None] = []


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        wanted, content = self.headers["Range"], self.server.content
        self.server.asked.append(wanted)
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and self.server.ranges else 0
        if start >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        self.wfile.write(content[start:][: self.server.most])

    def log_message(self, *args):
        pass


@pytest.fixture
def server(monkeypatch):
    content = make_archive()
    with Server(content) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url, md5 = f"http://127.0.0.1:{server.server_port}/{photos.NAME}.tgz", hashlib.md5(content).hexdigest()
        monkeypatch.setattr(photos, "URL", url)
        monkeypatch.setattr(photos, "MD5", md5)
        monkeypatch.setitem(Imagenette._ARCHIVES, "160px", (url, md5))
        yield server
        server.shutdown()


@pytest.fixture
def course(monkeypatch, tmp_path):
    monkeypatch.delenv("COURSE_TRACE", raising=False)
    return lambda: CliRunner().invoke(cli.app, ["photos", "--to", str(tmp_path / "photos")])


def one_line(result) -> str:
    """The last line that a failed command says; the bar stands in lines of its own."""
    assert result.exit_code == 2 and "Traceback" not in result.output
    return result.stderr.strip().splitlines()[-1]


def test_the_address_is_torchvisions():
    assert Imagenette._ARCHIVES["160px"] == (photos.URL, photos.MD5)


def test_it_downloads_once_and_unpacks(server, course, tmp_path):
    for _ in range(2):
        result = course()
        assert result.exit_code == 0, result.output
        assert "2 photos in" in result.stdout and "1 photos in" in result.stdout
    assert server.asked == [None]
    assert [path.name for path in (tmp_path / "photos").iterdir()] == [photos.NAME]
    assert load_folder(tmp_path / "photos" / photos.NAME / "train", 32)[0].shape == (2, 3, 32, 32)


@pytest.mark.parametrize("ranges", [True, False])
def test_a_broken_download_goes_on(server, course, ranges):
    server.most, server.ranges = 500, ranges
    assert "connection broke" in one_line(course())
    server.most = None
    result = course()
    assert result.exit_code == 0, result.output
    assert server.asked == [None, "bytes=500-"]


def test_a_complete_part_is_not_asked_for_again(server, course, tmp_path):
    part = tmp_path / "photos" / ".imagenette" / f"{photos.NAME}.tgz.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(server.content)
    (part.parent / photos.NAME / "train").mkdir(parents=True)  # an unpacking that was interrupted
    assert course().exit_code == 0
    assert server.asked == [f"bytes={len(server.content)}-"]


def test_another_content_is_refused_and_deleted(server, course, tmp_path):
    server.content = b"no archive" * 100
    assert "damaged" in one_line(course())
    assert not list((tmp_path / "photos" / ".imagenette").iterdir())


def test_without_a_connection_one_line(server, course, monkeypatch):
    monkeypatch.setattr(photos, "URL", "http://127.0.0.1:9/imagenette2-160.tgz")  # nobody listens there
    result = course()
    assert "cannot be downloaded from 127.0.0.1:9" in one_line(result)
    assert len(result.stderr.strip().splitlines()) == 1


def test_a_folder_that_is_a_file(course, tmp_path):
    (tmp_path / "photos").write_text("taken")
    assert "photos" in one_line(course())
