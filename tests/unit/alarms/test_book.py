"""The life of an alarm, one rule a test."""

from __future__ import annotations

import pytest

from robot.alarms.case import Severity
from robot.alarms.effects import Ask, Publish, Report, Store, StoreBed, Suppressed, Tell
from robot.alarms.settings import AlarmSettings
from robot.errors import BadConfiguration
from robot.messages import AlarmPhase, AlarmType, Answer, FallReason, Presence, ReceiptKind, SafetyKind

from .helpers import SETTINGS, Robot, bed, fall, receipt, word

pytestmark = pytest.mark.unit

P = AlarmPhase


@pytest.fixture
def robot() -> Robot:
    return Robot()


def only(robot: Robot):
    (case,) = robot.store.load()
    return case.alarm


# Check-in


def test_a_fall_is_stored_reported_and_asked_about_at_once(robot):
    effects = robot.do(robot.book.on_fall(fall(), 2.0))
    assert [type(effect) for effect in effects] == [Store, Publish, Store, Report, Publish, Ask]
    (report,) = robot.reports
    assert (report.phase, report.severity) == (P.CHECKING, Severity.MEDIUM)
    assert only(robot).reasons == ("fast_drop",)


def test_silence_raises_after_two_prompts(robot):
    robot.do(robot.book.on_fall(fall(), 0.0))
    robot.run(1, 19)
    assert (robot.asked, robot.phases) == ([1, 2], [P.CHECKING])
    robot.run(20, 20)
    assert (robot.phases, robot.told) == ([P.RAISED], ["alarm_raised"])
    assert only(robot).reasons == ("fast_drop", "no_answer")
    assert robot.reports[-1].severity is Severity.HIGH


def test_the_second_prompt_comes_halfway(robot):
    robot.do(robot.book.on_fall(fall(), 0.0))
    robot.run(1, 9)
    assert robot.asked == [1]
    robot.run(10, 10)
    assert robot.asked == [1, 2]


def test_only_fine_cancels_and_says_who_and_how(robot):
    robot.do(robot.book.on_fall(fall(), 0.0))
    robot.do(robot.book.on_answer(Answer.FINE, 5.0, 6.0))
    alarm = only(robot)
    assert (alarm.phase, alarm.by, alarm.how) == (P.CANCELLED, "resident", "voice")
    assert robot.told == ["check_in_ok"]
    assert robot.reports[-1].phase is P.CANCELLED
    robot.run(7, 300)
    assert robot.told == ["check_in_ok"]


def test_fine_said_before_the_fall_cancels_nothing(robot):
    """Recognition takes a second or two: words can arrive after an event that they know nothing of."""
    robot.do(robot.book.on_fall(fall(), 10.0))
    robot.do(robot.book.on_answer(Answer.FINE, 9.5, 11.0))
    assert robot.phases == [P.CHECKING]


def test_fine_said_before_further_evidence_cancels_nothing(robot):
    robot.do(robot.book.on_fall(fall(), 0.0))
    robot.do(robot.book.on_fall(fall("f2", FallReason.LONG_ON_FLOOR), 5.0))
    robot.do(robot.book.on_answer(Answer.FINE, 4.0, 6.0))
    assert robot.phases == [P.CHECKING]
    robot.do(robot.book.on_answer(Answer.FINE, 7.0, 8.0))
    assert robot.phases == [P.CANCELLED]


def test_help_raises_at_once(robot):
    robot.do(robot.book.on_fall(fall(), 0.0))
    robot.do(robot.book.on_answer(Answer.HELP, 3.0, 4.0))
    assert robot.phases == [P.RAISED]
    assert "asked_for_help" in only(robot).reasons


