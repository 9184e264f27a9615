"""Topics: hani/v1/{device}/{leaf}."""

from __future__ import annotations

from typing import Final

from robot.errors import BadInput

VERSION: Final = 1
ROOT = f"hani/v{VERSION}"


def topic(device: str, leaf: str) -> str:
    """The topic of `device` for `leaf`, for instance "e/alarm"."""
    return f"{ROOT}/{device}/{leaf}"


def device_of(topic_name: str) -> tuple[str, str]:
    """Split a topic into (device, leaf). Raises BadInput for a topic outside the contract."""
    parts = topic_name.split("/", 3)
    if len(parts) != 4 or "/".join(parts[:2]) != ROOT:
        raise BadInput("topic outside the contract; expected hani/v1/{device}/{leaf}")
    return parts[2], parts[3]
