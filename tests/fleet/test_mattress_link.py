"""The mattress link against a real broker: it reads, survives rubbish, and comes back after the broker died."""

from __future__ import annotations

import getpass
import queue
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from robot.errors import BadConfiguration
from robot.mattress.codecs import BedReading, encode
from robot.mattress.homeassistant import announcement, state
from robot.mattress.link import MattressLink, MattressSettings
from robot.mqtt_link import BrokerSettings, LinkCounts
from tests.fleet.conftest import PATIENCE_S, end, free_port, until

pytestmark = pytest.mark.fleet

IN = BedReading(in_bed=True, heart_rate_bpm=60.0, breath_rate_bpm=14.0, connected=True)


class Broker:
    """A real mosquitto on a free loopback port; `kill` and `start` keep the port."""

    def __init__(self, folder: Path, access: str = "allow_anonymous true\n") -> None:
        # Debian keeps it where only root's PATH looks
        program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
        assert program, "mosquitto is missing: install the Debian package mosquitto"
        self.port = free_port()
        config = folder / "mosquitto.conf"
        config.write_text(f"listener {self.port} 127.0.0.1\n{access}")
        self._command = [program, "-c", str(config)]
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stderr=subprocess.DEVNULL)
        until(self._answers)

    def kill(self) -> None:
        end(self._process)

    def _answers(self) -> bool:
        assert self._process.poll() is None, "mosquitto did not start"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def publish(self, topic: str, payload: bytes, retain: bool = False) -> None:
        client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        client.connect("127.0.0.1", self.port)
        client.loop_start()
        client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(PATIENCE_S)
        client.disconnect()
        client.loop_stop()


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    broker = Broker(tmp_path)
    yield broker
    broker.kill()


TUYA = MattressSettings("bed/#", "tuya")


def broker_of(broker: Broker, **other: object) -> BrokerSettings:
    return BrokerSettings("mattress", **{"port": broker.port, "reconnect_most_s": 1, **other})


def publish_until_read(broker: Broker, link: MattressLink, readings: queue.Queue[BedReading]) -> BedReading:
    """The link counts as connected a moment before the broker has taken the subscription: repeat until it is heard."""
    until(lambda: link.connected)
    for _ in range(int(PATIENCE_S)):
        broker.publish("bed/1", encode("tuya", IN))
        try:
            return readings.get(timeout=1.0)
        except queue.Empty:
            continue
    raise AssertionError("nothing was read")


def test_readings_arrive_rubbish_is_counted_and_a_failing_listener_ends_nothing(broker):
    readings: queue.Queue[BedReading] = queue.Queue()
    failures = iter([RuntimeError("listener broke")])

    def listen(reading: BedReading) -> None:
        readings.put(reading)
        for failure in failures:
            raise failure

    with MattressLink(broker_of(broker), TUYA, listen) as link:
        assert publish_until_read(broker, link, readings) == IN
        for rubbish in (b"", b"\xff", b"{}"):
            broker.publish("bed/1", rubbish)
        until(lambda: link.counts.undecodable == 3)
        assert publish_until_read(broker, link, readings) == IN
        assert link.counts.connects == 1


def test_a_retained_message_is_no_reading(broker):
    """It may be days old, and would look like somebody in bed now."""
    readings: queue.Queue[BedReading] = queue.Queue()
    broker.publish("bed/old", encode("tuya", BedReading(in_bed=False, connected=True)), retain=True)
    with MattressLink(broker_of(broker), TUYA, readings.put) as link:
        assert publish_until_read(broker, link, readings) == IN
        assert link.counts.undecodable == 0


def test_the_link_comes_back_after_the_broker_died(broker):
    readings: queue.Queue[BedReading] = queue.Queue()
    with MattressLink(broker_of(broker), TUYA, readings.put) as link:
        publish_until_read(broker, link, readings)
        broker.kill()
        until(lambda: not link.connected)
        broker.start()
        publish_until_read(broker, link, readings)
        assert link.counts.connects == 2