def test_unclear_words_raise_only_after_the_second_prompt(robot):
    robot.do(robot.book.on_fall(fall(), 0.0))
    robot.do(robot.book.on_answer(Answer.UNCLEAR, 3.0, 4.0))
    robot.run(5, 10)
    robot.do(robot.book.on_answer(Answer.UNCLEAR, 9.0, 11.0))
    assert robot.phases == [P.CHECKING]
    robot.do(robot.book.on_answer(Answer.UNCLEAR, 12.0, 13.0))
    assert robot.phases == [P.RAISED]


def test_speech_that_nobody_understands_brings_the_second_prompt_at_once_and_nothing_else(robot):
    """It may be an answer that is no clear yes, or the television: the check-in keeps its end."""
    robot.do(robot.book.on_fall(fall(at_s=0.0), 0.0))
    robot.do(robot.book.on_unclear(-1.0, 2.0))
    assert robot.asked == [1]  # spoken before the question
    robot.do(robot.book.on_unclear(3.0, 4.0))
    robot.do(robot.book.on_unclear(6.0, 7.0))
    assert robot.asked == [1, 2]
    assert robot.phases == [AlarmPhase.CHECKING]
    robot.run(8, 19)
    assert robot.phases == [AlarmPhase.CHECKING]
    robot.run(20, 21)
    assert robot.phases == [AlarmPhase.RAISED]


def test_getting_up_is_noted_and_cancels_nothing(robot):
    robot.do(robot.book.on_fall(fall(), 0.0))
    robot.do(robot.book.on_fall(fall(recovered=True), 8.0))
    assert robot.phases == [P.CHECKING]
    robot.run(9, 20)
    assert robot.phases == [P.RAISED]
    assert "recovered" in only(robot).reasons


def test_a_late_fine_withdraws_what_silence_raised(robot):
    """The two questions in two languages fill most of the check-in: an old person answers after them."""
    robot.do(robot.book.on_fall(fall(), 0.0))
    robot.run(1, 20)
    assert robot.phases == [P.RAISED]
    robot.do(robot.book.on_answer(Answer.FINE, 44.0, 45.0))
    assert robot.phases == [P.CANCELLED]
    assert robot.reports[-1].alarm == only(robot), "the platform must hear of it"


def test_fine_does_not_withdraw_what_a_call_for_help_raised(robot):
    robot.do(robot.book.on_fall(fall(), 0.0))
    robot.do(robot.book.on_answer(Answer.HELP, 5.0, 6.0))
    robot.do(robot.book.on_answer(Answer.FINE, 8.0, 9.0))
    assert robot.phases == [P.RAISED]


def test_fine_long_after_the_raise_is_for_the_caregiver_to_judge(robot):
    robot.do(robot.book.on_fall(fall(), 0.0))
    robot.run(1, 20)
    robot.do(robot.book.on_answer(Answer.FINE, 52.0, 53.0))
    robot.do(robot.book.on_answer(Answer.FINE, 54.0, 55.0))
    assert robot.phases == [P.RAISED]
    assert only(robot).reasons.count("fine_after_raise") == 1
    assert robot.reports[-1].alarm == only(robot)


def test_fine_after_the_raise_says_nothing_about_the_fall_that_follows(robot):
    robot.do(robot.book.on_fall(fall("f1"), 0.0))
    robot.run(1, 20)
    robot.do(robot.book.on_answer(Answer.FINE, 52.0, 53.0))
    robot.do(robot.book.on_fall(fall("f2", at_s=60.0), 61.0))
    assert only(robot).reasons == ("fast_drop", "no_answer")
    robot.do(robot.book.on_answer(Answer.FINE, 62.0, 63.0))
    assert only(robot).reasons[-1] == "fine_after_raise"


def test_who_asks_for_help_out_of_bed_needs_it_as_urgently(robot):
    leave_bed(robot, 100.0)
    robot.run(101, 701)
    assert only(robot).phase is P.CHECKING
    robot.do(robot.book.on_answer(Answer.HELP, 702.0, 703.0))
    assert (only(robot).type, only(robot).phase) == (AlarmType.BED_EXIT, P.RAISED)
    assert robot.reports[-1].severity is Severity.HIGH


