"""The dashboard's own process: TLS and its cookies, and a disabled person's open page."""

from __future__ import annotations

import datetime
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from robot.fleet.database import open_database
from robot.fleet.people import Role, accounts
from robot.simulation.caregiver import CaregiverAtDesk
from robot.simulation.scenario import Caregiver
from tests.fleet import signed_in
from tests.fleet.conftest import PATIENCE_S, ROOT, end, free_port
from tests.unit.fleet.conftest import Home, alarm

pytestmark = pytest.mark.fleet

Start = Callable[..., str]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a dashboard on tmp_path/fleet with these arguments and returns its port's address without scheme."""
    running: list[subprocess.Popen[bytes]] = []

    def begin(*arguments: str) -> str:
        port = free_port()
        command = [
            sys.executable,
            "-m",
            "robot.fleet.dashboard",
            "--data",
            str(tmp_path / "fleet"),
            "--port",
            str(port),
        ]
        with (tmp_path / "log").open("wb") as log:
            running.append(subprocess.Popen([*command, *arguments], cwd=ROOT, stdout=log, stderr=log))
        return f"127.0.0.1:{port}"

    yield begin
    for process in running:
        end(process)


def ask(client: httpx.Client, path: str) -> httpx.Response:
    """The answer, as soon as the server is there."""
    give_up_at_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            return client.get(path)
        except httpx.ConnectError:
            if time.monotonic() > give_up_at_s:
                raise
            time.sleep(0.05)


def read_on(feed: httpx.Response) -> Iterator[str]:
    """Its lines. One that neither ends nor brings what is waited for is a failure, however often it says something."""
    give_up_at_s = time.monotonic() + PATIENCE_S
    for line in feed.iter_lines():
        assert time.monotonic() < give_up_at_s, "the feed goes on and on"
        yield line


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1 that signs itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    paths = folder / "chain.pem", folder / "key.pem"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    paths[1].write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain))
    return paths


def test_with_tls_the_cookies_are_bound_to_it(start: Start, tmp_path: Path) -> None:
    chain, key = certificate(tmp_path)
    address = start("--tls-certificate", str(chain), "--tls-key", str(key))
    trust = ssl.create_default_context(cafile=str(chain))
    trust.check_hostname = False  # the certificate is trusted as such
    with httpx.Client(base_url=f"https://{address}", verify=trust, timeout=PATIENCE_S) as client:
        answer = ask(client, "/login")
        cookie = answer.headers["set-cookie"].lower()
        assert cookie.startswith("__host-hani-porch=")
        assert {"secure", "httponly", "samesite=strict"} <= {part.strip() for part in cookie.split(";")}
        assert "max-age" in answer.headers["strict-transport-security"]
    assert "people" in (tmp_path / "log").read_text(), "who comes first is told how to make people"


def test_without_a_proxy_nobody_can_claim_another_address_or_scheme(start: Start) -> None:
    with httpx.Client(base_url=f"http://{start()}", timeout=PATIENCE_S) as client:
        ask(client, "/healthz")
        claimed = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "10.0.0.1"}
        assert client.get("/login", headers=claimed).headers["set-cookie"].startswith("hani-porch=")
    with httpx.Client(base_url=f"http://{start('--behind-proxy')}", timeout=PATIENCE_S) as client:
        ask(client, "/healthz")
        assert client.get("/login", headers=claimed).headers["set-cookie"].startswith("__Host-hani-porch=")


def test_a_disabled_persons_open_feed_ends_within_seconds(start: Start, tmp_path: Path) -> None:
    address = start()
    with httpx.Client(base_url=f"http://{address}", timeout=PATIENCE_S) as stranger:
        ask(stranger, "/healthz")
    data = tmp_path / "fleet"
    client = signed_in.client(f"http://{address}", data, "carer", Role.CAREGIVER, ["hani-0001"])
    with closing(client), client.stream("GET", "/events", timeout=PATIENCE_S) as feed:
        lines = read_on(feed)
        while next(lines) != "event: health":
            pass
        database = open_database(data)
        with database.write() as session:
            accounts.disable(session, accounts.find(session, "carer"), time.time())
        database.close()
        assert "event: gone" in list(lines), "and then the stream is over"
        assert client.get("/api/alarms").status_code == 401


@pytest.mark.parametrize("given", [("--tls-key", "x"), ("--tls-certificate", "x", "--tls-key", "y")])
def test_half_a_pair_of_tls_files_ends_with_one_line(tmp_path: Path, given: tuple[str, ...]) -> None:
    command = [sys.executable, "-m", "robot.fleet.dashboard", "--data", str(tmp_path), "--port", "0", *given]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert "both" in done.stderr


def test_the_simulated_caregiver_signs_in_and_answers_by_the_same_forms(start: Start, tmp_path: Path) -> None:
    address = start()
    with httpx.Client(base_url=f"http://{address}", timeout=PATIENCE_S) as stranger:
        ask(stranger, "/healthz")
    data = tmp_path / "fleet"
    database = open_database(data)
    home = Home(database)
    home.now_s = time.time()
    home.alarm()
    desk = CaregiverAtDesk(f"http://{address}", data, enabled=True)
    for does, phase in (("acknowledge", "acknowledged"), ("close", "closed")):
        visit = Caregiver.model_validate(
            {"does": does, "name": "值班护理员", "reason": "平安", "after_s": 0, "within_s": PATIENCE_S}
        )
        assert desk.visit(visit, threading.Event())
        assert alarm(home).phase == phase
    desk.close()
    assert alarm(home).closed_by == "值班护理员"
    database.close()