def test_the_link_waits_for_a_broker_that_is_not_there_yet(broker):
    broker.kill()
    readings: queue.Queue[BedReading] = queue.Queue()
    with MattressLink(broker_of(broker), TUYA, readings.put) as link:
        time.sleep(0.2)
        assert not link.connected
        broker.start()
        publish_until_read(broker, link, readings)


def test_an_announced_mattress_is_found_and_read(broker):
    """Announcements are wanted retained, states live; garbage on either is counted and ends nothing."""
    readings: queue.Queue[BedReading] = queue.Queue()
    for topic, payload in announcement("bed-1"):
        broker.publish(topic, payload, retain=True)
    broker.publish("homeassistant/sensor/bed-1/rubbish/config", b"{", retain=True)
    expected = BedReading(in_bed=True, heart_rate_bpm=60.0, breath_rate_bpm=14.0)
    with MattressLink(
        broker_of(broker), MattressSettings("homeassistant/+/bed-1/+/config", "homeassistant"), readings.put
    ) as link:
        until(lambda: link.counts.readings + link.counts.undecodable >= 4)
        assert link.counts.undecodable == 1
        until(lambda: published(broker, state("bed-1", expected), readings) == expected)


def published(broker: Broker, message: tuple[str, bytes], readings: queue.Queue[BedReading]) -> BedReading | None:
    broker.publish(*message)
    try:
        return readings.get(timeout=1.0)
    except queue.Empty:
        return None


def test_name_and_password_come_from_a_file_and_stand_nowhere_else(tmp_path, caplog):
    """A broker that asks: the right password connects, a wrong one is an error line without it."""
    passwords = tmp_path / "passwords"
    maker = shutil.which("mosquitto_passwd") or "/usr/bin/mosquitto_passwd"
    subprocess.run([maker, "-b", "-c", str(passwords), "hani", "pass-phrase-1"], check=True, capture_output=True)
    # as whom the test runs: a broker that changes its user could not read the file
    access = f"allow_anonymous false\npassword_file {passwords}\nuser {getpass.getuser()}\n"
    broker = Broker(tmp_path, access)
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    right.write_text("pass-phrase-1\n")
    wrong.write_text("pass-phrase-2\n")
    try:
        with MattressLink(
            broker_of(broker, username="hani", password_file=str(right)), TUYA, lambda reading: None
        ) as link:
            until(lambda: link.connected)
        with MattressLink(
            broker_of(broker, username="hani", password_file=str(wrong)), TUYA, lambda reading: None
        ) as link:
            until(lambda: "check its user name and password" in link.fault)
            assert "refused the mattress link" in caplog.text
            assert (link.connected, link.counts) == (False, LinkCounts())
    finally:
        broker.kill()
    assert "pass-phrase" not in caplog.text
    assert str(right) not in repr(broker_of(broker, password_file=str(right)))


def certificates(folder: Path) -> Path:
    """A certificate authority and the broker's certificate for 127.0.0.1, of today; returns the folder."""
    (folder / "server.ext").write_text("subjectAltName=IP:127.0.0.1\n")
    curve = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"
    for line in (
        f"req -x509 {curve} -keyout ca.key -out ca.pem -days 2 -subj /CN=home",
        f"req -x509 {curve} -keyout other.key -out other.pem -days 2 -subj /CN=somebody",
        f"req {curve} -keyout server.key -out server.csr -subj /CN=broker",
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out server.pem -days 2 -extfile server.ext",
    ):
        subprocess.run(["openssl", *line.split()], cwd=folder, check=True, capture_output=True)
    return folder