# One event, one alarm


def test_further_falls_join_the_open_alarm(robot):
    robot.do(robot.book.on_fall(fall(), 0.0))
    before = only(robot)
    robot.do(robot.book.on_fall(fall("f2", FallReason.LONG_ON_FLOOR), 3.0))
    after = only(robot)
    assert (after.id, after.revision) == (before.id, before.revision + 1)
    assert after.reasons == ("fast_drop", "long_on_floor")


def test_an_event_that_comes_twice_counts_once_even_after_a_restart(robot):
    robot.do(robot.book.on_fall(fall(), 0.0))
    robot.do(robot.book.on_fall(fall("f2"), 1.0))
    before = only(robot)
    robot.start()
    for event in (fall(), fall("f2")):
        assert robot.do(robot.book.on_fall(event, 2.0)) == ()
    assert only(robot) == before


def test_an_event_of_an_ended_alarm_does_not_open_it_again(robot):
    robot.do(robot.book.on_fall(fall(), 0.0))
    robot.do(robot.book.on_answer(Answer.FINE, 5.0, 6.0))
    robot.start()
    assert robot.do(robot.book.on_fall(fall(), 7.0)) == ()
    robot.do(robot.book.on_fall(fall("f2"), 8.0))
    assert sorted(robot.phases) == [P.CANCELLED, P.CHECKING]


def test_a_call_for_help_joins_an_open_fall_and_raises_it(robot):
    robot.do(robot.book.on_fall(fall(), 0.0))
    robot.do(robot.book.on_safety_word(word(certain=False), 3.0))
    alarm = only(robot)
    assert (alarm.type, alarm.phase) == (AlarmType.FALL, P.RAISED)
    assert alarm.reasons == ("fast_drop", "heard_help")


def test_a_fall_raises_an_uncertain_call_for_help(robot):
    robot.do(robot.book.on_safety_word(word(certain=False), 0.0))
    assert robot.phases == [P.CHECKING]
    robot.do(robot.book.on_fall(fall(), 2.0))
    alarm = only(robot)
    assert (alarm.type, alarm.phase) == (AlarmType.SOS, P.RAISED)


def test_an_alarm_forgotten_open_does_not_hide_a_new_fall(robot):
    robot.do(robot.book.on_fall(fall(), 0.0))
    robot.run(1, 20)
    robot.do(robot.book.on_receipt(receipt(only(robot).id, ReceiptKind.ACKNOWLEDGED), 30.0))
    robot.do(robot.book.on_fall(fall("f2"), 30.0 + SETTINGS.join_s))
    assert robot.phases == [P.ACKNOWLEDGED]
    robot.do(robot.book.on_fall(fall("f3"), 31.0 + SETTINGS.join_s))
    assert sorted(robot.phases) == [P.ACKNOWLEDGED, P.CHECKING]


def test_two_robots_never_make_the_same_alarm_id():
    one, other = Robot(), Robot(AlarmSettings(device="hani-other"))
    for robot in (one, other):
        robot.do(robot.book.on_fall(fall(), 0.0))
    assert only(one).id != only(other).id


# Safety words


def test_a_certain_word_raises_without_asking(robot):
    robot.do(robot.book.on_safety_word(word(kind=SafetyKind.PAIN), 1.0))
    alarm = only(robot)
    assert (alarm.type, alarm.phase, alarm.reasons) == (AlarmType.SOS, P.RAISED, ("heard_pain",))
    assert (robot.asked, robot.told) == ([], ["alarm_raised"])


@pytest.mark.parametrize(("spoke_at_s", "phase"), [(0.5, P.RAISED), (31.0, P.CANCELLED), (31.1, P.RAISED)])
def test_fine_withdraws_a_word_alarm_only_within_its_window(robot, spoke_at_s, phase):
    robot.do(robot.book.on_safety_word(word(), 1.0))
    robot.do(robot.book.on_answer(Answer.FINE, spoke_at_s, spoke_at_s + 1))
    assert robot.phases == [phase]
    assert robot.reports[-1].phase is phase


