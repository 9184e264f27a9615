"""What a notification says: which home, what, since when, where to answer. No name of a resident, no health value."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from robot.fleet import desk
from robot.fleet.contacts import Site
from robot.fleet.tables import Alarm
from robot.fleet.words import Words


def call_text(alarm: Alarm, where: str, others: int, site: Site) -> str:
    """One line for the person who is called; `others` are further open alarms of the same event."""
    words = Words(site.language)
    what = words.maybe("type", alarm.type)
    if alarm.type == desk.TECHNICAL and alarm.reasons:
        what = words.maybe("reason", alarm.reasons[0])
    time = clock(alarm.raised_at_s or alarm.received_at_s, site)
    text = words("notify.call", where=where, what=what, severity=words.maybe("severity", alarm.severity), time=time)
    if others:
        text += words("notify.others", number=others)
    if alarm.maintenance:
        text += words("notify.maintenance")
    if site.address:
        return text + words("notify.answer", link=f"{site.address}/?lang={site.language}#alarm-{alarm.alarm_id}")
    return text + words("notify.answer_page")


def clock(at_s: float, site: Site) -> str:
    """The time of day at the site."""
    return f"{datetime.fromtimestamp(at_s, ZoneInfo(site.timezone)):%H:%M}"
