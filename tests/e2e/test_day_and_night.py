"""The whole house on real input: the scenario of `make demo`, with a person at the platform's page."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from robot import paths
from tests.e2e.house import PATIENCE_MS, House

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(840)]

SCENARIO = paths.ROOT / "config" / "scenarios" / "day_and_night.yaml"


def test_a_day_a_night_and_a_fall_that_a_person_answers(tmp_path: Path, browser: Browser) -> None:
    """The row appears by itself, a click acknowledges it, and Hani tells the resident, in both languages."""
    with House(tmp_path / "house", SCENARIO, caregiver="person") as house:
        house.wait_for("scenario", 180, result="started")
        page = browser.new_page(viewport={"width": 1180, "height": 820})
        page.set_default_timeout(PATIENCE_MS)
        page.goto(house.entrance("娜仁"))
        page.locator('[data-testid="use-link"]').click()
        row = page.locator('[data-testid="alarm-row"]').first
        expect(row).to_have_attribute("data-phase", "raised", timeout=420_000)
        keep_picture(page.screenshot(), "alarm.png")

        row.locator('[data-testid="ack"]').click()
        expect(row).to_have_attribute("data-phase", "acknowledged")
        expect(row).to_contain_text("娜仁")
        zh, _ = house.wait_for("said", 30, purpose="help_coming", language="zh")
        house.wait_for("said", 30, purpose="help_coming", language="mn")

        row.locator('[data-testid="reason"]').fill("已到家中，老人无大碍")
        row.locator('[data-testid="close"]').click()
        house.wait_for("alarm", 30, phase="closed")

        wet = page.locator('#open [data-testid="alarm-row"]')
        expect(wet).to_contain_text("床铺潮湿", timeout=90_000)
        wet.locator('[data-testid="ack"]').click()
        page.goto(f"{house.url}/robots/hani-0001")
        expect(page.locator('[data-testid="bedding"]')).to_have_text("潮湿")
        keep_picture(page.screenshot(full_page=True), "wet.png")
        page.goto(f"{house.url}/")
        wet.locator('[data-testid="reason"]').fill("已更换床单")
        wet.locator('[data-testid="close"]').click()
        house.wait_for("scenario", 60, result="done")
        raised, _ = house.wait_for("alarm", 10, type="wet", phase="raised")
        aloud = {event["purpose"] for event in house.events()[raised:] if event["kind"] == "saying"}
        assert not aloud & {"alarm_raised", "help_coming", "check_in_1"}, "a wet bed is nothing to say into the room"

        told = [event for event in house.events() if event["kind"] == "saying" and event["purpose"] == "help_coming"]
        assert len(told) == 2, "once in each language, never again"
        assert "救" not in told[0]["text"], "a text of Hani must not be a safety word"
        rows = house.until(lambda: house.alarms() or None, 10, "the platform lists no alarm")
        assert len([alarm for alarm in rows if alarm["type"] == "fall"]) == 1
        assert zh > 0
        processes = house.processes()
        page.goto(f"{house.url}/robots/hani-0001")
        keep_picture(page.screenshot(full_page=True), "robot.png")
        page.close()
    assert not [one for one in processes if one.is_running()], "an orderly stop leaves nobody behind"


def keep_picture(png: bytes, name: str) -> None:
    """For a person to look at: kept where HANI_SCREENSHOTS says, else nowhere."""
    folder = os.environ.get("HANI_SCREENSHOTS")
    if folder:
        Path(folder, name).write_bytes(png)
