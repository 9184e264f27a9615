"""Starts Rasa's program without TensorFlow and the chat services' clients: 270 MB of memory instead of 640.

Not an official way to run Rasa. It holds because this pipeline has no TensorFlow component: the names are only
imported.
Serving only; training takes the full program. Runs in Rasa's interpreter, with the arguments of the `rasa` program.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

ABSENT = frozenset(
    {
        "tensorflow",
        "tensorflow_hub",
        "tensorflow_text",
        "keras",
        "boto3",
        "botocore",
        "confluent_kafka",
        "psycopg2",
        "fbmessenger",
        "slack_sdk",
        "twilio",
        "webexteamssdk",
        "rocketchat_API",
        "mattermostwrapper",
    }
)


class _AnyAttribute(type):
    """Every attribute of a stand-in is the stand-in itself; called as a decorator it returns what it decorates."""

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return StandIn

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls is StandIn and len(args) == 1 and callable(args[0]) and not kwargs:
            return args[0]
        return super().__call__(*args, **kwargs)


class StandIn(metaclass=_AnyAttribute):
    """Takes the place of any class, function or value that is imported and never used."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        del args, kwargs

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        del kwargs
        return args[0] if args and callable(args[0]) else StandIn()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return StandIn


class _Absent(ModuleType):
    __version__ = "2.12.0"  # the release that Rasa 3.6 pins; it compares this
    __path__: Sequence[str] = ()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return StandIn


class _Finder(MetaPathFinder, Loader):
    def find_spec(self, name: str, path: object, target: object = None) -> ModuleSpec | None:
        del path, target
        return ModuleSpec(name, self, is_package=True) if name.partition(".")[0] in ABSENT else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        return _Absent(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """A stand-in has nothing to run."""


if __name__ == "__main__":
    sys.path.pop(0)  # this folder is no place to import from
    sys.meta_path.insert(0, _Finder())
    from rasa.__main__ import main

    main()
