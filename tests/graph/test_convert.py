"""Nothing is lost between the vocabulary and the ROS 2 messages."""

from __future__ import annotations

import pytest

from robot import messages as m
from robot.nodes import convert

pytestmark = pytest.mark.graph

AT_S = 1_795_305_465.703125


def test_every_message_survives_the_way_there_and_back() -> None:
    heard = m.Heard("h1", (m.Reading("одоо хэдэн цаг бэ", m.Language.MN, 0.75),), AT_S, AT_S + 1, AT_S + 2)
    assert convert.heard(convert.heard_to_ros(heard)) == heard
    word = m.SafetyWord("w1", m.SafetyKind.FALL, m.Language.ZH, True, AT_S)
    assert convert.safety_word(convert.safety_word_to_ros(word)) == word
    say = m.Say("s1", "您好", m.Language.ZH, m.Urgency.SAFETY, "check_in_1", "closed", "a1")
    assert convert.say(convert.say_to_ros(say)) == say
    spoken = m.Spoken("s1", m.SpokenState.FAILED, AT_S, None, "check_in_1", m.Language.MN, "closed")
    assert convert.spoken(convert.spoken_to_ros(spoken)) == spoken
    fall = m.FallEvent("f1", m.FallReason.FAST_DROP, 0.5, 3, AT_S, AT_S + 2, recovered=True)
    assert convert.fall(convert.fall_to_ros(fall)) == fall
    fall = m.FallEvent("f2", m.FallReason.FELL_OUT_OF_BED, 0.5, 3, AT_S, AT_S + 2, False, m.Zone.FLOOR, True, 2)
    assert convert.fall(convert.fall_to_ros(fall)) == fall
    for view in (m.RoomView(AT_S, True, 2, 1, 0, 1, True), m.RoomView(AT_S, False, paused_until_at_s=AT_S + 60)):
        assert convert.room_view(convert.room_view_to_ros(view)) == view
    pause = m.CameraPause("p1", AT_S, AT_S + 600, m.PausedBy.VOICE)
    assert convert.camera_pause(convert.camera_pause_to_ros(pause)) == pause


def test_a_call_survives_the_way_there_and_back() -> None:
    call = m.Call("c1", m.CallKind.CORD, True, AT_S)
    assert convert.call(convert.call_to_ros(call)) == call


def test_unknown_vitals_stay_unknown() -> None:
    """None must come back as None: a heart rate of zero would be an emergency."""
    bed = m.BedState(m.Presence.UNKNOWN, False, AT_S, AT_S, None, None)
    assert convert.bed(convert.bed_to_ros(bed)) == bed
    known = m.BedState(m.Presence.IN_BED, True, AT_S, AT_S, 62.0, 14.0, 304.0)
    assert convert.bed(convert.bed_to_ros(known)) == known


@pytest.mark.parametrize("wet", [True, False, None])
def test_a_bed_of_which_nobody_knows_whether_it_is_wet_is_not_dry(wet: bool | None) -> None:
    bed = m.BedState(m.Presence.IN_BED, True, AT_S, AT_S, wet=wet)
    assert convert.bed(convert.bed_to_ros(bed)) == bed
