"""What is where in the picture: the drawn zones and the frame's edges, with the model's errors in mind. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from robot.messages import Zone
from robot.vision.pose import Person
from robot.vision.posture import MIN_JOINT_SCORE, Posture
from robot.vision.zones import Zones

IGNORED_SHARE = 0.8  # of the visible joints inside an ignored zone: in the picture on the wall, not before it; chosen
EDGE_SHARE = 0.02  # of the frame: a joint this near its edge touches it; chosen
GUESSED_UP_SIZES = (0.1, 0.2, 0.3)  # hidden joints are guessed 0.1 of the body too high, give or take 0.18; measured
BREADTH_SIZES = 0.1  # of who lies: the body's middle is so far above what it lies on, seen level; anatomy


@dataclass(frozen=True, slots=True)
class Places:
    """The zones of a frame of this size."""

    zones: Zones
    width_px: int = 1
    height_px: int = 1

    def ignores(self, person: Person) -> bool:
        """Whether somebody is a picture on the wall, or a television's."""
        if not self.zones.ignore:
            return False
        seen = [joint for joint in person.keypoints if joint.score >= MIN_JOINT_SCORE]
        # joints may be guessed just outside the frame: there they are at its edge
        places = [(_within(joint.x_px / self.width_px), _within(joint.y_px / self.height_px)) for joint in seen]
        inside = sum(self.zones.inside(Zone.IGNORE, x, y) for x, y in places)
        return inside > 0 and inside >= IGNORED_SHARE * len(seen)

    def cuts(self, posture: Posture) -> bool:
        """Whether the body reaches the frame's sides or lower edge: there, what sinks or vanishes may be leaving."""
        half_px = posture.width_px / 2
        left_px, right_px = posture.centre_x_px - half_px, posture.centre_x_px + half_px
        near_x_px, near_y_px = EDGE_SHARE * self.width_px, EDGE_SHARE * self.height_px
        beside = left_px <= near_x_px or right_px >= self.width_px - near_x_px
        return beside or posture.centre_y_px + posture.height_px / 2 >= self.height_px - near_y_px

    def zone(self, posture: Posture) -> Zone | None:
        """Where the hips are: outside everything drawn, but not in the drawn bed, is on the floor."""
        zone = self.zones.at(posture.hip_x_px / self.width_px, posture.hip_y_px / self.height_px)
        return Zone.FLOOR if zone is None and self.zones.bed else zone

    def on_sofa(self, posture: Posture, *, sits: bool) -> bool:
        """Whether hips and body lie in a sofa's zone, give or take the model's error; of who sits the hips do."""
        guessed = GUESSED_UP_SIZES[0]
        hips_on = self._is_at(Zone.SOFA, posture, posture.hip_x_px, posture.hip_y_px, (0.0, guessed))
        if sits or not hips_on:
            return hips_on
        ups = (0.0, guessed, guessed + BREADTH_SIZES)
        return self._is_at(Zone.SOFA, posture, posture.centre_x_px, posture.centre_y_px, ups)

    def above(self, zone: Zone, posture: Posture) -> bool:
        """Whether the hips are in a zone or just above it, as the model guesses what is hidden (by a blanket, say)."""
        return self._is_at(zone, posture, posture.hip_x_px, posture.hip_y_px, (0.0, *GUESSED_UP_SIZES))

    def _is_at(self, zone: Zone, posture: Posture, x_px: float, y_px: float, ups: Sequence[float]) -> bool:
        """Whether a point of the body lies in a zone, or so many of its sizes above it."""
        x, y, size = x_px / self.width_px, y_px / self.height_px, posture.size_px / self.height_px
        return any(self.zones.at(x, y + up * size) is zone for up in ups)


def _within(share: float) -> float:
    return min(max(share, 0.001), 0.999)