def test_an_uncertain_word_asks_first(robot):
    robot.do(robot.book.on_safety_word(word(certain=False), 0.0))
    assert (robot.phases, robot.asked) == ([P.CHECKING], [1])
    robot.do(robot.book.on_safety_word(word("w2", certain=False), 2.0))
    assert robot.phases == [P.RAISED]


def test_a_call_during_a_bed_exit_check_in_is_urgent(robot):
    robot.do(robot.book.on_bed(bed(Presence.IN_BED, 0.0), True, 0.0))
    robot.do(robot.book.on_bed(bed(Presence.OUT_OF_BED, 10.0), True, 10.0))
    robot.do(robot.book.tick(610.0))
    robot.do(robot.book.on_safety_word(word(certain=False), 612.0))
    assert robot.phases == [P.RAISED, P.RAISED]
    assert {report.severity for report in robot.reports[-2:]} == {Severity.HIGH}
    assert robot.told == ["bed_exit_light", "alarm_raised"]


# Platform


def test_the_resident_hears_once_that_help_is_coming(robot):
    robot.do(robot.book.on_fall(fall(), 0.0))
    robot.run(1, 20)
    alarm_id = only(robot).id
    for kind in (ReceiptKind.SENT, ReceiptKind.RECEIVED):
        robot.do(robot.book.on_receipt(receipt(alarm_id, kind), 21.0))
    for _ in range(2):
        robot.do(robot.book.on_receipt(receipt(alarm_id, ReceiptKind.ACKNOWLEDGED, by="nurse"), 30.0))
        robot.start()
        robot.do(robot.book.resume(31.0))
    robot.run(32, 400)
    assert robot.told == ["alarm_raised", "help_coming", "help_on_the_way_repeat", "help_on_the_way_repeat"]
    assert (only(robot).phase, only(robot).by) == (P.ACKNOWLEDGED, "nurse")
    robot.do(robot.book.on_receipt(receipt(alarm_id, ReceiptKind.CLOSED, by="nurse"), 401.0))
    assert (robot.phases, robot.told[-1]) == ([P.CLOSED], "alarm_closed")


def test_receipts_never_lead_backwards(robot):
    robot.do(robot.book.on_fall(fall(), 0.0))
    robot.run(1, 20)
    alarm_id = only(robot).id
    robot.do(robot.book.on_receipt(receipt(alarm_id, ReceiptKind.RECEIVED), 21.0))
    assert robot.do(robot.book.on_receipt(receipt(alarm_id, ReceiptKind.SENT), 22.0)) == ()
    robot.do(robot.book.on_receipt(receipt(alarm_id, ReceiptKind.ACKNOWLEDGED), 23.0))
    assert robot.do(robot.book.on_receipt(receipt(alarm_id, ReceiptKind.RECEIVED), 24.0)) == ()
    assert robot.phases == [P.ACKNOWLEDGED]


def test_a_commit_of_the_early_report_is_no_commit_of_the_raised_alarm(robot):
    robot.do(robot.book.on_fall(fall(), 0.0))
    early = only(robot)
    robot.run(1, 20)
    assert robot.do(robot.book.on_receipt(known(robot, early.revision, ReceiptKind.RECEIVED), 21.0)) == ()
    robot.do(robot.book.on_receipt(known(robot, only(robot).revision, ReceiptKind.RECEIVED), 22.0))
    assert robot.phases == [P.RECEIVED]


def test_a_person_may_take_over_during_the_check_in(robot):
    robot.do(robot.book.on_fall(fall(), 0.0))
    robot.do(robot.book.on_receipt(receipt(only(robot).id, ReceiptKind.ACKNOWLEDGED), 4.0))
    robot.run(5, 60)
    assert (robot.phases, robot.asked, robot.told) == ([P.ACKNOWLEDGED], [1], ["help_coming"])


