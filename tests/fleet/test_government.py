"""The bridge as a process, killed at any moment, against a stand-in that fails in every way: once each, in order."""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from sqlalchemy import select

from robot.fleet import audit
from robot.fleet.government import sm2
from robot.fleet.government.tables import DEAD, WAITING
from robot.fleet.tables import AlarmLog
from tests.fleet import government_stand_in
from tests.fleet.conftest import PATIENCE_S, ROOT, Postgres, free_port
from tests.fleet.government_alarms import change
from tests.fleet.government_rig import PHASES, Rig
from tests.fleet.government_stand_in import NOTICE, Mood, StandIn

pytestmark = pytest.mark.fleet

MOODS: tuple[Mood, ...] = ("well", "broken", "forgetful", "well", "reset", "garbled", "well", "busy", "slow")
TOKEN, SM2_KEY, SM4_KEY = "token-71c0ffee", "39" * 32, "a7" * 16


def test_killed_at_any_moment_everything_arrives_once_and_in_order(rig: Rig, stand_in: StandIn) -> None:
    stand_in.mood = lambda number, _letter: MOODS[number % len(MOODS)]
    rig.http(stand_in)
    alarms = [f"alarm-{number:04}" for number in range(12)]
    rig.begin()
    for number, alarm_id in enumerate(alarms):
        rig.change(alarm_id, *PHASES)
        if number % 3 == 2:
            asked = stand_in.requests + 2
            rig.until(lambda: stand_in.requests > asked)  # noqa: B023 (asked at once)
            rig.kill()  # in the middle: letters are on their way, taken and not noted, or noted and not answered
            rig.start()
    rig.until(lambda: rig.settled(3 * len(alarms)))
    assert len(stand_in.keys()) == len(set(stand_in.keys())) == 3 * len(alarms)
    for alarm_id in alarms:
        assert [letter["event"] for letter in stand_in.committed if letter["warnNo"] == alarm_id] == list(PHASES)
    assert {"forgetful", "broken", "reset", "garbled", "busy"} <= set(stand_in.moods)
    assert stand_in.duplicates >= 1
    assert rig.count(DEAD) == 0
    assert rig.process is not None
    rig.process.send_signal(signal.SIGTERM)
    assert rig.process.wait(PATIENCE_S) == 0


def test_a_line_that_commits_late_is_not_skipped(tmp_path: Path, postgres_url: str, stand_in: StandIn) -> None:
    """PostgreSQL gives ids before the commit: a cursor over them would have passed by the slower transaction."""
    rig = Rig(tmp_path, postgres_url)
    try:
        rig.http(stand_in)
        rig.start()
        with rig.database.write() as slow:
            change(slow, "alarm-slow", "raised", time.time())
            rig.change("alarm-quick", "raised")
            rig.until(lambda: [letter["warnNo"] for letter in stand_in.committed] == ["alarm-quick"])
            ids = dict(slow.execute(select(AlarmLog.alarm_id, AlarmLog.id)).tuples().all())
            assert ids["alarm-slow"] < ids["alarm-quick"]
        rig.until(lambda: [letter["warnNo"] for letter in stand_in.committed] == ["alarm-quick", "alarm-slow"])
    finally:
        rig.end()


