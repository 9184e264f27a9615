"""The bridge's settings file: which alarms, to where, how often again, signed how, and the mapping. See the example.

Unknown keys are errors that name key, file and line.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from robot.fleet.government import marked
from robot.fleet.government.facts import EVENTS, FIELDS, TIMES
from robot.fleet.government.mapping import Rule, Tables, place

Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Seconds = Annotated[float, Field(gt=0, le=86_400, allow_inf_nan=False)]
Codes = tuple[str | int, ...]


def _rooted(path: Path, info: ValidationInfo) -> Path:
    return Path((info.context or {}).get("folder", ".")) / path


File = Annotated[Path, AfterValidator(_rooted)]  # a relative path counts from the folder of the settings file
LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Settings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Send(Settings):
    """Which alarms concern the region. `technical`: type "device", as a robot that fell silent; `care`: type "wet"."""

    tests: bool = False
    technical: bool = False
    care: bool = False


class Retry(Settings):
    """Back-off of an item (`first_s`, doubling to `longest_s`) and pause of everything (`pause_*`).

    `give_up_attempts`: after so many failures an item that fails alone becomes a dead letter.
    """

    first_s: Seconds = 1.0
    longest_s: Seconds = 60.0
    give_up_attempts: Annotated[int, Field(ge=2)] = 12
    pause_after: Annotated[int, Field(ge=1)] = 3
    pause_s: Seconds = 2.0
    longest_pause_s: Seconds = 60.0
    longest_retry_after_s: Seconds = 3600.0
    lanes: Annotated[int, Field(ge=1, le=32, description="alarms told at the same time")] = 4
    keep_delivered_days: Annotated[int, Field(ge=1)] = 90


class Answers(Settings):
    """How an answer is read. Paths lead into the answer's JSON; codes are compared as text.

    Without `code_path` the status alone decides. A status that refuses *us* (401, 403, 404, redirects) is never held
    against the item: the bridge pauses and says so.
    """

    accepted_statuses: tuple[int, ...] = (200, 201, 202, 204)
    duplicate_statuses: tuple[int, ...] = (409,)
    refused_statuses: tuple[int, ...] = (400, 410, 413, 415, 422)
    code_path: str | None = None
    accepted_codes: Codes = (0,)
    duplicate_codes: Codes = ()
    refused_codes: Codes = ()
    message_path: Annotated[
        str | None, Field(description="kept with dead letters, never logged: it may repeat personal data")
    ] = None


class Tls(Settings):
    """`ca_file` replaces the system's authorities; certificate and key make the client known."""

    ca_file: File | None = None
    certificate_file: File | None = None
    key_file: File | None = None

    @model_validator(mode="after")
    def _both(self) -> Tls:
        if (self.certificate_file is None) != (self.key_file is None):
            raise ValueError("certificate_file and key_file belong together")
        return self


class FileTarget(Settings):
    """Files for somebody to fetch: `{day}-{number}.jsonl` or `.csv` in `folder`."""

    kind: Literal["file"]
    folder: File
    format: Literal["jsonl", "csv"] = "jsonl"
    rows_per_file: Annotated[int, Field(ge=1, le=10_000)] = 1000


class HttpTarget(Settings):
    """`token_file` holds what follows "Bearer " in Authorization. Header values may hold {key} and {event}."""

    kind: Literal["http"]
    url: str
    method: Literal["POST", "PUT"] = "POST"
    headers: dict[str, str] = {"Idempotency-Key": "{key}"}
    token_file: File | None = None
    tls: Tls = Tls()
    proxy: str | None = None
    timeout_s: Seconds = 10.0
    insecure: Annotated[bool, Field(description="allow http:// beyond this machine")] = False
    answers: Answers = Answers()

    @model_validator(mode="after")
    def _safe(self) -> HttpTarget:
        address = urlsplit(self.url)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise ValueError("url must begin with https:// and name a host")
        if address.scheme == "http" and address.hostname not in LOOPBACK and not self.insecure:
            raise ValueError("http:// would show health matters to everybody on the way; use https://")
        return self