def test_a_new_call_while_help_is_coming_is_answered(robot):
    robot.do(robot.book.on_safety_word(word(), 0.0))
    robot.do(robot.book.on_receipt(receipt(only(robot).id, ReceiptKind.ACKNOWLEDGED), 4.0))
    robot.do(robot.book.on_safety_word(word("w2"), 60.0))
    assert robot.told[-1] == "help_on_the_way_repeat"
    assert robot.phases == [P.ACKNOWLEDGED]


def known(robot, revision, kind=ReceiptKind.CLOSED, case=0):
    """The platform's word when this was the newest revision that it had."""
    return receipt(robot.store.load()[case].id, kind, revision=revision)


def open_alarms(robot):
    return [case.alarm for case in robot.store.load() if case.is_open]


def test_who_closes_an_alarm_has_not_closed_the_fall_that_came_since(robot):
    """The link was away: the second fall is on no page when the caregiver writes that all is well."""
    robot.do(robot.book.on_fall(fall("f1"), 0.0))
    robot.run(1, 20)
    seen = only(robot).revision
    robot.do(robot.book.on_fall(fall("f2", at_s=300.0), 301.0))
    robot.start()
    robot.do(robot.book.on_receipt(known(robot, seen), 400.0))
    (second,) = open_alarms(robot)
    assert (second.type, second.phase, second.reasons, second.onset_at_s) == (
        AlarmType.FALL,
        P.CHECKING,
        ("fast_drop",),
        300.0,
    )
    assert robot.told[-1] != "alarm_closed", "while they are asked again"
    robot.do(robot.book.on_fall(fall("f2", at_s=300.0), 402.0))  # the watcher repeats it
    robot.run(403, 425)
    assert [alarm.phase for alarm in open_alarms(robot)] == [P.RAISED]


def test_a_fall_that_the_platform_knew_of_is_closed_with_its_alarm(robot):
    robot.do(robot.book.on_fall(fall("f1"), 0.0))
    robot.run(1, 20)
    robot.do(robot.book.on_fall(fall("f2", at_s=300.0), 301.0))
    robot.do(robot.book.on_receipt(known(robot, only(robot).revision), 400.0))
    assert (robot.phases, robot.told[-1]) == ([P.CLOSED], "alarm_closed")


def test_whoever_called_since_an_alarm_was_closed_is_raised_at_once(robot):
    robot.do(robot.book.on_fall(fall("f1"), 0.0))
    robot.run(1, 20)
    seen = only(robot).revision
    robot.do(robot.book.on_safety_word(word("w2"), 301.0))
    robot.do(robot.book.on_fall(fall("f2", at_s=301.0), 302.0))
    robot.do(robot.book.on_receipt(known(robot, seen), 400.0))
    (second,) = open_alarms(robot)
    assert (second.type, second.phase, second.reasons) == (AlarmType.SOS, P.RAISED, ("heard_help", "fast_drop"))


def test_whoever_called_after_such_a_fall_is_raised_at_once_too(robot):
    robot.do(robot.book.on_fall(fall("f1"), 0.0))
    robot.run(1, 20)
    seen = only(robot).revision
    robot.do(robot.book.on_fall(fall("f2", at_s=301.0), 302.0))
    robot.do(robot.book.on_safety_word(word("w2"), 310.0))
    robot.do(robot.book.on_receipt(known(robot, seen), 400.0))
    (second,) = open_alarms(robot)
    assert (second.type, second.phase, second.reasons) == (AlarmType.FALL, P.RAISED, ("fast_drop", "heard_help"))


def test_a_second_witness_counts_as_news_too(robot):
    """Closed while it was still being checked, and raised by a cry meanwhile."""
    robot.do(robot.book.on_fall(fall("f1"), 0.0))
    seen = only(robot).revision
    robot.do(robot.book.on_safety_word(word("w2"), 5.0))
    robot.do(robot.book.on_receipt(known(robot, seen), 6.0))
    assert [(alarm.type, alarm.phase) for alarm in open_alarms(robot)] == [(AlarmType.SOS, P.RAISED)]