def test_a_second_bridge_is_refused_and_takes_over_when_the_first_is_gone(rig: Rig, stand_in: StandIn) -> None:
    path = rig.http(stand_in)
    rig.start()
    rig.change("alarm-0001", "raised")
    rig.until(lambda: rig.settled(1))
    other = rig.folder / "elsewhere" if "postgresql" in rig.url else rig.data  # PostgreSQL: from another machine too
    command = [sys.executable, "-m", "robot.fleet.government", "--data", str(other), "--database-url", rig.url]
    command += ["--config", str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 1
    assert "another bridge" in done.stderr
    rig.kill()
    rig.start()
    rig.change("alarm-0001", "closed")
    rig.until(lambda: rig.settled(2))
    assert len(stand_in.committed) == 2


def test_the_bridge_outlives_its_database(tmp_path: Path, own_postgres: Postgres, stand_in: StandIn) -> None:
    rig = Rig(tmp_path, own_postgres.url(own_postgres.make_database()))
    try:
        rig.http(stand_in)
        rig.begin()
        rig.change("alarm-0001", "raised")
        rig.until(lambda: rig.settled(1))
        own_postgres.kill()
        rig.until(lambda: b"database refuses" in (tmp_path / "log").read_bytes())
        own_postgres.start()
        rig.change("alarm-0001", "acknowledged", "closed")
        rig.until(lambda: rig.settled(3))
        assert [letter["event"] for letter in stand_in.committed] == list(PHASES)
        assert rig.process is not None
        assert rig.process.poll() is None
    finally:
        rig.end()


def test_dead_letters_are_listed_shown_replayed_dropped_and_audited(rig: Rig, stand_in: StandIn) -> None:
    stand_in.refuses = lambda letter: "no such elder" if letter["elderId"] == "E-1" else None
    rig.http(stand_in)
    rig.begin()
    rig.change("alarm-0001", *PHASES)
    rig.change("alarm-0002", "raised")
    rig.until(lambda: rig.count(DEAD) == 4)
    listed = rig.run("dead-letters", "list")
    assert (listed.returncode, listed.stdout.splitlines()[-1]) == (0, "4 dead letters")
    assert "code A0422: no such elder" in listed.stdout
    keys = [line.split()[0] for line in listed.stdout.splitlines()[:-1]]
    assert "alarm: alarm-0002" in rig.run("dead-letters", "show", keys[3]).stdout
    assert rig.run("dead-letters", "replay").returncode == 1
    assert rig.run("dead-letters", "replay", "nonsense").returncode == 1
    (rig.folder / "devices.csv").write_text("device,elder_id\nhani-0001,E-0002\n")  # the mistake is put right
    assert rig.run("dead-letters", "drop", keys[3], "--reason", "tried twice", "--by", "operator-7").returncode == 0
    assert rig.run("dead-letters", "replay", "--all", "--by", "operator-7").returncode == 0
    rig.until(lambda: rig.settled(3))
    assert [(letter["event"], letter["elderId"]) for letter in stand_in.committed] == [(p, "E-0002") for p in PHASES]
    assert "0 dead letters" in rig.run("dead-letters", "list").stdout
    assert audit.verify(rig.database).entries == 2
    with rig.database.read() as session:
        assert [actor for actor in session.scalars(select(audit.AuditEntry.actor)) if "operator-7" in actor] == []
        details = session.scalars(select(audit.AuditDetail.detail)).all()
    assert all('"by":"operator-7"' in detail for detail in details), "a name stands where it can be erased"


def test_what_concerns_us_and_not_the_letter_only_pauses(sqlite_rig: Rig, stand_in: StandIn) -> None:
    rig, well = sqlite_rig, False
    stand_in.mood = lambda _number, _letter: "well" if well else "closed"
    rig.http(stand_in, target={"url": f"http://127.0.0.1:{free_port()}/openapi"})
    rig.begin()
    rig.change("alarm-0001", *PHASES)
    rig.until(lambda: rig.count(WAITING) >= 1)
    time.sleep(0.5)
    rig.kill()
    rig.http(stand_in)
    rig.start()
    rig.until(lambda: stand_in.requests > 15)
    assert (rig.count(DEAD), rig.count(WAITING)) == (0, 3)
    well = True
    rig.until(lambda: rig.settled(3))
    assert [letter["event"] for letter in stand_in.committed] == list(PHASES)


def test_signed_and_sealed_letters_are_verified_there_and_no_secret_is_logged(
    sqlite_rig: Rig, stand_in: StandIn
) -> None:
    rig = sqlite_rig
    public_key = sm2.Signer(bytes.fromhex(SM2_KEY)).public_key

    def opens(body: bytes, headers: dict[str, str]) -> bytes:
        signed = f"{headers['X-Timestamp']}\n{headers['X-Nonce']}\n".encode() + body
        signature = decode_dss_signature(base64.b64decode(headers["X-Signature"]))
        if not government_stand_in.sm2_verifies(public_key, signed, signature):
            raise ValueError("bad signature")
        if headers["Authorization"] != f"Bearer {TOKEN}":
            raise ValueError("bad token")
        return government_stand_in.sm4_gcm_opens(bytes.fromhex(SM4_KEY), json.loads(body)["data"])

    stand_in.opens = opens
    stand_in.mood = lambda number, _letter: MOODS[number % len(MOODS)]
    for name, text in (("token", TOKEN), ("sm2", SM2_KEY), ("sm4", SM4_KEY)):
        (rig.folder / name).write_text(text)
        (rig.folder / name).chmod(0o600)
    path = rig.http(
        stand_in,
        target={"token_file": "token"},
        signature={"algorithm": "sm2-sm3", "key_file": "sm2"},
        encryption={"algorithm": "sm4-gcm", "key_file": "sm4"},
    )
    rig.begin()
    for number in range(3):
        rig.change(f"alarm-000{number}", *PHASES, acknowledged_by="王芳", closed_by="王芳")
    rig.until(lambda: rig.settled(9))
    assert len(stand_in.committed) == 9
    checked = subprocess.run(
        [sys.executable, "-m", "robot.fleet.government", "check", "--config", str(path), "--sample"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
    ).stdout
    written = (rig.folder / "log").read_text() + checked
    assert "queued" in written
    for secret in (TOKEN, SM2_KEY, SM4_KEY, "王芳", "E-1\n"):
        assert secret not in written


def test_what_cannot_be_used_ends_with_one_line(sqlite_rig: Rig, stand_in: StandIn) -> None:
    rig = sqlite_rig

    def fails(*words: str) -> str:
        done = rig.run(*words)
        assert done.returncode == 1
        assert len(done.stderr.splitlines()) == 1
        return done.stderr

    path = rig.http(stand_in, colour="red")
    assert "colour" in fails("--config", str(path))
    (rig.folder / "token").write_text(TOKEN)
    (rig.folder / "token").chmod(0o644)
    path = rig.http(stand_in, target={"token_file": "token"})
    told = fails("--config", str(path))
    assert "chmod 600" in told
    assert TOKEN not in told


def test_the_stand_in_says_that_it_is_one(stand_in: StandIn) -> None:
    with urllib.request.urlopen(stand_in.url, timeout=PATIENCE_S) as answer:
        assert answer.read().decode() == NOTICE
        assert answer.headers["Server"].startswith("hani-stand-in")
