"""The mosquitto broker: its configuration, and a way for a launch file to run it.

    python -m robot.reporting.broker --port 18830 --data .hani/broker                              on loopback, open
    python -m robot.reporting.broker --port 8883 --data .hani/broker --tls .hani/fleet/identity    by certificate
        [--bind 0.0.0.0] [--services-port 8884]

The process becomes mosquitto (exec), so its pid is the broker's. It is asked to end when its parent dies. Without
certificates it listens on loopback only. With them (`python -m robot.fleet.identity init` makes the folder) there are
two listeners: the robots', where everybody's client id is the name in the certificate, so that nobody can drive another
out; and one for the platform's own processes, on loopback. SIGHUP reads the revocation list and access rules again.
"""

from __future__ import annotations

import argparse
import ipaddress
import json
import os
import resource
import shutil
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from robot.errors import BadInput, HaniError, MissingPart
from robot.reporting.contract import PAYLOAD_BYTES
from robot.supervisor.lifeline import die_with_parent

SYSTEM_FOLDERS = "/usr/sbin:/usr/local/sbin"  # Debian puts mosquitto where a user's PATH does not look
LOOPBACK = "127.0.0.1"
LARGEST_PACKET_BYTES = 2 * PAYLOAD_BYTES  # topic and properties come on top of a payload
MOST_CONNECTIONS = 20_000
NO_LIMIT = 2_000_000_000
"""Of queued messages. 0 means the same, but makes mosquitto 2.0.11 hang up on whoever publishes what rules forbid."""
TLS_FILES = ("authority.pem", "server.pem", "revoked.pem", "access")


@dataclass(frozen=True, slots=True)
class Secure:
    """Certificates instead of an open door. `folder` is the identity folder; `bind` where robots may come from."""

    folder: Path
    services_port: int
    bind: str = LOOPBACK
    most_connections: int = MOST_CONNECTIONS


def find_mosquitto() -> Path:
    """The broker's program. Raises MissingPart with the command that installs it."""
    found = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:{SYSTEM_FOLDERS}")
    if found is None:
        raise MissingPart("the MQTT broker is missing; run: sudo apt-get install -y --no-install-recommends mosquitto")
    return Path(found)


def broker_config(port: int, data_dir: Path, secure: Secure | None = None) -> str:
    """The text of mosquitto.conf: loopback, a session's messages saved every second, no limit on waiting messages.

    Limits would make mosquitto drop QoS 1 messages silently; autosave bounds what a SIGKILL costs (facts/platform.md:
    382 of 3,000 lost without, 133 with it), and the outbox's acknowledgement makes up for the rest.
    """
    lines = _open_door(port) if secure is None else _by_certificate(port, secure)
    lines += [
        "persistence true",
        f"persistence_location {data_dir}/",
        "autosave_interval 1",
        "max_inflight_messages 0",
        f"max_queued_messages {0 if secure is None else NO_LIMIT}",
        "set_tcp_nodelay true",
        "log_dest stderr",
        "log_type error",
        "log_type warning",
    ]
    if os.geteuid() == 0:
        lines.append("user root")  # else mosquitto gives up root and can no longer write its data
    return "\n".join(lines) + "\n"


def _open_door(port: int) -> list[str]:
    return [f"listener {port} {LOOPBACK}", "allow_anonymous true"]


def _by_certificate(port: int, secure: Secure) -> list[str]:
    folder = secure.folder
    identity = [
        f"cafile {folder}/authority.pem",
        f"certfile {folder}/server.pem",
        f"keyfile {folder}/server.pem",
        f"crlfile {folder}/revoked.pem",
        "tls_version tlsv1.2",  # at least
        "require_certificate true",
        "use_identity_as_username true",
    ]
    return [
        f"listener {port} {secure.bind}",
        *identity,
        "use_username_as_clientid true",
        f"max_connections {secure.most_connections}",
        f"listener {secure.services_port} {LOOPBACK}",
        *identity,
        "allow_anonymous false",
        f"acl_file {folder}/access",
        f"max_packet_size {LARGEST_PACKET_BYTES}",
        "log_type notice",  # certificates that were refused
        "connection_messages false",  # but not every robot's coming and going
    ]


def check_open(bind: str, tls: Path | None) -> None:
    """Refuse to open a door without certificates. Raises BadInput."""
    try:
        address = ipaddress.ip_address(bind)
    except ValueError as error:
        raise BadInput(f"--bind takes an address such as 0.0.0.0 or 192.168.1.5, not {bind[:60]!r}") from error
    if tls is None and not address.is_loopback:
        raise BadInput(
            f"without certificates the broker stays on {LOOPBACK}: run python -m robot.fleet.identity init, "
            "then give --tls DIR beside --bind"
        )


def run_broker(port: int, data_dir: Path, secure: Secure | None = None) -> None:
    """Write the configuration into `data_dir` and become the broker. Returns only by raising HaniError."""
    program = find_mosquitto()
    data_dir = data_dir.resolve()
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        config = data_dir / "mosquitto.conf"
        config.write_text(broker_config(port, data_dir, secure), encoding="utf-8")
        if secure is not None:
            _check_files(secure.folder)
            # this process's pid stays the broker's; by it a revocation reaches the running broker
            note = {"pid": os.getpid(), "port": port, "services_port": secure.services_port}
            (secure.folder / "broker.json").write_text(json.dumps(note), encoding="utf-8")
    except OSError as error:
        raise BadInput(
            f"the broker cannot use the folder {data_dir} ({error.strerror}): give another --data"
        ) from error
    _allow_connections()
    os.execv(program, [str(program), "-c", str(config)])  # noqa: S606 (a fixed list, no shell)


def _check_files(folder: Path) -> None:
    missing = [name for name in TLS_FILES if not (folder / name).is_file()]
    if missing:
        raise MissingPart(f"{folder} lacks {', '.join(missing)}; run: python -m robot.fleet.identity init")


def _allow_connections() -> None:
    """A robot is an open file to mosquitto; a shell often allows 1,024."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main(arguments: Sequence[str] | None = None) -> int:
    parent_pid = os.getppid()
    parser = argparse.ArgumentParser(prog="python -m robot.reporting.broker", description="Run the MQTT broker.")
    parser.add_argument("--port", type=int, default=18830, help="the robots' port (default: %(default)s)")
    parser.add_argument("--data", type=Path, required=True, help="folder for its configuration and saved messages")
    parser.add_argument("--tls", type=Path, help="folder of python -m robot.fleet.identity: certificates asked for")
    parser.add_argument("--bind", default=LOOPBACK, help="where robots may come from; beyond loopback only with --tls")
    parser.add_argument("--services-port", type=int, help="the platform's own port with --tls (default: --port + 1)")
    parser.add_argument("--connections", type=int, default=MOST_CONNECTIONS, help="robots at once with --tls")
    chosen = parser.parse_args(arguments)
    # SIGTERM, not SIGKILL: mosquitto then saves what waits for absent robots
    die_with_parent(parent_pid, signal.SIGTERM)
    try:
        check_open(chosen.bind, chosen.tls)
        secure = None
        if chosen.tls is not None:
            services_port = chosen.services_port or chosen.port + 1
            secure = Secure(chosen.tls.resolve(), services_port, chosen.bind, chosen.connections)
        run_broker(chosen.port, chosen.data, secure)
    except HaniError as error:
        sys.stderr.write(f"broker: {error}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
