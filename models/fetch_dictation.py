"""Fetch an open Mandarin model of the recogniser's vendor: an option for machines with a network, never needed.

    python -m models.fetch_dictation [vosk-mandarin-small|vosk-mandarin-large] [--trust-first]

No checksum of these archives was known when Hani was made. The first fetch must therefore be allowed to trust what
comes (`--trust-first`); it checks size, every file of the archive and its shape, and writes size and sha256 into the
catalogue entry. From then on only that very archive is taken. A broken download goes on where it ended.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import os
import re
import shutil
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from pathlib import Path, PurePosixPath

from models.catalogue import CATALOGUE, CHUNK_BYTES, Archive, Part, load_catalogue
from robot import paths
from robot.errors import BadInput, HaniError, LinkFault, MissingPart

SMALL = "vosk-mandarin-small"
NEEDED = ("am/final.mdl", "conf/mfcc.conf")
"""Without these it is no model for Vosk."""

_TIMEOUT_S = 30.0
_MOST_UNPACKED_BYTES = 8 << 30
_PARTIAL, _PAST_THE_END = 206, 416


def fetch(part: Part, folder: Path, *, trust_first: bool, catalogue: Path = CATALOGUE) -> Path:
    """The model folder, fetched when it is not there yet.

    Raises `LinkFault` without a network, `MissingPart` when the archive is not the catalogued or not a usable one.
    """
    if part.archive is None:
        raise BadInput(f"{part.name} is not fetched by this command; use {SMALL}.")
    archive = part.archive
    model = folder / part.name
    if archive.sha256 is not None and _read(model / "archive.sha256") == archive.sha256:
        return model
    if archive.sha256 is None and not trust_first:
        raise MissingPart(
            f"The checksum of {part.name} is not known yet; add --trust-first to trust what comes and keep to it."
        )
    folder.mkdir(parents=True, exist_ok=True)
    downloaded = folder / f"{part.name}.zip.part"
    download(archive.url, downloaded)
    found = Archive(url=archive.url, bytes=downloaded.stat().st_size, sha256=_sha256(downloaded))
    if archive.sha256 is not None and found != archive:
        downloaded.unlink()
        raise MissingPart(
            f"{archive.url} is not the archive of the catalogue (sha256 {found.sha256}, {found.bytes} bytes); not used."
        )
    _unpack(downloaded, model, str(found.sha256))
    if archive.sha256 is None:
        record(part.name, found, catalogue)
    downloaded.unlink()
    return model


def download(url: str, part: Path) -> None:
    """Bring `part` to the whole of `url`, going on where an earlier try ended. Raises `LinkFault`."""
    stamp = part.with_name(part.name + ".etag")
    version = _read(stamp)  # a server that names none is asked for the whole again
    have = part.stat().st_size if part.is_file() and version else 0
    request = urllib.request.Request(url)  # noqa: S310 -- the catalogue takes only http(s)
    if have:
        request.add_header("Range", f"bytes={have}-")
        request.add_header("If-Range", version)
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as answer:  # noqa: S310 -- as above
            goes_on = answer.status == _PARTIAL
            promised = (have if goes_on else 0) + int(answer.headers.get("Content-Length") or 0)
            stamp.write_text(answer.headers.get("ETag") or answer.headers.get("Last-Modified") or "", encoding="ascii")
            with part.open("ab" if goes_on else "wb") as file:
                shutil.copyfileobj(answer, file, CHUNK_BYTES)
    except urllib.error.HTTPError as error:
        if error.code == _PAST_THE_END:  # all of it was there, or the file has become another one
            part.unlink(missing_ok=True)
        raise LinkFault(f"{url} answers {error.code}; check the address, or run again later.") from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise LinkFault(f"{url} is out of reach ({reason}); connect and run again: what has come is kept.") from error
    if promised and part.stat().st_size != promised:
        raise LinkFault(f"{url} broke off after {part.stat().st_size} of {promised} bytes; run again to go on.")
    stamp.unlink()


def record(name: str, found: Archive, catalogue: Path = CATALOGUE) -> None:
    """Write size and checksum of a first verified fetch into the catalogue's entry. Raises `MissingPart`."""
    values = f"bytes: {found.bytes}\n      sha256: {found.sha256}"
    try:
        text = catalogue.read_text(encoding="utf-8")
        head, tail = text.split(f"- name: {name}\n", 1)
        entry, *others = re.split(r"(?=\n  - name: )", tail, maxsplit=1)
        pinned = entry.replace("bytes: null\n      sha256: null", values, 1)
        if pinned == entry:
            raise ValueError("no empty checksum there")
        _write_whole(catalogue, f"{head}- name: {name}\n{pinned}{''.join(others)}")
    except (OSError, ValueError) as error:
        raise MissingPart(
            f"{catalogue} cannot take the checksum ({error}); write it into {name} yourself: {values.split()}"
        ) from error


def _unpack(archive: Path, model: Path, sha256: str) -> None:
    """Check every file of the archive, then put the folder in place at once. Raises `MissingPart`."""
    try:
        with zipfile.ZipFile(archive) as packed, tempfile.TemporaryDirectory(dir=model.parent) as scratch:
            if sum(item.file_size for item in packed.infolist()) > _MOST_UNPACKED_BYTES:
                raise MissingPart(f"{archive.name} would unpack to more than a model's size; not used.")
            for item in packed.infolist():
                inside = PurePosixPath(item.filename)
                if inside.is_absolute() or ".." in inside.parts:
                    raise MissingPart(f"{archive.name} holds a path that leads out of it; not used.")
            packed.extractall(scratch)  # checks each file's CRC
            roots = [root for root in (Path(scratch), *Path(scratch).iterdir()) if _is_model(root)]
            if not roots:
                raise MissingPart(f"{archive.name} holds no Vosk model ({', '.join(NEEDED)}); not used.")
            (roots[0] / "archive.sha256").write_text(sha256, encoding="ascii")
            shutil.rmtree(model, ignore_errors=True)
            roots[0].rename(model)
            model.chmod(0o755)
    except (zipfile.BadZipFile, EOFError, NotImplementedError, RuntimeError) as error:
        archive.unlink(missing_ok=True)
        raise MissingPart(f"{archive.name} is broken and was removed; run again.") from error


def _is_model(folder: Path) -> bool:
    return all((folder / name).is_file() for name in NEEDED)


def _read(path: Path) -> str:
    return path.read_text(encoding="ascii") if path.is_file() else ""


def _sha256(path: Path) -> str:
    total = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            total.update(chunk)
    return total.hexdigest()


def _write_whole(path: Path, text: str) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    shutil.copymode(path, name)
    Path(name).replace(path)


def main(arguments: list[str] | None = None) -> int:
    """Fetch into the data folder; prints the folder, which is what the setting `dictation_model` takes."""
    parser = argparse.ArgumentParser(prog="python -m models.fetch_dictation", description="Open Mandarin dictation.")
    parser.add_argument("name", nargs="?", default=SMALL, help=f"a part of the catalogue; default {SMALL}")
    parser.add_argument("--trust-first", action="store_true", help="take what comes when no checksum is known yet")
    given = parser.parse_args(arguments)
    try:
        found = [part for part in load_catalogue() if part.name == given.name]
        if not found:
            raise BadInput(f"The catalogue has no part {given.name}; use {SMALL}.")
        model = fetch(found[0], paths.home() / "models", trust_first=given.trust_first)
    except HaniError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"{error.filename or 'the data folder'} cannot be written: {error.strerror}\n")
        return 1
    sys.stdout.write(f"{model}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