def test_a_platform_that_names_no_revision_closes_all(robot):
    robot.do(robot.book.on_fall(fall("f1"), 0.0))
    robot.run(1, 20)
    robot.do(robot.book.on_fall(fall("f2", at_s=300.0), 301.0))
    robot.do(robot.book.on_receipt(receipt(only(robot).id, ReceiptKind.CLOSED), 400.0))
    assert robot.phases == [P.CLOSED]


def test_a_receipt_for_an_unknown_alarm_is_nothing(robot):
    assert robot.book.on_receipt(receipt("nobody", ReceiptKind.CLOSED), 0.0) == ()


# Bed


def leave_bed(robot: Robot, at_s: float, night: bool = True) -> None:
    robot.do(robot.book.on_bed(bed(Presence.IN_BED, at_s - 1), night, at_s - 1))
    robot.do(robot.book.on_bed(bed(Presence.OUT_OF_BED, at_s), night, at_s))


def test_a_night_exit_lights_the_way_and_a_return_ends_it(robot):
    leave_bed(robot, 100.0)
    robot.run(101, 600)
    robot.do(robot.book.on_bed(bed(Presence.IN_BED, 601.0), True, 601.0))
    robot.run(602, 2000)
    assert (robot.told, robot.phases) == (["bed_exit_light"], [])


def test_a_long_night_absence_is_asked_about_and_raised(robot):
    leave_bed(robot, 100.0)
    robot.run(101, 699)
    assert robot.phases == []
    robot.run(700, 720)
    alarm = only(robot)
    assert (alarm.type, alarm.phase, alarm.onset_at_s) == (AlarmType.BED_EXIT, P.RAISED, 100.0)
    assert robot.asked == [1, 2]


def test_a_stale_feed_never_ends_an_absence(robot):
    leave_bed(robot, 100.0)
    robot.do(robot.book.on_bed(bed(Presence.IN_BED, 200.0, fresh=False), True, 200.0))
    robot.do(robot.book.on_bed(bed(Presence.UNKNOWN, 200.0, fresh=False), True, 300.0))
    robot.do(robot.book.tick(700.0))
    assert robot.phases == [P.CHECKING]


def test_an_absence_outlives_a_restart(robot):
    leave_bed(robot, 100.0)
    robot.start()
    robot.do(robot.book.on_bed(bed(Presence.OUT_OF_BED, 650.0), True, 650.0))
    robot.do(robot.book.tick(700.0))
    assert (robot.phases, robot.told) == ([P.CHECKING], ["bed_exit_light"])


def test_leaving_bed_while_the_robot_was_down_is_noticed(robot):
    robot.do(robot.book.on_bed(bed(Presence.IN_BED, 0.0), True, 0.0))
    robot.start()
    robot.do(robot.book.on_bed(bed(Presence.OUT_OF_BED, 50.0), True, 50.0))
    assert robot.told == ["bed_exit_light"]


@pytest.mark.parametrize("first", [Presence.OUT_OF_BED, Presence.UNKNOWN])
def test_an_empty_bed_at_the_start_is_no_exit(robot, first):
    robot.do(robot.book.on_bed(bed(first, 0.0), True, 0.0))
    robot.do(robot.book.on_bed(bed(Presence.OUT_OF_BED, 1.0), True, 1.0))
    robot.do(robot.book.tick(5000.0))
    assert (robot.told, robot.phases) == ([], [])


def test_leaving_bed_by_day_is_nothing(robot):
    leave_bed(robot, 100.0, night=False)
    robot.do(robot.book.tick(5000.0))
    assert (robot.told, robot.phases) == ([], [])


