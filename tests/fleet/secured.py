"""A platform with certificates: authority, broker, enrolment service, and clients that show what they have."""

from __future__ import annotations

import contextlib
import queue
import re
import signal
import socket
import ssl
import subprocess
import sys
import time
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from robot.fleet.identity import __main__ as identity
from robot.fleet.identity.authority import Layout
from robot.reporting import enrol
from robot.reporting.contract import topic
from robot.reporting.enrolment import Paper, read_paper
from tests.fleet.conftest import PATIENCE_S, ROOT, end, free_port, until


class Site:
    """Authority, broker and enrolment service over one data folder; each process may be ended and started again."""

    def __init__(self, data: Path, connections: int = 1000) -> None:
        self.data, self._connections = data, connections
        self.layout = Layout(data / "identity")
        self.port, self.services_port, self.enrol_port = free_port(), free_port(), free_port()
        self.log = data / "log.txt"
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.identity("init")

    @property
    def platform(self) -> str:
        return f"https://127.0.0.1:{self.enrol_port}"

    def identity(self, word: str, *arguments: str) -> int:
        return identity.main([word, "--data", str(self.data), "--by", "test", *arguments])

    def start_broker(self) -> None:
        places = ["--port", str(self.port), "--services-port", str(self.services_port)]
        places += ["--connections", str(self._connections)]
        folders = ["--data", str(self.data / "broker"), "--tls", str(self.layout.folder)]
        self._start("broker", "robot.reporting.broker", *places, *folders)
        self._until_listens("broker", self.port, self.services_port)

    def start_enrolment(self) -> None:
        self._start("serve", "robot.fleet.identity.serve", "--port", str(self.enrol_port), "--data", str(self.data))
        self._until_listens("serve", self.enrol_port)

    def start_ingest(self) -> None:
        pair = str(self.layout.service("ingest"))
        files = ["--broker-ca", str(self.layout.certificate), "--broker-cert", pair, "--broker-key", pair]
        at = ["--broker-port", str(self.services_port), "--data", str(self.data)]
        self._start("ingest", "robot.fleet.ingest", *at, *files)

    def stop(self, name: str) -> None:
        end(self._processes.pop(name), signal.SIGTERM)

    def stop_all(self) -> None:
        with contextlib.ExitStack() as ending:  # each, whatever becomes of the others
            for name in list(self._processes):
                ending.callback(self.stop, name)

    def paper(self, device: str, capsys: object, *more: str) -> Paper:
        """A new claim for the device, read from what the command prints."""
        capsys.readouterr()  # type: ignore[attr-defined]  # pytest's fixture
        assert self.identity("claim", device, "--platform", self.platform, *more) == 0
        printed = capsys.readouterr().out  # type: ignore[attr-defined]  # the same
        found = re.search(r"^QR +(.*)$", printed, re.MULTILINE)
        assert found
        return read_paper(found.group(1))

    def robot(self, device: str, capsys: object, *more: str) -> Path:
        """An enrolled robot's identity folder."""
        out = self.data / "robots" / device
        out.parent.mkdir(exist_ok=True)
        enrol.enrol(self.paper(device, capsys, *more), out, time.time(), replace="--replace" in more)
        return out

    def _start(self, name: str, module: str, *arguments: str) -> None:
        with self.log.open("ab") as log:
            self._processes[name] = subprocess.Popen(
                [sys.executable, "-m", module, *arguments], cwd=ROOT, stdout=log, stderr=log
            )

    def _until_listens(self, name: str, *ports: int) -> None:
        def look() -> bool:
            assert self._processes[name].poll() is None, f"{name} has ended: {self.log.read_text()[-600:]}"
            return all(map(_listens, ports))

        until(look)


class Client:
    """An MQTT client of its own: what it hears, and whether the broker let it in."""

    def __init__(
        self,
        port: int,
        authority: Path,
        pair: Path | None,
        client_id: str = "",
        will: tuple[str, bytes] | None = None,
        clean: bool = True,
    ) -> None:
        self.heard: queue.SimpleQueue[tuple[str, bytes, bool]] = queue.SimpleQueue()
        self.answers: queue.SimpleQueue[object] = queue.SimpleQueue()
        self.inside = False
        self.ends = 0
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=client_id, protocol=mqtt.MQTTv5)
        self.client.tls_set(str(authority), None if pair is None else str(pair))
        self.client.reconnect_delay_set(1, 1)
        self.client.on_connect = self._came
        self.client.on_disconnect = self._went
        self.client.on_message = lambda _client, _data, message: self.heard.put(
            (message.topic, bytes(message.payload), bool(message.retain))
        )
        self.client.on_subscribe = lambda *_: self.answers.put("subscribed")
        self.client.on_publish = lambda _client, _data, _mid, reason, _properties: self.answers.put(reason)
        if will is not None:
            self.client.will_set(*will, qos=1)
        self.refused = ""
        self.client.connect_timeout = PATIENCE_S
        try:
            self.client.connect("127.0.0.1", port, clean_start=clean)
        except (OSError, ValueError) as error:
            self.refused = str(error)
            return
        self.client.loop_start()
        until(lambda: self.inside or bool(self.ends) or bool(self.refused))

    def subscribe(self, *filters: str) -> Client:
        for one in filters:
            self.client.subscribe(one, qos=1)
            assert self.answers.get(timeout=PATIENCE_S) == "subscribed"
        return self

    def publish(self, name: str, payload: bytes, *, retain: bool = False) -> None:
        """Returns when the broker has answered, whatever it did with it."""
        self.client.publish(name, payload, qos=1, retain=retain)
        self.answers.get(timeout=PATIENCE_S)

    def next(self) -> tuple[str, bytes, bool]:
        return self.heard.get(timeout=PATIENCE_S)

    def close(self) -> None:
        with contextlib.suppress(ValueError):
            self.client.disconnect()
        self.client.loop_stop()
        # paho leaves the sockets of a refused or ended connection to the garbage collector
        self.client.reinitialise()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _came(self, _client: object, _data: object, _flags: object, reason: object, _properties: object) -> None:
        if getattr(reason, "is_failure", True):
            self.refused = str(reason)
        else:
            self.inside = True

    def _went(self, *_: object) -> None:
        self.inside = False
        self.ends += 1


def device_client(site: Site, folder: Path, client_id: str = "", **more: object) -> Client:
    return Client(site.port, site.layout.certificate, folder / "robot.pem", client_id, **more)  # type: ignore[arg-type]


def service_client(site: Site, client_id: str = "") -> Client:
    return Client(site.services_port, site.layout.certificate, site.layout.service("ingest"), client_id)


def up(device: str, leaf: str = "e/alarm") -> str:
    return topic(device, leaf)


def resumed(site: Site, folder: Path, session: ssl.SSLSession | None, context: ssl.SSLContext) -> bytes:
    """CONNECT over a TLS session, resumed if one is given; returns what the broker says, empty when it hangs up."""
    with (
        contextlib.suppress(OSError),
        socket.create_connection(("127.0.0.1", site.port), PATIENCE_S) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1", session=session) as link,
    ):
        link.sendall(CONNECT)
        answer = link.recv(64)
        context.hani_session = link.session  # type: ignore[attr-defined]  # carried back to the test
        context.hani_reused = link.session_reused  # type: ignore[attr-defined]  # the same
        return answer
    return b""


CONNECT = bytes.fromhex("1010 0004 4d515454 05 02 003c 00 0003 616263".replace(" ", ""))


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