# paho 2.1 leaves the socket of a failed handshake to the garbage collector
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_over_tls_only_a_broker_of_the_homes_own_authority_is_spoken_to(tmp_path, caplog):
    """With name and password; neither another authority's broker gets them, nor one whose certificate names another
    host, and the log says why.
    """
    keys = certificates(tmp_path)
    passwords, password = tmp_path / "passwords", tmp_path / "password"
    maker = shutil.which("mosquitto_passwd") or "/usr/bin/mosquitto_passwd"
    subprocess.run([maker, "-b", "-c", str(passwords), "hani", "pass-phrase-1"], check=True, capture_output=True)
    password.write_text("pass-phrase-1\n")
    broker = Broker(
        tmp_path,
        f"certfile {keys}/server.pem\nkeyfile {keys}/server.key\nallow_anonymous false\npassword_file {passwords}\n"
        f"user {getpass.getuser()}\n",
    )
    readings: queue.Queue[BedReading] = queue.Queue()

    def link(ca: str, host: str = "127.0.0.1") -> MattressLink:
        settings = broker_of(broker, host=host, username="hani", password_file=str(password), ca_file=f"{keys}/{ca}")
        return MattressLink(settings, TUYA, readings.put)

    try:
        for refused, why in (
            (link("other.pem"), "unable to get local issuer certificate"),
            (link("ca.pem", host="localhost"), "Hostname mismatch"),
        ):
            with refused:
                until(lambda why=why: why in caplog.text)
                assert not refused.connected
        with link("ca.pem") as trusted:
            until(lambda: trusted.connected)
            publisher = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
            publisher.tls_set(f"{keys}/ca.pem")
            publisher.username_pw_set("hani", "pass-phrase-1")
            publisher.connect("127.0.0.1", broker.port)
            publisher.loop_start()
            until(lambda: heard_tls(publisher, readings))
            publisher.disconnect()
            publisher.loop_stop()
    finally:
        broker.kill()
    assert "pass-phrase" not in caplog.text


# as above
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_broker_that_asks_for_a_certificate_is_shown_the_homes_own(tmp_path):
    """Key and certificate in one file or in two; without them the broker does not let the link in."""
    keys = certificates(tmp_path)
    for line in (
        "req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout hani.key -out hani.csr -subj /CN=hani",
        "x509 -req -in hani.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out hani.pem -days 2",
    ):
        subprocess.run(["openssl", *line.split()], cwd=keys, check=True, capture_output=True)
    (keys / "pair.pem").write_bytes((keys / "hani.key").read_bytes() + (keys / "hani.pem").read_bytes())
    broker = Broker(
        tmp_path,
        f"cafile {keys}/ca.pem\ncertfile {keys}/server.pem\nkeyfile {keys}/server.key\nrequire_certificate true\n"
        f"use_identity_as_username true\nuser {getpass.getuser()}\n",
    )

    def link(**files: str) -> MattressLink:
        given = {name: f"{keys}/{file}" for name, file in files.items()}
        return MattressLink(broker_of(broker, ca_file=f"{keys}/ca.pem", **given), TUYA, lambda reading: None)

    try:
        for files in ({"certificate_file": "pair.pem"}, {"certificate_file": "hani.pem", "key_file": "hani.key"}):
            with link(**files) as let_in:
                until(lambda let_in=let_in: let_in.connected)
        stranger = link()
        ended = threading.Event()
        stranger._client.on_disconnect = lambda *_: ended.set()
        with stranger:
            assert ended.wait(PATIENCE_S)
            assert not stranger.connected
    finally:
        broker.kill()


def heard_tls(publisher: mqtt.Client, readings: queue.Queue[BedReading]) -> bool:
    publisher.publish("bed/1", encode("tuya", IN), qos=1)
    try:
        return readings.get(timeout=1.0) == IN
    except queue.Empty:
        return False


@pytest.mark.parametrize(
    "wrong",
    [
        {"ca_file": "/nowhere/ca.pem"},
        {"password_file": "/nowhere/password"},
        {"ca_file": __file__},
        {"certificate_file": "/nowhere/pair.pem"},  # without ca_file there is no TLS to show it in
    ],
    ids=str,
)
def test_a_wrong_setting_is_refused_before_anything_connects(broker, wrong):
    with pytest.raises(BadConfiguration, match=f"mattress.{next(iter(wrong))}"):
        MattressLink(broker_of(broker, **wrong), TUYA, lambda reading: None)


def test_an_unknown_format_is_refused_before_anything_connects(broker):
    with pytest.raises(BadConfiguration, match=r"mattress\.format"):
        MattressLink(broker_of(broker), MattressSettings("bed/#", "acme"), lambda reading: None)