def test_coming_back_late_is_noted_and_cancels_nothing(robot):
    leave_bed(robot, 100.0)
    robot.do(robot.book.tick(700.0))
    robot.do(robot.book.on_bed(bed(Presence.IN_BED, 705.0), True, 705.0))
    robot.run(706, 720)
    assert robot.phases == [P.RAISED]
    assert "back_in_bed" in only(robot).reasons


def test_an_absence_during_a_fall_alarm_joins_it(robot):
    leave_bed(robot, 100.0)
    robot.do(robot.book.on_fall(fall(), 690.0))
    robot.do(robot.book.tick(700.0))
    assert only(robot).reasons == ("fast_drop", "not_back_in_bed")


def test_a_stale_feed_is_a_low_device_alarm_once_an_outage(robot):
    robot = Robot(AlarmSettings(device="hani-test", bed_stale_alarm_s=300.0))
    robot.do(robot.book.on_bed(bed(Presence.IN_BED, 0.0), True, 0.0))
    robot.run(1, 360)
    assert robot.phases == []
    robot.run(361, 1000)
    alarm = only(robot)
    assert (alarm.type, alarm.phase) == (AlarmType.DEVICE, P.RAISED)
    assert (robot.reports[-1].severity, robot.asked, robot.told) == (Severity.LOW, [], [])
    robot.do(robot.book.on_receipt(receipt(alarm.id, ReceiptKind.CLOSED), 1001.0))
    robot.run(1002, 2000)
    assert (robot.phases, robot.told) == ([P.CLOSED], [])


# Fusion


def test_lying_in_bed_is_counted_not_raised(robot):
    robot.do(robot.book.on_bed(bed(Presence.IN_BED, 100.0), True, 100.0))
    effects = robot.do(robot.book.on_fall(fall(reason=FallReason.FOUND_ON_FLOOR, at_s=90.0), 110.0))
    assert [effect for effect in effects if not isinstance(effect, StoreBed)] == [Suppressed("in_bed_before_onset")]
    robot.run(111, 159)
    assert robot.phases == []


def test_what_the_bed_explained_does_not_come_back_with_a_restart(robot):
    """The watcher repeats its last events to whoever restarts, before the mattress has spoken again."""
    event = fall(reason=FallReason.FOUND_ON_FLOOR, at_s=90.0)
    robot.do(robot.book.on_bed(bed(Presence.IN_BED, 100.0), True, 100.0))
    robot.do(robot.book.on_fall(event, 110.0))
    for now_s in (150.0, 200.0, 250.0, 300.0, 350.0, 400.0):
        robot.do(robot.book.on_bed(bed(Presence.IN_BED, now_s), True, now_s))
        robot.run(int(now_s) + 1, int(now_s) + 49)
    robot.start()
    robot.do(robot.book.on_fall(event, 450.0))
    assert robot.phases == []


@pytest.mark.parametrize("restarted_at_s", [130.0, 50.0])
def test_a_restart_before_the_bed_had_its_time_asks_rather_than_forgets(robot, restarted_at_s):
    """Also when the clock was set back meanwhile: too many questions are safer than a missed fall."""
    event = fall(reason=FallReason.FOUND_ON_FLOOR, at_s=90.0)
    robot.do(robot.book.on_bed(bed(Presence.IN_BED, 100.0), True, 100.0))
    robot.do(robot.book.on_fall(event, 110.0))
    robot.start()
    robot.do(robot.book.on_fall(event, restarted_at_s))
    assert robot.phases == [P.CHECKING]


@pytest.mark.parametrize("presence", [Presence.OUT_OF_BED, Presence.UNKNOWN])
def test_a_withheld_fall_comes_back_when_the_mattress_takes_back_its_word(robot, presence):
    """Rolling out of bed: the camera is quicker than the mattress's debounce."""
    robot.do(robot.book.on_bed(bed(Presence.IN_BED, 100.0), True, 100.0))
    robot.do(robot.book.on_fall(fall(reason=FallReason.FOUND_ON_FLOOR, at_s=99.0), 101.0))
    robot.do(robot.book.on_bed(bed(presence, 105.0), True, 105.0))
    assert robot.phases == [P.CHECKING]


