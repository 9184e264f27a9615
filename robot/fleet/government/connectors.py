"""The ways to the region's platform behind one Protocol: HTTP here, file and MQTT beside it."""

from __future__ import annotations

import ssl
import time
from contextlib import closing
from typing import Protocol

import httpx

from robot.errors import BadConfiguration
from robot.fleet.deadline import traced, within
from robot.fleet.government.answers import judge, retry_after
from robot.fleet.government.config import FileTarget, HttpTarget, MqttTarget, Tls
from robot.fleet.government.letters import Letter
from robot.fleet.government.retry import Answer, Kind
from robot.fleet.secret_files import read_secret

LARGEST_ANSWER_BYTES = 64 * 1024


class Connector(Protocol):
    """Delivers letters, several at a time from different threads. Never raises for what the platform does."""

    def deliver(self, letter: Letter) -> Answer: ...

    def close(self) -> None: ...


def connect(target: FileTarget | HttpTarget | MqttTarget) -> Connector:
    """The connector of a target. Raises BadConfiguration for files it cannot use; it does not wait for the platform."""
    from robot.fleet.government.files import FileConnector
    from robot.fleet.government.mqtt import MqttConnector

    if isinstance(target, HttpTarget):
        return HttpConnector(target)
    return FileConnector(target) if isinstance(target, FileTarget) else MqttConnector(target)


def context_of(tls: Tls) -> ssl.SSLContext:
    """TLS with the platform's certificate checked. Raises BadConfiguration when a file cannot be used."""
    try:
        context = ssl.create_default_context(cafile=str(tls.ca_file) if tls.ca_file else None)
        if tls.certificate_file and tls.key_file:
            if tls.key_file.stat().st_mode & 0o077:
                raise BadConfiguration(f"{tls.key_file}: others may read this key; run chmod 600 on it")
            context.load_cert_chain(tls.certificate_file, tls.key_file)
    except OSError as error:  # SSLError is one
        files = ", ".join(str(file) for file in (tls.ca_file, tls.certificate_file, tls.key_file) if file)
        raise BadConfiguration(f"{files}: not usable for TLS ({type(error).__name__}); check these files") from error
    return context


class HttpConnector:
    """One request per letter; redirects are not followed, an answer has a bound, and all of it one deadline."""

    def __init__(self, target: HttpTarget) -> None:
        self._target = target
        self._token = read_secret(target.token_file) if target.token_file else None
        self._client = httpx.Client(
            verify=context_of(target.tls),
            timeout=target.timeout_s,
            limits=httpx.Limits(max_keepalive_connections=0),  # each letter its own, which its deadline may cut
            trust_env=False,
            proxy=target.proxy,
            follow_redirects=False,
        )

    def request(self, letter: Letter) -> httpx.Request:
        """What is sent for a letter."""
        headers = {
            name: value.replace("{key}", letter.key).replace("{event}", letter.event)
            for name, value in self._target.headers.items()
        }
        if self._token is not None:
            headers["Authorization"] = f"Bearer {self._token}"
        ours = {"Content-Type": "application/json; charset=utf-8", "Accept-Encoding": "identity"}
        headers = {**ours, **headers, **letter.headers}
        url = self._target.url + letter.path
        return self._client.build_request(self._target.method, url, content=letter.body, headers=headers)

    def deliver(self, letter: Letter) -> Answer:
        request, body = self.request(letter), bytearray()
        try:
            with within(self._target.timeout_s) as take:
                request.extensions["trace"] = traced(take)
                with closing(self._client.send(request, stream=True)) as answer:
                    for part in answer.iter_bytes(4096):
                        body += part
                        if len(body) > LARGEST_ANSWER_BYTES:
                            return Answer(Kind.FAILED, f"status {answer.status_code}, the answer is too large")
        except TimeoutError:
            return Answer(Kind.FAILED, "the answer took too long")
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError, httpx.PoolTimeout) as error:
            return Answer(Kind.DOWN, f"out of reach ({type(error).__name__})")
        except httpx.HTTPError as error:  # sent, perhaps in part, and not answered: it may have been taken
            return Answer(Kind.FAILED, f"no answer ({type(error).__name__})")
        wish_s = retry_after(answer.headers.get("Retry-After"), time.time())
        return judge(answer.status_code, bytes(body), self._target.answers, wish_s)

    def close(self) -> None:
        self._client.close()
