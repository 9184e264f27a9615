"""The channels themselves: one method that sends, or raises LinkFault with a constant word for what went wrong.

No address, text or secret is ever part of an error or a log line.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import smtplib
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any, Protocol
from urllib.parse import quote

import httpx

from robot.errors import BadConfiguration, LinkFault
from robot.fleet.deadline import Connection, traced, within
from robot.fleet.notify.settings import ChannelSettings, Email, Fake, Sms, Webhook
from robot.fleet.secret_files import read_secret

ANSWERS = 4  # how many time limits a whole e-mail may take: its server answers several times

logger = logging.getLogger(__name__)
# httpx logs every URL at INFO, and a gateway's URL may hold a secret
logging.getLogger("httpx").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What is to be sent. `id` stays the same when it is sent again: receivers can tell a repeat by it."""

    id: str
    address: str
    text: str
    alarm_id: str
    kind: str
    number: int
    made_at_s: float


class Channel(Protocol):
    """A way to somebody. Thread: only its own sender's."""

    def send(self, message: Outgoing) -> None:
        """Hand it over. Raises LinkFault when the other side has not taken it."""


class FakeChannel:
    """Sends nothing, keeps what it was given, and says in the log that it is no real channel."""

    def __init__(self) -> None:
        self.sent: list[Outgoing] = []

    def send(self, message: Outgoing) -> None:
        logger.warning("fake channel: notification %s was NOT sent to anybody", message.id)
        self.sent.append(message)


class EmailChannel:
    """SMTP, one connection a message."""

    def __init__(self, settings: Email) -> None:
        self._settings = settings
        self._password = read_secret(settings.password_file) if settings.password_file else None
        self._context = None
        if settings.security != "none":
            self._context = ssl.create_default_context(cafile=str(settings.ca_file) if settings.ca_file else None)

    def send(self, message: Outgoing) -> None:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = self._settings.sender, message.address, message.text
        mail["Message-ID"] = f"<{message.id}@{self._settings.sender.partition('@')[2]}>"
        mail.set_content(message.text)
        try:
            with within(ANSWERS * self._settings.timeout_s) as take, self._connect(take) as server:
                if self._settings.username is not None and self._password is not None:
                    server.login(self._settings.username, self._password)
                server.send_message(mail)
        except (OSError, smtplib.SMTPException) as error:
            raise LinkFault(_word(error)) from None  # the chain would carry the recipient

    def _connect(self, take: Callable[[Connection], None]) -> smtplib.SMTP:
        host, port, timeout_s = self._settings.host, self._settings.port, self._settings.timeout_s
        if self._settings.security == "tls":
            return _TlsMail(take, host, port, timeout=timeout_s, context=self._context)
        server = _Mail(take, host, port, timeout=timeout_s)
        if self._context is not None:
            try:
                server.starttls(context=self._context)
            except (OSError, smtplib.SMTPException):
                server.close()
                raise
        return server


class _Mail(smtplib.SMTP):
    """Hands its connection over before the server says its first word, which may trickle, too."""

    def __init__(self, take: Callable[[Connection], None], host: str, port: int, **options: Any) -> None:
        take(lambda: self.sock)
        super().__init__(host, port, **options)


class _TlsMail(_Mail, smtplib.SMTP_SSL):
    """The same, encrypted from the beginning."""


class WebhookChannel:
    """A signed POST; any answer from 200 to 299 counts as taken."""

    def __init__(self, settings: Webhook, clock: Callable[[], float] = time.time) -> None:
        self._settings = settings
        self._secret = read_secret(settings.secret_file).encode()
        self._clock = clock

    def send(self, message: Outgoing) -> None:
        content = {
            "id": message.id,
            "alarm_id": message.alarm_id,
            "kind": message.kind,
            "number": message.number,
            "made_at_s": message.made_at_s,
            "text": message.text,
        }
        body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
        timestamp = str(int(self._clock()))
        headers = {
            "Content-Type": "application/json",
            "X-Hani-Id": message.id,
            "X-Hani-Timestamp": timestamp,
            "X-Hani-Signature": signature(self._secret, timestamp, body),
        }
        _request("POST", self._settings.url, self._settings.timeout_s, headers, body)


def signature(secret: bytes, timestamp: str, body: bytes) -> str:
    """What a receiver computes too, compares in constant time, and refuses if the timestamp is minutes old."""
    return hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


class SmsChannel:
    """An HTTP gateway after the site file's template."""

    def __init__(self, settings: Sms) -> None:
        self._settings = settings
        self._secrets = {name: read_secret(path) for name, path in settings.secrets.items()}

    def send(self, message: Outgoing) -> None:
        fields = {**self._secrets, "phone": message.address, "text": message.text}
        url = self._settings.url.format_map({name: quote(value, safe="") for name, value in fields.items()})
        headers = {name: value.format_map(fields) for name, value in self._settings.headers.items()}
        filled = {name: value.format_map(fields) for name, value in self._settings.body.items()}
        body: bytes | None = None
        if filled and self._settings.encoding == "json":
            headers.setdefault("Content-Type", "application/json")
            body = json.dumps(filled, ensure_ascii=False).encode()
        elif filled:
            headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
            body = str(httpx.QueryParams(filled)).encode()
        _request(self._settings.method, url, self._settings.timeout_s, headers, body)


def open_channel(settings: ChannelSettings) -> Channel:
    """The channel of these settings. Raises BadConfiguration when a secret or certificate file cannot be read."""
    if isinstance(settings, Email):
        try:
            return EmailChannel(settings)
        except OSError as error:
            raise BadConfiguration(f"{settings.ca_file}: no usable certificate; correct ca_file") from error
    if isinstance(settings, Webhook):
        return WebhookChannel(settings)
    if isinstance(settings, Sms):
        return SmsChannel(settings)
    if isinstance(settings, Fake):
        return FakeChannel()
    raise BadConfiguration(f"no channel for {type(settings).__name__}; correct `channels` of the site file")


def _request(method: str, url: str, timeout_s: float, headers: dict[str, str], body: bytes | None) -> None:
    """One request on a connection of its own, bounded as a whole: a server that trickles must not hold the sender."""
    try:
        encoded = {name.encode(): value.encode() for name, value in headers.items()}
        with (
            within(timeout_s) as take,
            httpx.Client(timeout=timeout_s, trust_env=False) as client,
            client.stream(method, url, headers=encoded, content=body, extensions={"trace": traced(take)}) as answer,
        ):
            if not 200 <= answer.status_code < 300:
                raise LinkFault(f"answered {answer.status_code}")
            with suppress(httpx.HTTPError):  # the status has come: it is taken
                for _ in answer.iter_raw():
                    pass
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        raise LinkFault(_word(error)) from None


def _word(error: Exception) -> str:
    """What went wrong, without anything that the other side or the message may have put into it."""
    code = getattr(error, "smtp_code", None)
    return f"answered {code}" if isinstance(code, int) else type(error).__name__
