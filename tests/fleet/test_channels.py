"""The channels against real servers: what is taken is sent once, what is refused is said without address or secret."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from aiosmtpd.controller import Controller
from sqlalchemy import select

from robot.errors import BadConfiguration, LinkFault
from robot.fleet.contacts import Person, Site
from robot.fleet.database import Database, open_database
from robot.fleet.desk_tables import ChannelState, Notification
from robot.fleet.notify import outbox
from robot.fleet.notify.channels import FakeChannel, Outgoing, open_channel
from robot.fleet.notify.sender import Sender
from robot.fleet.notify.settings import ChannelSettings
from robot.fleet.tables import Alarm
from tests.fleet.conftest import PATIENCE_S, free_port

pytestmark = pytest.mark.fleet

SECRET = "geheim-12345"
TEXT = "Hani：一号：跌倒，10:32 发出"
PERSON = Person(name="王芳", role="护理员", phone="13800000001", email="wang@example.org")


def outgoing(address: str = "13800000001") -> Outgoing:
    return Outgoing("message-1", address, TEXT, "alarm-1", "call", 1, 1000.0)


def settings(**fields: Any) -> ChannelSettings:
    return Site.model_validate({"channels": {"main": fields}}).channels["main"]


@dataclass
class Gateway:
    """An HTTP server that answers what it is told to, while it is `free`, and remembers what it was asked."""

    port: int
    answers: list[int] = field(default_factory=list)
    free: threading.Event = field(default_factory=threading.Event)
    asked: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    found = Gateway(0)
    found.free.set()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            found.asked.append((self.path, dict(self.headers), body))
            found.free.wait(PATIENCE_S)
            self.send_response(found.answers.pop(0) if found.answers else 200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield found
    found.free.set()
    server.shutdown()
    server.server_close()
    thread.join(PATIENCE_S)


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text(SECRET + "\n")
    path.chmod(0o600)
    return path


class Mailbox:
    """What a real SMTP server was handed."""

    def __init__(self) -> None:
        self.mails: list[Any] = []
        self.refuse = False

    async def handle_DATA(self, _server: object, _session: object, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's
        if self.refuse:
            return "550 no such user"
        self.mails.append(envelope)
        return "250 taken"


@pytest.fixture
def mailbox() -> Iterator[tuple[Mailbox, int]]:
    box, port = Mailbox(), free_port()
    controller = Controller(box, hostname="127.0.0.1", port=port, ready_timeout=PATIENCE_S)
    controller.start()
    yield box, port
    controller.stop()


def test_a_mail_arrives_with_its_text_and_a_refusal_names_no_address(mailbox: tuple[Mailbox, int]) -> None:
    box, port = mailbox
    channel = open_channel(
        settings(kind="email", host="127.0.0.1", port=port, security="none", sender="hani@example.org")
    )
    channel.send(outgoing("wang@example.org"))
    [mail] = box.mails
    assert mail.rcpt_tos == ["wang@example.org"]
    box.refuse = True
    with pytest.raises(LinkFault) as caught:
        channel.send(outgoing("wang@example.org"))
    assert str(caught.value) == "answered 550"


def test_a_mail_does_not_go_in_the_clear_where_encryption_is_asked_for(mailbox: tuple[Mailbox, int]) -> None:
    box, port = mailbox
    for security in ("starttls", "tls"):
        channel = open_channel(
            settings(kind="email", host="127.0.0.1", port=port, security=security, sender="hani@example.org")
        )
        with pytest.raises(LinkFault):
            channel.send(outgoing("wang@example.org"))
    assert box.mails == []


def test_a_webhooks_receiver_can_check_that_it_is_ours(gateway: Gateway, secret: Path) -> None:
    open_channel(settings(kind="webhook", url=gateway.url, secret_file=secret)).send(outgoing())
    [(_, headers, body)] = gateway.asked
    signed = headers["X-Hani-Timestamp"].encode() + b"." + body
    assert headers["X-Hani-Signature"] == hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert json.loads(body)["text"] == TEXT
    assert headers["X-Hani-Id"] == json.loads(body)["id"] == "message-1"


@pytest.mark.parametrize("encoding", ["json", "form"])
def test_an_sms_gateways_template_is_filled_in_and_nothing_can_break_out_of_it(
    gateway: Gateway, secret: Path, encoding: str
) -> None:
    channel = open_channel(
        settings(
            kind="sms",
            url=gateway.url + "/send?to={phone}",
            headers={"Authorization": "Key {key}"},
            body={"mobile": "{phone}", "content": "【哈尼】{text}"},
            encoding=encoding,
            secrets={"key": secret},
        )
    )
    nasty = Outgoing("m", "138 0&x=1", '"},{"a":"{key}', "alarm-1", "call", 1, 0.0)
    channel.send(nasty)
    [(path, headers, body)] = gateway.asked
    assert parse_qs(urlsplit(path).query) == {"to": ["138 0&x=1"]}
    assert headers["Authorization"] == f"Key {SECRET}"
    sent = json.loads(body) if encoding == "json" else {name: only for name, [only] in parse_qs(body.decode()).items()}
    assert sent == {"mobile": "138 0&x=1", "content": '【哈尼】"},{"a":"{key}'}


def test_an_answer_that_is_no_success_and_a_server_that_hangs_are_faults_without_secrets(
    gateway: Gateway, secret: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    url = gateway.url + "/?key={key}&to={phone}"
    channel = open_channel(settings(kind="sms", url=url, secrets={"key": secret}))
    gateway.answers = [500, 302]
    for told in ("answered 500", "answered 302"):
        with pytest.raises(LinkFault, match=told):
            channel.send(outgoing())
    gateway.free.clear()
    hasty = open_channel(settings(kind="sms", url=url, secrets={"key": secret}, timeout_s=0.5))
    with pytest.raises(LinkFault, match=r"TimeoutError|ReadTimeout"):
        hasty.send(outgoing())
    assert SECRET not in caplog.text
    assert "13800000001" not in caplog.text


def test_a_secret_that_cannot_be_read_is_one_line_with_the_files_name(tmp_path: Path) -> None:
    missing, blank, open_to_all = (tmp_path / name for name in ("missing", "blank", "open_to_all"))
    blank.write_text("\n")
    blank.chmod(0o600)
    open_to_all.write_text(SECRET)
    open_to_all.chmod(0o644)
    for path in (missing, blank, open_to_all):
        with pytest.raises(BadConfiguration, match=path.name):
            open_channel(settings(kind="webhook", url="http://127.0.0.1/", secret_file=path))


def test_the_fake_says_that_it_is_one(caplog: pytest.LogCaptureFixture) -> None:
    fake = FakeChannel()
    fake.send(outgoing())
    assert fake.sent == [outgoing()]
    assert "NOT sent" in caplog.text


@pytest.fixture
def database(tmp_path: Path, store_url: str) -> Iterator[Database]:
    opened = open_database(tmp_path, store_url)
    yield opened
    opened.close()


class Post:
    """Two channels on one database, and the notifications in them."""

    def __init__(self, database: Database, channels: dict[str, ChannelSettings]) -> None:
        self.database = database
        self.channels = channels
        self.now_s = 1000.0

    def alarm(self, alarm_id: str, phase: str = "raised") -> Alarm:
        with self.database.write() as session:
            alarm = Alarm(
                alarm_id=alarm_id,
                device="hani-0001",
                type="fall",
                phase=phase,
                revision=1,
                severity="high",
                reasons=[],
                test=False,
                onset_at_s=0.0,
                received_at_s=0.0,
                changed_at_s=0.0,
                calls=1,
                case_id=alarm_id,
            )
            session.add(alarm)
        return alarm

    def put(self, alarm: Alarm, number: int = 1, kind: str = outbox.CALL) -> None:
        with self.database.write() as session:
            outbox.put(session, self.channels, alarm, PERSON, kind=kind, number=number, text=TEXT, now_s=self.now_s)

    def sender(self, name: str) -> Sender:
        settings_ = self.channels[name]
        channel = open_channel(settings_)
        return Sender(
            self.database, name, channel, settings_.timeout_s, lambda: True, lambda _: None, lambda: self.now_s
        )

    def states(self) -> list[tuple[str, int, str]]:
        with self.database.read() as session:
            query = select(Notification).order_by(Notification.channel, Notification.number)
            return [(row.channel, row.number, row.status) for row in session.scalars(query)]


@pytest.fixture
def post(database: Database, gateway: Gateway, secret: Path) -> Post:
    sms = settings(kind="sms", url=gateway.url, body={"to": "{phone}"}, timeout_s=60.0)
    hook = settings(kind="webhook", url="http://127.0.0.1:1/", secret_file=secret)
    return Post(database, {"sms": sms, "hook": hook})


def test_a_message_that_fails_is_tried_again_and_sent_once(post: Post, gateway: Gateway) -> None:
    post.put(post.alarm("alarm-1"))
    gateway.answers = [503, 503]
    sender = post.sender("sms")
    for _ in range(200):
        sender.send_one()
        post.now_s += 1
    assert len(gateway.asked) == 3
    assert ("sms", 1, "sent") in post.states()


def test_pauses_grow_and_what_is_too_old_is_not_sent(post: Post) -> None:
    post.put(post.alarm("alarm-1"))
    sender, tried_at_s = post.sender("hook"), []
    while post.now_s < 1000 + 2 * outbox.LIFE_S:
        if sender.send_one():
            tried_at_s.append(post.now_s)
        post.now_s += 1
    pauses = [later - earlier for earlier, later in pairwise(tried_at_s)]
    assert pauses[:6] == [2, 4, 8, 16, 32, 60]
    assert max(tried_at_s) < 1000 + outbox.LIFE_S
    assert ("hook", 1, "expired") in post.states()
    with post.database.read() as session:
        state = session.get(ChannelState, "hook")
    assert state is not None
    assert (state.failing_since_s, state.fault) == (1000.0, "ConnectError")


def test_what_somebody_has_answered_meanwhile_is_withdrawn_but_news_for_them_goes_out(
    post: Post, gateway: Gateway
) -> None:
    alarm = post.alarm("alarm-1", phase="acknowledged")
    post.put(alarm, 1)
    post.put(alarm, 2, outbox.NEWS)
    post.put(post.alarm("alarm-2", phase="cancelled"), 3)
    sender = post.sender("sms")
    while sender.send_one():
        pass
    assert [state for state in post.states() if state[0] == "sms"] == [
        ("sms", 1, "withdrawn"),
        ("sms", 2, "sent"),
        ("sms", 3, "withdrawn"),
    ]
    assert len(gateway.asked) == 1


def test_a_newer_call_takes_the_place_of_one_that_waits(post: Post) -> None:
    alarm = post.alarm("alarm-1")
    for number in range(1, 5):
        post.put(alarm, number)
    assert [state for _, _, state in post.states()] == 2 * ["withdrawn", "withdrawn", "withdrawn", "pending"]


def test_a_channel_that_hangs_delays_no_other(post: Post, gateway: Gateway) -> None:
    held, released = threading.Event(), threading.Event()

    class Hanging:
        def send(self, _message: Outgoing) -> None:
            held.set()
            released.wait(PATIENCE_S)

    hanging = Sender(post.database, "hook", Hanging(), 60.0, lambda: True, lambda _: None, lambda: post.now_s)
    post.put(post.alarm("alarm-1"))
    hanging.start()
    try:
        assert held.wait(PATIENCE_S)
        assert post.sender("sms").send_one()
        assert ("sms", 1, "sent") in post.states()
        assert ("hook", 1, "pending") in post.states()
    finally:
        released.set()
        hanging.stop()
