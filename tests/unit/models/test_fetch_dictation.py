from __future__ import annotations

import hashlib
import io
import shutil
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from models.catalogue import CATALOGUE, Archive, Part, load_catalogue
from models.fetch_dictation import NEEDED, SMALL, download, fetch, record
from robot.errors import BadInput, LinkFault, MissingPart

pytestmark = pytest.mark.unit


def archive(files: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return data.getvalue()


MODEL = archive({f"vosk-model-small-cn-0.22/{name}": name.encode() * 3000 for name in NEEDED})


class VendorSite(ThreadingHTTPServer):
    """A stand-in for the vendor's site: one archive, ranges, and a line that can break."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content = MODEL
        self.breaks_after: int | None = None
        self.ranges: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/model.zip"


class _Handler(BaseHTTPRequestHandler):
    server: VendorSite

    def do_GET(self) -> None:
        site = self.server
        site.ranges.append(self.headers.get("Range"))
        etag = hashlib.sha256(site.content).hexdigest()
        begin = 0
        if self.headers.get("Range") and self.headers.get("If-Range") == etag:
            begin = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
        body = site.content[begin:]
        self.send_response(206 if begin else 200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", etag)
        self.end_headers()
        self.wfile.write(body if site.breaks_after is None else body[: site.breaks_after])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class names it so
        """Silent."""


@pytest.fixture
def site() -> Iterator[VendorSite]:
    with VendorSite() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    return Path(shutil.copyfile(CATALOGUE, tmp_path / "catalogue.yaml"))


def entry(catalogue: Path, url: str) -> Part:
    (found,) = [part for part in load_catalogue(catalogue) if part.name == SMALL]
    assert found.archive is not None
    return found.model_copy(update={"archive": found.archive.model_copy(update={"url": url})})


def test_nothing_is_trusted_unasked(site: VendorSite, catalogue: Path, tmp_path: Path) -> None:
    with pytest.raises(MissingPart, match="--trust-first"):
        fetch(entry(catalogue, site.url), tmp_path, trust_first=False, catalogue=catalogue)
    assert site.ranges == []


def test_the_first_fetch_is_recorded_and_later_ones_must_match(
    site: VendorSite, catalogue: Path, tmp_path: Path
) -> None:
    before = catalogue.read_text(encoding="utf-8")
    model = fetch(entry(catalogue, site.url), tmp_path, trust_first=True, catalogue=catalogue)
    assert all((model / name).is_file() for name in NEEDED)
    pinned = entry(catalogue, site.url)
    assert pinned.archive == Archive(url=site.url, bytes=len(MODEL), sha256=hashlib.sha256(MODEL).hexdigest())
    unpinned = [line for line in before.splitlines() if line not in catalogue.read_text(encoding="utf-8").splitlines()]
    assert unpinned == []  # the other entry still has its nulls, comments are kept

    assert fetch(pinned, tmp_path, trust_first=False, catalogue=catalogue) == model
    assert len(site.ranges) == 1  # it was there

    site.content = archive({f"other/{name}": b"another model" for name in NEEDED})
    with pytest.raises(MissingPart, match="not the archive"):
        fetch(pinned, tmp_path / "elsewhere", trust_first=True, catalogue=catalogue)
    assert not (tmp_path / "elsewhere" / SMALL).exists()


def test_a_broken_line_is_told_and_the_next_try_goes_on(site: VendorSite, tmp_path: Path) -> None:
    part = tmp_path / "x.part"
    site.breaks_after = 1000
    with pytest.raises(LinkFault, match="run again"):
        download(site.url, part)
    assert part.stat().st_size == 1000
    site.breaks_after = None
    download(site.url, part)
    assert part.read_bytes() == MODEL
    assert site.ranges == [None, "bytes=1000-"]


def test_a_file_that_changed_meanwhile_is_fetched_whole(site: VendorSite, tmp_path: Path) -> None:
    part = tmp_path / "x.part"
    site.breaks_after = 1000
    with pytest.raises(LinkFault):
        download(site.url, part)
    site.breaks_after, site.content = None, MODEL[::-1]
    download(site.url, part)
    assert part.read_bytes() == MODEL[::-1]


def test_without_a_network_one_line_says_what_to_do(catalogue: Path, tmp_path: Path) -> None:
    with pytest.raises(LinkFault, match="out of reach") as error:
        fetch(entry(catalogue, "http://127.0.0.1:9/x.zip"), tmp_path, trust_first=True, catalogue=catalogue)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<html>not found</html>", "broken"),
        (MODEL[:-40], "broken"),
        (archive({"readme": b"no model"}), "no Vosk model"),
        (archive({"../evil": b"x", **{f"m/{name}": b"x" for name in NEEDED}}), "leads out"),
    ],
)
def test_what_is_no_model_is_neither_used_nor_recorded(
    site: VendorSite, catalogue: Path, tmp_path: Path, content: bytes, words: str
) -> None:
    site.content = content
    before = catalogue.read_bytes()
    with pytest.raises(MissingPart, match=words):
        fetch(entry(catalogue, site.url), tmp_path, trust_first=True, catalogue=catalogue)
    assert not (tmp_path / SMALL).exists()
    assert catalogue.read_bytes() == before


def test_other_parts_and_unknown_entries_are_refused(catalogue: Path, tmp_path: Path) -> None:
    bilingual = load_catalogue()[0]
    with pytest.raises(BadInput, match=SMALL):
        fetch(bilingual, tmp_path, trust_first=True)
    with pytest.raises(MissingPart, match="yourself"):
        record("nobody", Archive(url="http://x", bytes=1, sha256="0" * 64), catalogue)