class MqttTarget(Settings):
    """Without `reply_topic` the broker's acknowledgement counts, which is no proof that anybody stored anything."""

    kind: Literal["mqtt"]
    host: Line
    port: Annotated[int, Field(ge=1, le=65_535)] = 8883
    topic: Line
    client_id: Line = "hani-government"
    user: str | None = None
    password_file: File | None = None
    tls: Tls | None = Tls()
    reply_topic: str | None = None
    reply_key_path: Annotated[str, Field(description="where the answer repeats the item's key")] = "key"
    timeout_s: Seconds = 10.0
    insecure: Annotated[bool, Field(description="allow a link without TLS beyond this machine")] = False
    answers: Answers = Answers(code_path="code")

    @model_validator(mode="after")
    def _safe(self) -> MqttTarget:
        if self.tls is None and self.host not in LOOPBACK and not self.insecure:
            raise ValueError("a link without tls would show health matters to everybody on the way")
        return self


class Signature(Settings):
    """Signs `over`, in which {body} is exactly what is sent.

    Keys: sm2-sm3 takes 64 hexadecimal digits, the others any text.
    """

    algorithm: Literal["sm2-sm3", "hmac-sm3", "hmac-sha256"]
    key_file: File
    over: str = "{timestamp}\n{nonce}\n{body}"
    header: Line = "X-Signature"
    timestamp_header: Line = "X-Timestamp"  # epoch milliseconds
    nonce_header: Line = "X-Nonce"
    encoding: Literal["base64", "hex"] = "base64"
    sm2_form: Literal["der", "raw"] = "der"
    sm2_id: Annotated[str, StringConstraints(min_length=1, max_length=1000)] = "1234567812345678"

    @field_validator("over")
    @classmethod
    def _covers(cls, over: str) -> str:
        if "{body}" not in over:
            raise ValueError("must contain {body}")
        return over


class Encryption(Settings):
    """The body becomes `{field: base64(nonce, ciphertext[, tag])}`. Keys: 32 hexadecimal digits. Prefer gcm."""

    algorithm: Literal["sm4-gcm", "sm4-cbc"]
    key_file: File
    field: Line = "data"


class Message(Settings):
    """What is said at these events; `path` is added to the target's url or topic."""

    events: Annotated[tuple[Literal[EVENTS], ...], Field(min_length=1)]  # type: ignore[valid-type]  # the tuple's names
    path: str = ""
    fields: Annotated[tuple[Rule, ...], Field(min_length=1)]


class Lookup(Settings):
    """A CSV table (UTF-8, first line names the columns, one of them `device`); read again when it changes."""

    file: File


class Bridge(Settings):
    """The whole file. Relative paths count from the folder of the file."""

    target: Annotated[FileTarget | HttpTarget | MqttTarget, Field(discriminator="kind")]
    send: Send = Send()
    retry: Retry = Retry()
    timezone: str = "Asia/Shanghai"
    lookup: Lookup | None = None
    tables: Tables = {}
    messages: Annotated[tuple[Message, ...], Field(min_length=1)]
    signature: Signature | None = None
    encryption: Encryption | None = None

    @field_validator("timezone")
    @classmethod
    def _known(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError("no such time zone") from error
        return name

    def message(self, event: str) -> Message | None:
        return next((message for message in self.messages if event in message.events), None)

    @property
    def told(self) -> frozenset[str]:
        return frozenset(event for message in self.messages for event in message.events)


def load(path: Path) -> Bridge:
    """Read the settings file. Raises BadConfiguration naming file, line and key."""
    return marked.load(Bridge, path, problem)


def problem(settings: Bridge) -> marked.Problem | None:
    """The first thing that does not fit together, and where it stands."""
    if isinstance(settings.target, FileTarget) and (settings.signature or settings.encryption):
        return ("target",), "signature and encryption need kind http or mqtt"
    told: set[str] = set()
    for number, message in enumerate(settings.messages):
        for event in message.events:
            if event in told:
                return ("messages", str(number), "events"), f"{event} stands in two messages"
            told.add(event)
        whole: dict[str, object] = {}
        for row, rule in enumerate(message.fields):
            try:
                _check_rule(settings, rule)
                place(whole, rule.to, None)
            except ValueError as error:
                return ("messages", str(number), "fields", str(row)), f"to {rule.to}: {error}"
    return None


def _check_rule(settings: Bridge, rule: Rule) -> None:
    for name in rule.asks():
        if name not in FIELDS:
            raise ValueError(f"no field {name}; there are {', '.join(FIELDS)}")
    if rule.time is not None and rule.source not in TIMES:
        raise ValueError(f"time needs one of {', '.join(TIMES)}")
    for table in rule.uses():
        if table not in settings.tables:
            raise ValueError(f"no table {table} under tables")
    if rule.lookup is not None and settings.lookup is None:
        raise ValueError("lookup needs the file under lookup")
