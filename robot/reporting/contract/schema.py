"""JSON Schemas and the AsyncAPI description, made from the models."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from robot.reporting.contract.codec import DOWN, UP
from robot.reporting.contract.models import Wire
from robot.reporting.contract.topics import ROOT, VERSION
from robot.reporting.contract.values import DEPTH, PAYLOAD_BYTES

FOLDER = Path(__file__).parent / f"v{VERSION}"
_DIALECT = "https://json-schema.org/draft/2020-12/schema"


def documents() -> dict[str, str]:
    """Every file of `FOLDER`: its name and its text."""
    texts = {f"{_name(leaf)}.schema.json": _text(_schema(model)) for leaf, model in {**UP, **DOWN}.items()}
    return texts | {"asyncapi.json": _text(_asyncapi())}


def stale() -> list[str]:
    """The names of files that are missing, superfluous or not what the models say."""
    wanted = documents()
    present = {path.name for path in FOLDER.glob("*.json")}
    old = [name for name in wanted if not _is(FOLDER / name, wanted[name])]
    return sorted({*old, *(present - set(wanted))})


def write() -> None:
    """Write the files of `FOLDER`, and remove what is no longer in the contract."""
    FOLDER.mkdir(exist_ok=True)
    for name in stale():
        (FOLDER / name).unlink(missing_ok=True)
    for name, text in documents().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


def _is(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


def _name(leaf: str) -> str:
    return leaf.replace("/", "-")


def _schema(model: type[Wire]) -> dict[str, Any]:
    """What a reader takes. Unknown fields are welcome, so nothing says additionalProperties."""
    return {"$schema": _DIALECT, **model.model_json_schema(mode="validation")}


def _text(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def _asyncapi() -> dict[str, Any]:
    leaves = {**UP, **DOWN}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Hani: a robot and its platform",
            "version": f"{VERSION}.0.0",
            "description": f"MQTT 5. JSON of at most {PAYLOAD_BYTES} bytes, {DEPTH} deep. Null means unknown. "
            "Unknown fields are ignored.",
        },
        "defaultContentType": "application/json",
        "channels": {
            _name(leaf): {
                "address": f"{ROOT}/{{device}}/{leaf}",
                "parameters": {"device": {"description": "the robot's id: lower-case letters, digits and hyphens"}},
                "messages": {model.__name__: {"$ref": f"#/components/messages/{model.__name__}"}},
            }
            for leaf, model in leaves.items()
        },
        "operations": {
            **{f"send-{_name(leaf)}": _operation("send", leaf) for leaf in UP},
            **{f"receive-{_name(leaf)}": _operation("receive", leaf) for leaf in DOWN},
        },
        "components": {
            "messages": {
                model.__name__: {
                    "summary": (model.__doc__ or "").split("\n")[0],
                    "payload": {
                        "schemaFormat": "application/schema+json;version=draft-2020-12",
                        "schema": {"$ref": f"./{_name(leaf)}.schema.json"},
                    },
                }
                for leaf, model in leaves.items()
            }
        },
    }


def _operation(action: str, leaf: str) -> dict[str, Any]:
    """As the robot sees it: it sends what goes up."""
    retained = leaf == "state"
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{_name(leaf)}"},
        "bindings": {"mqtt": {"qos": 1, "retain": retained, "bindingVersion": "0.2.0"}},
    }
