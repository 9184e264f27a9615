"""Topic names and qualities of service, in one place. Names are relative: a robot's namespace goes in front."""

from __future__ import annotations

from typing import Final

from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy

HEARD: Final = "speech/heard"
UNCLEAR: Final = "speech/unclear"
DICTATED: Final = "speech/dictated"
SAFETY_WORD: Final = "speech/safety_word"
SAY: Final = "speech/say"
SPOKEN: Final = "speech/spoken"
HUSH: Final = "speech/hush"
ADJUST: Final = "speech/adjust"
UNDERSTOOD: Final = "dialogue/understood"
FALL: Final = "vision/fall"
ROOM_VIEW: Final = "vision/room"
CAMERA_PAUSE: Final = "vision/pause"
BED: Final = "bed/state"
CALL: Final = "buttons/call"
ALARM: Final = "alarm/state"
RECEIPT: Final = "reporting/receipt"
HEARTBEAT: Final = "heartbeat"
DIAGNOSTICS: Final = "/diagnostics"
ROOM_SOUND: Final = "home/sound"
ROOM_SCENE: Final = "home/scene"
HOME_CLOCK: Final = "home/clock"

EVENTS: Final = QoSProfile(depth=50, history=HistoryPolicy.KEEP_LAST, reliability=ReliabilityPolicy.RELIABLE)
"""Things that happen: every one counts for those who are there."""

LATCHED: Final = QoSProfile(
    depth=1,
    history=HistoryPolicy.KEEP_LAST,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)
"""How things stand: a late joiner gets the newest."""

KEPT: Final = QoSProfile(
    depth=20,
    history=HistoryPolicy.KEEP_LAST,
    reliability=ReliabilityPolicy.RELIABLE,
    durability=DurabilityPolicy.TRANSIENT_LOCAL,
)
"""Things that an alarm manager must not miss when it restarts: it gets the last ones and knows them by their ids."""
