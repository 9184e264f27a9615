"""Places in the picture that the caregiver drew: bed, sofa, floor, and what to ignore. Pure, but for reading the file.

The file, `zones.yaml` in the data folder, is JSON or YAML:

    bed: [[[0.1, 0.5], [0.6, 0.5], [0.6, 0.9]]]      # one polygon or several, in fractions of the frame
    sofa: []
    floor: []
    ignore: []
    picture: [640, 480]                               # the still that it was drawn on; may be left out
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from robot.errors import BadInput
from robot.files import write_whole
from robot.messages import Zone

Point = tuple[float, float]
Polygon = tuple[Point, ...]
"""Corners as fractions of the frame's width and height, so that a zone survives another resolution."""

FILE_NAME = "zones.yaml"
MAX_BYTES = 100_000
OWNER_ONLY = 0o600
MOST_SHARES = {Zone.IGNORE: 0.5, Zone.SOFA: 0.8}
"""Of the picture: who is in an ignored zone is never watched, who lies on a sofa is not told; chosen."""
_GRID = 20  # points a side by which a share is measured
_LYING_PLACES = (Zone.BED, Zone.SOFA, Zone.FLOOR)


@dataclass(frozen=True, slots=True)
class Zones:
    """Polygons by kind. `picture` is width and height in pixels of the still that they were drawn on, if known."""

    bed: tuple[Polygon, ...] = ()
    sofa: tuple[Polygon, ...] = ()
    floor: tuple[Polygon, ...] = ()
    ignore: tuple[Polygon, ...] = ()
    picture: tuple[int, int] | None = field(default=None)

    def polygons(self, zone: Zone) -> tuple[Polygon, ...]:
        found: tuple[Polygon, ...] = getattr(self, zone.value)
        return found

    def inside(self, zone: Zone, x: float, y: float) -> bool:
        """Whether a point, in fractions of the frame, lies in any polygon of that kind."""
        return any(contains(polygon, x, y) for polygon in self.polygons(zone))

    def share(self, zone: Zone) -> float:
        """How much of the frame the polygons of that kind cover, to some hundredths."""
        steps = [(n + 0.5) / _GRID for n in range(_GRID)]
        return sum(self.inside(zone, x, y) for y in steps for x in steps) / _GRID**2 if self.polygons(zone) else 0.0

    def at(self, x: float, y: float) -> Zone | None:
        """The place of a point: a bed stands on the floor, so bed and sofa come first. None where nothing is drawn."""
        return next((zone for zone in _LYING_PLACES if self.inside(zone, x, y)), None)


NO_ZONES = Zones()


class CoversTooMuch(BadInput):
    """A zone that would leave most of the room unwatched."""


def contains(polygon: Sequence[Point], x: float, y: float) -> bool:
    """Whether a point lies inside a polygon (even-odd rule)."""
    inside = False
    for n, (x1, y1) in enumerate(polygon):
        x0, y0 = polygon[n - 1]
        if (y0 > y) != (y1 > y) and x < x0 + (y - y0) / (y1 - y0) * (x1 - x0):
            inside = not inside
    return inside


def read_zones(path: Path) -> Zones:
    """The zones of a file; raises BadInput naming file and key."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise BadInput(f"{path} is too large for a zones file: draw the zones again with `hani zones`")
        content = _content_of(raw.decode("utf-8"), str(path))
    except OSError:
        raise BadInput(f"{path} cannot be read: give the path of a zones file") from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise BadInput(f"{path} is not JSON or YAML: write bed: [[x, y], [x, y], [x, y]]") from None
    return parse_zones({} if content is None else content, str(path))


def _content_of(text: str, where: str) -> object:
    """What the YAML says. Raises BadInput for a key that comes twice: YAML would keep the last without a word."""
    loader = yaml.SafeLoader(text)
    root = loader.get_single_node()
    keys = [key.value for key, _ in root.value] if isinstance(root, yaml.MappingNode) else []
    twice = next((name for name in (*(zone.value for zone in Zone), "picture") if keys.count(name) > 1), None)
    if twice is not None:
        raise BadInput(f"{where}: '{twice}' comes twice: write it once, with all that belongs to it")
    return None if root is None else loader.construct_document(root)


def parse_zones(content: object, where: str) -> Zones:
    """Zones out of a mapping as it stands in the file; raises BadInput that begins with `where`, CoversTooMuch."""
    known = [zone.value for zone in Zone]
    if not isinstance(content, dict) or not set(content) <= {*known, "picture"}:
        raise BadInput(f"{where}: the keys of a zones file are {', '.join(known)} and picture")
    polygons = {name: _polygons(content.get(name), where, name) for name in known}
    zones = Zones(**polygons, picture=_picture(content.get("picture"), where))
    for zone, most in MOST_SHARES.items():
        if zones.share(zone) > most:
            raise CoversTooMuch(
                f"{where}: '{zone.value}' covers more than {most:.0%} of the picture, where no fall would be told: "
                "draw the mirror, television, portrait or sofa alone"
            )
    return zones


def zones_text(zones: Zones) -> str:
    """The file's text."""
    content: dict[str, object] = {
        zone.value: [[[round(x, 4), round(y, 4)] for x, y in polygon] for polygon in zones.polygons(zone)]
        for zone in Zone
    }
    if zones.picture is not None:
        content["picture"] = list(zones.picture)
    return yaml.safe_dump(content, default_flow_style=None, sort_keys=False)


def save_zones(path: Path, zones: Zones) -> None:
    """Write the file whole or not at all; only its owner may read it (it tells how a home is furnished).

    Raises BadInput for more than could be read again, OSError.
    """
    content = zones_text(zones).encode()
    if len(content) > MAX_BYTES:
        raise BadInput("too much was drawn: remove a zone")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, content, OWNER_ONLY)


def _polygons(given: object, where: str, name: str) -> tuple[Polygon, ...]:
    """One polygon, or a list of them."""
    if given is None or given == []:
        return ()
    single = isinstance(given, list) and _is_corner(given[0])
    polygons = [given] if single else given
    if not isinstance(polygons, list) or not all(map(_is_polygon, polygons)):
        raise BadInput(f"{where}: '{name}' needs at least three [x, y] corners in fractions of the frame, 0 to 1")
    return tuple(tuple((float(x), float(y)) for x, y in polygon) for polygon in polygons)


def _is_polygon(given: object) -> bool:
    return isinstance(given, list) and len(given) >= 3 and all(map(_is_corner, given))


def _is_corner(corner: object) -> bool:
    if not isinstance(corner, list) or len(corner) != 2:
        return False
    return all(type(value) in (int, float) and 0 <= value <= 1 for value in corner)


def _picture(given: object, where: str) -> tuple[int, int] | None:
    if given is None:
        return None
    if not isinstance(given, list) or len(given) != 2 or not all(type(n) is int and 0 < n <= 20_000 for n in given):
        raise BadInput(f"{where}: 'picture' is [width, height] in pixels of the still")
    return given[0], given[1]
