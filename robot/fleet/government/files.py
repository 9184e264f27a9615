"""Letters into files: `{path}-{day}-{number}.jsonl` or `.csv`, each complete at any moment, no letter twice.

A file is written anew beside itself, synced and renamed: a reader never sees half a line, and kill -9 leaves the old
file or the new one. What a killed bridge wrote but did not note as delivered is found by its key and not written again.
"""

from __future__ import annotations

import csv
import io
import json
import os
import re
import threading
import time
from collections.abc import Callable
from datetime import datetime, timezone
from pathlib import Path

from robot.errors import BadConfiguration
from robot.fleet.government.config import FileTarget
from robot.fleet.government.letters import Letter
from robot.fleet.government.retry import Answer, Kind

KEY, EVENT = "_key", "_event"
_NAME = re.compile(r"(.+)-(\d{4}-\d{2}-\d{2})-(\d{4,})")
_UNFIT = re.compile(r"[^A-Za-z0-9_]+")
_DAYS_SEARCHED = 2  # the bridge may have been killed just before midnight
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class FileConnector:
    """Days are UTC's, so that no clock change gives a day twice. Raises BadConfiguration when the folder is no use."""

    def __init__(self, target: FileTarget, clock: Callable[[], float] = time.time) -> None:
        self._folder, self._rows_per_file = target.folder, target.rows_per_file
        self._suffix = f".{target.format}"
        self._clock = clock
        self._lock = threading.Lock()
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for torn in self._folder.glob(f"*{self._suffix}.part"):
                torn.unlink()
            self._keys = {key: day for day, path in self._newest() for key in self._keys_of(path)}
        except (OSError, ValueError, csv.Error) as error:
            raise BadConfiguration(
                f"{self._folder}: cannot be used for letters ({type(error).__name__}); check folder and rights"
            ) from error

    def deliver(self, letter: Letter) -> Answer:
        with self._lock:
            if letter.key in self._keys:
                return Answer(Kind.DUPLICATE, "stands in a file already")
            day = datetime.fromtimestamp(self._clock(), timezone.utc).strftime("%Y-%m-%d")
            try:
                self._append(letter, day)
            except OSError as error:
                return Answer(Kind.DOWN, f"cannot write ({error.strerror})")
            if day not in self._keys.values():
                days = sorted(set(self._keys.values()))[-_DAYS_SEARCHED:]
                self._keys = {key: found for key, found in self._keys.items() if found in days}
            self._keys[letter.key] = day
        return Answer(Kind.ACCEPTED)

    def close(self) -> None:
        """Nothing is open between letters."""

    def _append(self, letter: Letter, day: str) -> None:
        stem = _UNFIT.sub("_", letter.path).strip("_") or "letters"
        path, content = self._place(stem, day, self._header(letter))
        part = path.with_name(f"{path.name}.part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content + self._line(letter))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _place(self, stem: str, day: str, header: bytes) -> tuple[Path, bytes]:
        """The file to go on with and what it holds: today's last, or a new one if that is full or has other columns."""
        number = max((number for *found, number, _ in self._names() if found == [stem, day]), default=0)
        if number:
            last = self._folder / f"{stem}-{day}-{number:04}{self._suffix}"
            content = last.read_bytes()
            if len(_rows(content, self._suffix)) < self._rows_per_file and content.startswith(header):
                return last, content
        return self._folder / f"{stem}-{day}-{number + 1:04}{self._suffix}", header

    def _header(self, letter: Letter) -> bytes:
        return b"" if self._suffix == ".jsonl" else _csv_line([KEY, EVENT, *letter.values])

    def _line(self, letter: Letter) -> bytes:
        if self._suffix == ".jsonl":
            tree = {KEY: letter.key, EVENT: letter.event, **json.loads(letter.body)}
            return json.dumps(tree, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        return _csv_line([letter.key, letter.event, *(_cell(value) for value in letter.values.values())])

    def _names(self) -> list[tuple[str, str, int, Path]]:
        paths = [(path, _NAME.fullmatch(path.stem)) for path in sorted(self._folder.glob(f"*{self._suffix}"))]
        return [(match[1], match[2], int(match[3]), path) for path, match in paths if match]

    def _newest(self) -> list[tuple[str, Path]]:
        names = self._names()
        days = sorted({day for _, day, _, _ in names})[-_DAYS_SEARCHED:]
        return [(day, path) for _, day, _, path in names if day in days]

    def _keys_of(self, path: Path) -> list[str]:
        rows = _rows(path.read_bytes(), self._suffix)
        return [row[0] for row in rows] if self._suffix == ".csv" else [str(json.loads(row[0])[KEY]) for row in rows]


def _rows(content: bytes, suffix: str) -> list[list[str]]:
    if suffix == ".jsonl":
        return [[line] for line in content.decode().split("\n") if line]
    return list(csv.reader(io.StringIO(content.decode(), newline=""), strict=True))[1:]


def _csv_line(cells: list[str]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().encode()


def _cell(value: object) -> str:
    """Unknown is empty; a text that a spreadsheet would take for a formula gets an apostrophe in front."""
    if value is None:
        return ""
    text = json.dumps(value) if isinstance(value, bool) else str(value)
    return f"'{text}" if isinstance(value, str) and text.startswith(_FORMULA) else text
