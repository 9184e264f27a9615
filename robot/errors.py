"""The one error tree of Hani.

Every error that a person may see carries a stable `code` and a message that says what to do next:

    HaniError                 anything Hani says no to
    ├── BadInput              a file, text or argument from outside that cannot be used
    ├── BadConfiguration      a configuration key or value; the message names key and file
    ├── MissingPart           a model, program or system package that set-up should have brought
    ├── DeviceFault           a microphone, camera, loudspeaker or mattress that does not answer
    └── LinkFault             the broker, the platform or the dialogue server is out of reach
"""

from __future__ import annotations


class HaniError(Exception):
    """Base of the tree: `code` is stable and for machines, the message is one line and for people."""

    code = "hani"

    def __init__(self, message: str) -> None:
        super().__init__(" ".join(message.split()))


class BadInput(HaniError):
    """A file, text or argument from outside cannot be used."""

    code = "bad_input"


class BadConfiguration(HaniError):
    """A configuration key or value cannot be used; the message names the key and its file."""

    code = "bad_configuration"


class MissingPart(HaniError):
    """A model, program or system package is missing; the message says how to bring it."""

    code = "missing_part"


class DeviceFault(HaniError):
    """A device does not deliver."""

    code = "device_fault"


class LinkFault(HaniError):
    """A server is out of reach."""

    code = "link_fault"
