"""The zones where the camera sees them now, and the file that remembers the room's landmarks over restarts."""

from __future__ import annotations

import hashlib
import io
import logging
from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from robot.files import write_whole
from robot.messages import Zone
from robot.vision.pose import Image
from robot.vision.viewpoint import Landmarks, Viewpoint
from robot.vision.zones import OWNER_ONLY, Zones, zones_text

FILE_NAME = "viewpoint.npz"
MOVED = "the camera was moved: the zones follow roughly, draw them again with `hani zones`"
ELSEWHERE = "the camera sees another room than the zones were drawn in: draw them again with `hani zones`"
_MOST_BYTES = 500_000  # four lights take 90 kB

log = logging.getLogger(__name__)


class StandingZones:
    """The drawn zones, moved as the camera was moved since they were drawn.

    One thread may `look` while another draws (`use`) or asks for the `warning`.
    """

    def __init__(self, folder: Path, drawn: Zones) -> None:
        self._path = folder / FILE_NAME
        self.use(drawn)

    def use(self, drawn: Zones) -> None:
        """The caregiver drew these: the camera stands where it stands now, unless the file knows better."""
        self._drawn = drawn
        self._key = hashlib.sha256(zones_text(drawn).encode()).hexdigest()
        self._viewpoint = Viewpoint(read_landmarks(self._path, self._key))

    def is_due(self, at_s: float) -> bool:
        return self._viewpoint.is_due(at_s)

    def look(self, image: Image, at_s: float, *, empty: bool) -> bool:
        """Look at a picture (H x W x 3, BGR, uint8), in which nobody is if `empty`; whether the zones now lie elsewhere
        in it. Times are on a steady clock.
        """
        viewpoint, key = self._viewpoint, self._key
        lights, shift = viewpoint.lights, viewpoint.shift
        viewpoint.look(image, at_s, empty=empty)
        if viewpoint.lights is not lights:
            try:
                write_landmarks(self._path, viewpoint.lights, key)
            except OSError as error:
                log.warning("where the camera stands is not remembered: %s", error.strerror)
        return viewpoint.shift is not shift and viewpoint is self._viewpoint

    @property
    def zones(self) -> Zones:
        """Where they lie in the picture now."""
        drawn, viewpoint = self._drawn, self._viewpoint
        return drawn if viewpoint.shift is None else viewpoint.shift.of(drawn, viewpoint.lights[0].high)

    @property
    def warning(self) -> str:
        """What the caregiver should do, or "". Without zones there is nothing to draw again."""
        if not any(self._drawn.polygons(zone) for zone in Zone):
            return ""
        if self._viewpoint.shift is not None:
            return MOVED
        return ELSEWHERE if self._viewpoint.is_elsewhere else ""


def write_landmarks(path: Path, lights: Sequence[Landmarks], key: str) -> None:
    """Keep the landmarks, and which zones they belong to, for the file's owner alone. Raises OSError."""
    arrays: dict[str, NDArray[np.generic]] = {"key": np.array(key)}
    for n, light in enumerate(lights):
        arrays |= {f"places_{n}": light.places, f"looks_{n}": light.looks, f"high_{n}": np.array(light.high)}
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=False, **arrays)
    write_whole(path, file.getvalue(), OWNER_ONLY)


def read_landmarks(path: Path, key: str) -> tuple[Landmarks, ...]:
    """The landmarks of a file; none where there is no file, or it is broken, or belongs to other zones."""
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            return ()
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            if str(arrays["key"]) != key:
                return ()
            count = sum(name.startswith("places_") for name in arrays.files)
            lights = tuple(
                Landmarks(arrays[f"places_{n}"], arrays[f"looks_{n}"], float(arrays[f"high_{n}"])) for n in range(count)
            )
    except (OSError, ValueError, KeyError, EOFError, TypeError, AttributeError, BadZipFile):
        return ()
    return lights if all(map(_is_whole, lights)) else ()


def _is_whole(light: Landmarks) -> bool:
    places, looks = light.places, light.looks
    if looks.dtype != np.uint8 or looks.ndim != 2 or looks.shape[1] != 32:
        return False
    right = places.dtype == np.float32 and places.shape == (len(looks), 2)
    return right and bool(np.isfinite(places).all()) and 0.1 < light.high < 10