def test_a_withheld_fall_is_forgotten_once_seen_upright(robot):
    robot.do(robot.book.on_bed(bed(Presence.IN_BED, 100.0), False, 100.0))
    robot.do(robot.book.on_fall(fall(reason=FallReason.FOUND_ON_FLOOR, at_s=99.0), 101.0))
    robot.do(robot.book.on_fall(fall(recovered=True), 104.0))
    robot.do(robot.book.on_bed(bed(Presence.OUT_OF_BED, 105.0), False, 105.0))
    assert robot.phases == []


# Restart


def test_a_restart_during_the_check_in_asks_again_and_keeps_the_deadline(robot):
    robot.do(robot.book.on_fall(fall(), 0.0))
    robot.start()
    effects = robot.do(robot.book.resume(4.0))
    assert [effect for effect in effects if isinstance(effect, Ask)] == [Ask(only(robot).id, 1)]
    robot.run(5, 20)
    assert (robot.phases, robot.asked) == ([P.RAISED], [1, 1, 2])


def test_a_restart_after_the_deadline_raises_at_once(robot):
    robot.do(robot.book.on_fall(fall(), 0.0))
    robot.start()
    robot.do(robot.book.resume(3600.0))
    assert robot.phases == [P.RAISED]


@pytest.mark.parametrize("kind", [None, ReceiptKind.SENT])
def test_a_restart_reports_again_what_the_platform_did_not_confirm(robot, kind):
    robot.do(robot.book.on_safety_word(word(), 0.0))
    if kind:
        robot.do(robot.book.on_receipt(receipt(only(robot).id, kind), 1.0))
    robot.reports.clear()
    robot.start()
    robot.do(robot.book.resume(2.0))
    assert [(report.alarm, report.phase) for report in robot.reports] == [(only(robot), P.RAISED)]


def test_a_clock_set_back_raises_rather_than_waits(robot):
    """A board without a battery clock starts in the past."""
    robot.do(robot.book.on_fall(fall(at_s=1e9), 1e9))
    robot.start()
    robot.do(robot.book.resume(1e9 - 86400))
    assert robot.phases == [P.RAISED]


def test_ended_alarms_are_forgotten_after_a_day(robot):
    robot.do(robot.book.on_fall(fall(), 0.0))
    robot.do(robot.book.on_answer(Answer.FINE, 5.0, 6.0))
    robot.do(robot.book.tick(7 + SETTINGS.remember_s))
    assert robot.book.on_fall(fall(), 8 + SETTINGS.remember_s) != ()


# Settings


@pytest.mark.parametrize(
    "wrong",
    [
        {"check_in_s": 0.0},
        {"check_in_s": float("nan")},
        {"bed_exit_tolerance_s": 1e9},
        {"rise_s": (180.0, 60.0)},
        {"device": ""},
        {"residents": -1},
    ],
    ids=str,
)
def test_a_setting_that_disarms_is_refused_by_name(wrong):
    (name,) = wrong
    with pytest.raises(BadConfiguration, match=f"alarms.{name}"):
        AlarmSettings(**{"device": "hani-test", **wrong})


def test_one_voice_for_two_alarms(robot):
    robot.do(robot.book.on_bed(bed(Presence.IN_BED, 0.0), True, 0.0))
    robot.do(robot.book.on_bed(bed(Presence.OUT_OF_BED, 10.0), True, 10.0))
    robot.do(robot.book.tick(610.0))
    robot.do(robot.book.on_fall(fall(), 611.0))
    effects = robot.do(robot.book.on_answer(Answer.FINE, 615.0, 616.0))
    assert sum(isinstance(effect, Tell) for effect in effects) == 1
    assert robot.phases == [P.CANCELLED, P.CANCELLED]
