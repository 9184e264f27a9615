"""The pages: what a caregiver sees is escaped, complete and honest; forms say what is wrong; strangers stay outside."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from robot.fleet import handling
from robot.fleet.app import create_app
from robot.fleet.people import ALL
from robot.fleet.tables import Change
from robot.reporting.contract import BedBody, StateReport, TelemetryReport
from tests.unit.fleet.browser import Browser, person
from tests.unit.fleet.conftest import ALARM, DEVICE, Home

pytestmark = pytest.mark.unit

HTMX = {"hx-request": "true"}
EVIL = "<script>alert(1)</script>"


@pytest.fixture
def browser(home: Home) -> Browser:
    return Browser(create_app(home.platform, ["testserver"]), person(home.database, "王芳", now_s=home.now_s))


def newest_change(home: Home) -> int:
    with home.database.read() as session:
        return session.scalar(select(func.max(Change.id))) or 0


def state(home: Home, **fields: object) -> None:
    message = StateReport.model_validate({"dev": DEVICE, "online": True, "ts": home.now_s, **fields})
    home.send("state", message)


def test_a_row_carries_what_the_tests_and_the_feed_rely_on(home: Home, browser: Browser) -> None:
    home.alarm(reasons=["fast_drop", "a_newer_reason"], room="bedroom")
    page = browser.get("/").text
    for part in (f'id="alarm-{ALARM}"', 'data-testid="alarm-row"', 'data-phase="raised"', 'data-testid="ack"'):
        assert part in page
    for part in ("跌倒", "卧室", "把握 90%", "快速下坠", "a_newer_reason", "王芳", 'href="tel:13800000001"'):
        assert part in page


def test_an_acknowledged_alarm_says_by_whom_and_when_and_offers_to_close(home: Home, browser: Browser) -> None:
    home.alarm()
    answer = browser.post(f"/alarms/{ALARM}/acknowledge", headers=HTMX)
    assert answer.status_code == 200
    assert 'data-phase="acknowledged"' in answer.text
    assert "王芳 已于 21:46 受理" in answer.text
    assert 'data-testid="close"' in answer.text
    assert 'data-testid="ack"' not in answer.text


def test_closing_needs_a_reason_and_says_so_in_place(home: Home, browser: Browser) -> None:
    home.alarm()
    answer = browser.post(f"/alarms/{ALARM}/close", data={"reason": "  "}, headers=HTMX)
    assert answer.status_code == 422
    assert "请写上结束原因" in answer.text
    assert 'data-phase="raised"' in answer.text
    answer = browser.post(f"/alarms/{ALARM}/close", data={"reason": "误报"}, headers=HTMX)
    assert 'data-phase="closed"' in answer.text
    assert "误报" in answer.text


@pytest.mark.parametrize("reason", ["", "   ", "x" * 301, "a\nb", "a\x00b"])
def test_a_reason_must_be_one_readable_line(home: Home, browser: Browser, reason: str) -> None:
    home.alarm()
    answer = browser.post(f"/alarms/{ALARM}/close", data={"reason": reason}, headers=HTMX)
    assert answer.status_code == 422
    assert 'data-phase="raised"' in answer.text


def test_the_second_to_acknowledge_is_told_who_was_first(home: Home, browser: Browser) -> None:
    home.alarm()
    handling.acknowledge(home.database, ALARM, "巴特尔", home.now_s)
    answer = browser.post(f"/alarms/{ALARM}/acknowledge", headers=HTMX)
    assert answer.status_code == 422
    assert "巴特尔 已于" in answer.text


def test_without_scripts_a_form_redirects_and_an_error_shows_the_whole_page(home: Home, browser: Browser) -> None:
    home.alarm()
    answer = browser.post(f"/alarms/{ALARM}/close", data={"reason": ""})
    assert answer.status_code == 422
    assert "<!doctype html>" in answer.text
    assert "请写上结束原因" in answer.text
    answer = browser.post(f"/alarms/{ALARM}/acknowledge")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"/?lang=zh#alarm-{ALARM}"


def test_everything_from_outside_is_escaped(home: Home, browser: Browser) -> None:
    home.alarm(room=EVIL, reasons=[EVIL])
    state(home, software=EVIL, nodes={EVIL: 1})
    posted = browser.post(f"/alarms/{ALARM}/close", data={"reason": EVIL}, headers=HTMX).text
    for page in (posted, browser.get("/").text, browser.get("/robots").text, browser.get(f"/robots/{DEVICE}").text):
        assert EVIL not in page
    assert "&lt;script&gt;" in posted


def test_a_part_that_is_not_well_says_why_in_the_readers_language(home: Home, browser: Browser) -> None:
    nodes = {"alarm_manager": 1, "fall_detector": 1, "mattress_bridge": 2, "speech_recognizer": 0}
    reasons = {"alarm_manager": "of_tomorrow", "fall_detector": "camera_moved", "speech_recognizer": "hears_nothing"}
    state(home, nodes=nodes, reasons=reasons)
    page = browser.get(f"/robots/{DEVICE}").text
    assert "看护摄像头" in page
    assert "摄像头被移动过，请重新画区域" in page
    assert "of_tomorrow" in page, "a newer robot's word is better than none"
    assert "听不见声音" not in page, "a part that is well has nothing to say"
    assert page.count('data-testid="why"') == 2
    assert "Камер хөдөлсөн" in browser.get(f"/robots/{DEVICE}?lang=mn").text
    before = newest_change(home)
    state(home, nodes=nodes, reasons={**reasons, "fall_detector": "camera_dark"})
    assert newest_change(home) > before, "the live page looks again"
    home.now_s += 90
    assert 'data-testid="why"' not in browser.get(f"/robots/{DEVICE}").text


def test_unknown_is_shown_as_unknown_and_never_as_normal(home: Home, browser: Browser) -> None:
    handling.label_devices(home.database, {DEVICE: "幸福家园 201"}, home.now_s)
    page = browser.get(f"/robots/{DEVICE}").text
    assert "正常" not in page
    assert "在线" not in page
    assert page.count("未知") >= 8


def test_a_silent_robot_is_offline_and_nothing_it_said_still_counts(home: Home, browser: Browser) -> None:
    state(home, nodes={"fall_detector": 0}, outbox=4)
    bed = BedBody(in_bed=True, fresh=True, heart_rate_bpm=61.6)
    home.send("t/bed", TelemetryReport(id="message-bed", dev=DEVICE, seq=0, ts=home.now_s, body=bed))
    page = browser.get(f"/robots/{DEVICE}").text
    for part in ("在线", "正常", "在床", "62 次/分"):
        assert part in page
    home.now_s += 90
    page = browser.get(f"/robots/{DEVICE}").text
    assert "离线" in page
    for part in ("正常", "在床", "62 次/分"):
        assert part not in page
    assert "离线的机器人" in browser.get("/").text


def test_a_page_says_in_time_that_the_session_ends(home: Home, browser: Browser) -> None:
    rules = home.platform.site.sign_in
    while home.now_s < 1_000_000.0 + 3600 * rules.longest_hours - 15 * 60:
        assert 'data-testid="ends"' not in browser.get("/").text
        home.now_s += 15 * 60
    home.now_s += 1
    page = browser.get("/").text
    assert 'data-testid="ends"' in page
    assert "09:46" in page, "when"


def test_a_bed_that_is_not_fresh_is_unknown(home: Home, browser: Browser) -> None:
    state(home)
    bed = BedBody(in_bed=True, fresh=False, heart_rate_bpm=61.6)
    home.send("t/bed", TelemetryReport(id="message-bed", dev=DEVICE, seq=0, ts=home.now_s, body=bed))
    assert browser.get(f"/api/robots/{DEVICE}").json()["robot"]["bed"]["presence"] == "unknown"


@pytest.mark.parametrize(("wet", "shown"), [(True, "潮湿"), (False, "干燥"), (None, None)])
def test_a_bed_with_such_a_sensor_is_shown_wet_or_dry(
    home: Home, browser: Browser, wet: bool | None, shown: str | None
) -> None:
    state(home)
    bed = BedBody(in_bed=True, fresh=True, wet=wet)
    home.send("t/bed", TelemetryReport(id="message-bed", dev=DEVICE, seq=0, ts=home.now_s, body=bed))
    page = browser.get(f"/robots/{DEVICE}").text
    assert [word for word in ("潮湿", "干燥") if word in page] == ([shown] if shown else [])
    assert ("潮湿" in browser.get("/robots").text) is (wet is True)


def test_the_page_says_when_new_alarms_cannot_arrive(home: Home, browser: Browser) -> None:
    assert "接收程序没有运行" in browser.get("/").text
    assert browser.get("/healthz").status_code == 503
    handling.beat(home.database, "ingest", linked=False, now_s=home.now_s)
    assert "与消息服务器的连接已断" in browser.get("/").text
    parts = {"database": True, "worker": True, "broker": False, "desk": False}
    assert browser.get("/healthz").json() == {"well": False, **parts}
    handling.beat(home.database, "ingest", linked=True, now_s=home.now_s)
    assert "告警台没有运行" in browser.get("/").text
    assert browser.get("/healthz").status_code == 503
    handling.beat(home.database, "desk", linked=True, now_s=home.now_s)
    assert browser.get("/healthz").status_code == 200
    home.now_s += 13
    assert browser.get("/healthz").json() == {"well": False, **parts, "worker": False}


def test_open_alarms_stand_first_the_waiting_before_the_answered(home: Home, browser: Browser) -> None:
    for name, severity in (
        ("alarm-low", "low"),
        ("alarm-high", "high"),
        ("alarm-taken", "high"),
        ("alarm-done", "high"),
    ):
        home.alarm(alarm_id=name, severity=severity)
    handling.acknowledge(home.database, "alarm-taken", "王芳", home.now_s)
    handling.close(home.database, "alarm-done", "王芳", "误报", home.now_s)
    names = [row["alarm_id"] for row in browser.get("/api/alarms").json()["alarms"]]
    assert names == ["alarm-high", "alarm-low", "alarm-taken", "alarm-done"]


def test_a_test_alarm_is_marked_and_calls_nobody(home: Home, browser: Browser) -> None:
    home.send("e/alarm", home.report(test=True))
    page = browser.get("/").text
    assert "测试" in page
    assert "现在请联系" not in page


@pytest.mark.parametrize(("language", "title"), [("zh", "告警"), ("mn", "Дохио"), ("en", "Alarms"), ("xx", "告警")])
def test_pages_speak_the_readers_language_under_a_vertical_mongolian_line(
    browser: Browser, language: str, title: str
) -> None:
    page = browser.get(f"/?lang={language}").text
    assert f"<title>{title}" in page
    assert 'class="vertical" lang="mn-Mong">\u1820' in page


@pytest.mark.parametrize("path", ["/robots/nobody", "/nowhere", "/api/robots/nobody", "/alarms/nothing/acknowledge"])
def test_what_is_not_there_is_a_friendly_404(browser: Browser, path: str) -> None:
    answer = browser.post(path) if "alarms/" in path else browser.get(path)
    assert answer.status_code == 404
    assert ("没有这个页面" in answer.text) != path.startswith("/api/")


def test_no_page_asks_anything_outside_for_anything(home: Home, browser: Browser) -> None:
    home.alarm()
    for path in ("/", "/robots", f"/robots/{DEVICE}"):
        answer = browser.get(path)
        assert "http://" not in answer.text
        assert "https://" not in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"origin": "http://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://testserver:81"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"host": "evil.example", "origin": "http://evil.example"}, 400),
        ({"content-length": "70000"}, 413),
        ({"origin": "http://testserver", "sec-fetch-site": "same-origin"}, 303),
    ],
)
def test_only_our_own_pages_may_post(home: Home, browser: Browser, headers: dict[str, str], status: int) -> None:
    home.alarm()
    assert browser.post(f"/alarms/{ALARM}/acknowledge", headers=headers).status_code == status
    [row] = home.platform.alarms(home.platform.lens("zh"), ALL)
    assert (row.phase == "acknowledged") == (status == 303)


def test_a_rebound_host_name_sees_nothing(browser: Browser) -> None:
    assert browser.get("/", headers={"host": "evil.example"}).status_code == 400
    assert browser.get("/", headers={"host": "[::1]:8080"}).status_code == 200


@pytest.mark.parametrize(
    "name", ["fleet.css", "fleet.js", "htmx-2.0.11.min.js", "htmx-ext-sse-2.2.4.min.js", "noto-sans-mongolian.OFL.txt"]
)
def test_every_part_of_the_page_is_served_from_here(browser: Browser, name: str) -> None:
    assert browser.get(f"/static/{name}").status_code == 200
