"""The channels of the site file. Secrets stand in files of their own, which only the desk's process reads."""

from __future__ import annotations

from pathlib import Path
from string import Formatter
from typing import Annotated, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Timeout = Annotated[float, Field(gt=0, le=60, allow_inf_nan=False)]
Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s]+$", max_length=2000)]
Host = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.:-]+$", max_length=255)]


class Reachable(Protocol):
    """Somebody who can be told."""

    @property
    def name(self) -> str: ...
    @property
    def phone(self) -> str: ...
    @property
    def email(self) -> str | None: ...


class ChannelSettings(BaseModel):
    """What all channels have. `timeout_s`: a sender that takes longer has failed and is asked again."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    timeout_s: Timeout = 10.0

    def address_of(self, _person: Reachable | None) -> str | None:
        """Where this channel reaches a person; None if it cannot. A channel to a system needs no person."""
        return ""


class Email(ChannelSettings):
    """By SMTP. `starttls` and `tls` check the server's certificate, `none` is for a relay on the same machine."""

    kind: Literal["email"]
    host: Host
    port: Annotated[int, Field(ge=1, le=65535)] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    ca_file: Path | None = None
    sender: Annotated[str, StringConstraints(pattern=r"^[^@\s<>,;]+@[^@\s<>,;]+$")]
    username: str | None = None
    password_file: Path | None = None

    @model_validator(mode="after")
    def _whole(self) -> Email:
        if (self.username is None) != (self.password_file is None):
            raise ValueError("username and password_file belong together")
        if self.username is not None and self.security == "none":
            raise ValueError("a password is not sent in the clear; set security to starttls or tls")
        return self

    def address_of(self, person: Reachable | None) -> str | None:
        return person.email if person else None


class Webhook(ChannelSettings):
    """A signed POST of JSON: X-Hani-Signature is the HMAC-SHA256 of "timestamp.body" under the secret file's bytes."""

    kind: Literal["webhook"]
    url: Url
    secret_file: Path


class Sms(ChannelSettings):
    """An SMS gateway by HTTP. {phone}, {text} and the names of `secrets` are filled into url, headers and body."""

    kind: Literal["sms"]
    url: Url
    method: Literal["POST", "GET", "PUT"] = "POST"
    headers: dict[str, str] = {}
    body: dict[str, str] = {}
    encoding: Literal["json", "form"] = "json"
    secrets: dict[Annotated[str, StringConstraints(pattern=r"^[a-z_]+$")], Path] = {}

    @model_validator(mode="after")
    def _known(self) -> Sms:
        known = ("phone", "text", *self.secrets)
        for template in (self.url, *self.headers.values(), *self.body.values()):
            for _, name, style, conversion in Formatter().parse(template):
                if name is not None and (name not in known or style or conversion):
                    raise ValueError(f"a template names something unknown ({name}); known: {', '.join(known)}")
        return self

    def address_of(self, person: Reachable | None) -> str | None:
        return person.phone if person else None


class Fake(ChannelSettings):
    """Sends nothing and says so in the log: for trials and the simulated home."""

    kind: Literal["fake"]


AnyChannel = Annotated[Email | Webhook | Sms | Fake, Field(discriminator="kind")]
Channels = dict[Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,30}$")], AnyChannel]
