"""Letters in files: each file whole at any moment, no letter twice, whatever a killed bridge left behind."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from robot.errors import BadConfiguration
from robot.fleet.government.config import FileTarget
from robot.fleet.government.files import FileConnector
from robot.fleet.government.letters import Letter
from robot.fleet.government.retry import Kind

pytestmark = pytest.mark.unit

DAY_S = 86_400.0
NOON_S = 1_700_049_600.0  # 2023-11-15 12:00 UTC


def letter(number: int, path: str = "", **values: str | int | None) -> Letter:
    whole = {"n": number, **values}
    return Letter(f"key-{number}", "raised", path, whole, json.dumps(whole).encode(), {})


class Clock:
    now_s = NOON_S

    def __call__(self) -> float:
        return self.now_s


def test_lines_are_kept_in_order_and_a_repeated_letter_is_known_after_a_restart(tmp_path: Path) -> None:
    target = FileTarget(kind="file", folder=tmp_path / "out", rows_per_file=2)
    clock = Clock()
    for number in range(5):
        assert FileConnector(target, clock).deliver(letter(number)).kind is Kind.ACCEPTED
    clock.now_s += DAY_S
    assert FileConnector(target, clock).deliver(letter(4)).kind is Kind.DUPLICATE
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == [f"letters-2023-11-15-000{n}.jsonl" for n in (1, 2, 3)]
    lines = [line for name in names for line in (tmp_path / "out" / name).read_text().splitlines()]
    assert [json.loads(line)["_key"] for line in lines] == [f"key-{n}" for n in range(5)]


def test_what_a_killed_bridge_left_half_written_is_removed(tmp_path: Path) -> None:
    (tmp_path / "letters-2023-11-15-0001.jsonl.part").write_text('{"_key": "ke')
    connector = FileConnector(FileTarget(kind="file", folder=tmp_path), Clock())
    connector.deliver(letter(1))
    assert [path.name for path in tmp_path.iterdir()] == ["letters-2023-11-15-0001.jsonl"]


def test_tables_have_one_kind_of_row_each_and_no_formulas(tmp_path: Path) -> None:
    connector = FileConnector(FileTarget(kind="file", folder=tmp_path, format="csv"), Clock())
    connector.deliver(letter(1, "report", text='=1+1, "quoted"\nline'))
    connector.deliver(letter(2, "/handle/", other=None))
    connector.deliver(letter(3, "report", text="ok"))
    with (tmp_path / "report-2023-11-15-0001.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["_key", "_event", "n", "text"],
        ["key-1", "raised", "1", '\'=1+1, "quoted"\nline'],
        ["key-3", "raised", "3", "ok"],
    ]
    assert (tmp_path / "handle-2023-11-15-0001.csv").read_text().splitlines()[1] == "key-2,raised,2,"
    connector.deliver(letter(4, "report", colour="red"))
    assert (tmp_path / "report-2023-11-15-0002.csv").exists()
    assert (
        FileConnector(FileTarget(kind="file", folder=tmp_path, format="csv"), Clock())
        .deliver(letter(3, "report", text="ok"))
        .kind
        is Kind.DUPLICATE
    )


def test_a_folder_that_cannot_be_written_is_told_at_once_and_later_is_no_letters_fault(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadConfiguration, match="check folder and rights"):
        FileConnector(FileTarget(kind="file", folder=tmp_path / "file"))
    connector = FileConnector(FileTarget(kind="file", folder=tmp_path / "gone"), Clock())
    (tmp_path / "gone").rmdir()
    assert connector.deliver(letter(1)).kind is Kind.DOWN
    (tmp_path / "gone").mkdir()
    assert connector.deliver(letter(1)).kind is Kind.ACCEPTED
