"""The mosquitto broker for a checkout: its configuration, and a way for a launch file to run it.

    python -m robot.reporting.broker --port 18830 --data .hani/broker

The process becomes mosquitto (exec), so its pid is the broker's. It is asked to end when its parent dies. A platform in
service runs its own broker with certificates; this one listens on loopback only.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from robot.errors import BadInput, HaniError, MissingPart
from robot.supervisor.lifeline import die_with_parent

SYSTEM_FOLDERS = "/usr/sbin:/usr/local/sbin"  # Debian puts mosquitto where a user's PATH does not look


def find_mosquitto() -> Path:
    """The broker's program. Raises MissingPart with the command that installs it."""
    found = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:{SYSTEM_FOLDERS}")
    if found is None:
        raise MissingPart("the MQTT broker is missing; run: sudo apt-get install -y --no-install-recommends mosquitto")
    return Path(found)


def broker_config(port: int, data_dir: Path) -> str:
    """The text of mosquitto.conf: loopback, a session's messages saved every second, no limit on waiting messages.

    Limits would make mosquitto drop QoS 1 messages silently; autosave bounds what a SIGKILL costs (facts/platform.md:
    382 of 3,000 lost without, 133 with it), and the outbox's acknowledgement makes up for the rest.
    """
    lines = [
        f"listener {port} 127.0.0.1",
        "allow_anonymous true",
        "persistence true",
        f"persistence_location {data_dir}/",
        "autosave_interval 1",
        "max_inflight_messages 0",
        "max_queued_messages 0",
        "set_tcp_nodelay true",
        "log_dest stderr",
        "log_type error",
        "log_type warning",
    ]
    if os.geteuid() == 0:
        lines.append("user root")  # else mosquitto gives up root and can no longer write its data
    return "\n".join(lines) + "\n"


def run_broker(port: int, data_dir: Path) -> None:
    """Write the configuration into `data_dir` and become the broker. Returns only by raising HaniError."""
    program = find_mosquitto()
    data_dir = data_dir.resolve()
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        config = data_dir / "mosquitto.conf"
        config.write_text(broker_config(port, data_dir), encoding="utf-8")
    except OSError as error:
        raise BadInput(
            f"the broker cannot use the folder {data_dir} ({error.strerror}): give another --data"
        ) from error
    os.execv(program, [str(program), "-c", str(config)])  # noqa: S606 (a fixed list, no shell)


def main(arguments: Sequence[str] | None = None) -> int:
    parent_pid = os.getppid()
    parser = argparse.ArgumentParser(prog="python -m robot.reporting.broker", description="Run the MQTT broker.")
    parser.add_argument("--port", type=int, default=18830, help="port on 127.0.0.1 (default: %(default)s)")
    parser.add_argument("--data", type=Path, required=True, help="folder for its configuration and saved messages")
    chosen = parser.parse_args(arguments)
    # SIGTERM, not SIGKILL: mosquitto then saves what waits for absent robots
    die_with_parent(parent_pid, signal.SIGTERM)
    try:
        run_broker(chosen.port, chosen.data)
    except HaniError as error:
        sys.stderr.write(f"broker: {error}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main())
