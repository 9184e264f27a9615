"""What a step of set-up is, and the two steps that build nothing.

Each step knows whether it is done: its stamp holds the digest of its inputs and its products are there. A stamp lies
in the folder it vouches for (a venv, or Hani's home), so that deleting the folder undoes the step.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from robot.errors import MissingPart
from robot.provision import packages, pythons
from robot.provision.console import Console
from robot.provision.stamps import Input, Stamps, digest

Work = Callable[[Console], None]


class Step(Protocol):
    """One part of set-up."""

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> str: ...

    def is_ready(self) -> bool: ...

    def do(self, console: Console) -> None: ...


@dataclass(frozen=True)
class Built:
    """A step with a stamp: done again when an input changes or a product is gone."""

    name: str
    title: str
    root: Path
    stamps: Stamps
    inputs: tuple[Input, ...]
    products: tuple[Path, ...]
    work: Work

    def is_ready(self) -> bool:
        whole = all(product.exists() for product in self.products)
        return whole and self.stamps.holds(self.name, digest(self.root, self.inputs))

    def do(self, console: Console) -> None:
        before = digest(self.root, self.inputs)  # what changes while the work goes on is worked on next time
        self.stamps.drop(self.name)
        self.work(console)
        gone = [str(product) for product in self.products if not product.exists()]
        if gone:
            raise MissingPart(f"{self.title}: ran without an error but left no {', '.join(gone)}; see {console.log}")
        self.stamps.set(self.name, before)


class SystemPackages:
    """What apt brings; asks dpkg each time, because packages can be removed behind our back."""

    name = "packages"
    title = "System packages"

    def __init__(self, profile: str, root: Path) -> None:
        self.profile = profile
        self.root = root

    def is_ready(self) -> bool:
        return not self.missing()

    def missing(self) -> list[str]:
        return packages.missing(packages.wanted(self.profile, robot_python()))

    def do(self, console: Console) -> None:
        packages.install(self.missing(), console, self.root)
        left = self.missing()
        if left:
            raise MissingPart(f"apt ended well but {', '.join(left)} is still missing; see {console.log}")


class BoardMessages:
    """On a board ROS 2 comes from apt and hani_msgs from colcon: nothing is built, only looked for.

    What is installed must be what `sources`, the folder of .msg files, says: an old build lacks the newer messages.
    """

    name = "messages"
    title = "ROS messages hani_msgs of this board"

    def __init__(self, sources: Path) -> None:
        self.sources = sources

    def is_ready(self) -> bool:
        prefixes = os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep)
        installed = (Path(prefix, "share", "hani_msgs") for prefix in prefixes if prefix)
        built = next((folder for folder in installed if folder.is_dir()), None)
        return built is not None and all(_same(file, built / "msg" / file.name) for file in self.sources.glob("*.msg"))

    def do(self, console: Console) -> None:  # noqa: ARG002 - a Step's signature; nothing is run here
        if not os.environ.get("AMENT_PREFIX_PATH"):
            raise MissingPart("no ROS 2 is sourced: source /opt/ros/jazzy/setup.bash (or humble), then run this again")
        raise MissingPart(
            "hani_msgs is not built from this checkout: run `colcon build --paths robot/msgs` and source "
            "install/setup.bash, then run this again"
        )


def _same(one: Path, other: Path) -> bool:
    return other.is_file() and other.read_bytes() == one.read_bytes()


def robot_python() -> pythons.Python:
    """Return the Python that .venv is made from; raises MissingPart naming what was tried."""
    result = pythons.search(pythons.robot_candidates(), pythons.ROBOT_VERSIONS)
    if result.found is None:
        raise MissingPart(
            f"no Python 3.10, 3.11 or 3.12 was found (tried: {', '.join(result.tried)}); install one (Debian 12 and "
            "Ubuntu have it: apt-get install python3 python3-venv), or name it: make PYTHON=/path/to/python3.12 demo"
        )
    return result.found
