"""The caregiver draws the bed in a real browser, by mouse and by keys; the corners, and nothing else, are kept."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from robot.vision.zones import Zones, read_zones
from tests.e2e.house import PATIENCE_MS
from tests.fleet.conftest import PATIENCE_S, first_line

pytestmark = pytest.mark.e2e

NAME = """e => (e.getAttribute('aria-label') || e.textContent || e.alt || (e.labels ? e.labels[0].textContent : ''))
    .trim()"""
CLIP = Path(__file__).parents[1] / "data" / "vision" / "everyday.mp4"


@pytest.fixture
def address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("HANI_HOME", str(tmp_path))
    hani = Path(sys.executable).parent / "hani"
    server = subprocess.Popen([hani, "zones", "--still", CLIP], stdout=subprocess.PIPE, text=True)
    try:
        yield first_line(server)
    finally:
        server.kill()
        server.communicate(timeout=PATIENCE_S)


def test_a_caregiver_draws_a_bed_and_a_mirror(browser: Browser, address: str, tmp_path: Path) -> None:
    page = browser.new_page(viewport={"width": 900, "height": 1200})
    page.set_default_timeout(PATIENCE_MS)
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(address)
    expect(page.get_by_role("heading", level=1)).to_have_text("在房间照片上标出位置")
    expect(page.locator("#zones")).to_contain_text("还没有")
    board = page.locator("#board")
    expect(page.locator("#still")).to_have_js_property("naturalWidth", 640)

    for x, y in ((0.1, 0.5), (0.6, 0.5), (0.6, 0.9), (0.1, 0.9)):
        _click(page, x, y)
    page.get_by_role("button", name="完成这块").click()
    expect(page.locator("#zones li")).to_have_count(1)

    page.get_by_role("button", name="English").click()
    page.get_by_role("radio", name=re.compile("Not people")).check()
    board.focus()
    for keys in (("Shift+ArrowRight",), ("ArrowDown", "ArrowDown"), ("ArrowLeft",)):
        for key in keys:
            board.press(key)
        board.press("Enter")
    board.press("Enter")
    board.press("Backspace")
    shown = page.screenshot(path=tmp_path / "page.png")
    assert len(shown) > 20_000, "the still and both zones are on it"
    page.get_by_role("button", name="Save and close").click()
    expect(page.get_by_role("status")).to_have_text("Saved. You can close this page.")
    page.close()
    assert wrong == []

    drawn: Zones = read_zones(tmp_path / "zones.yaml")
    assert drawn.picture == (640, 480)
    assert len(drawn.bed) == len(drawn.ignore) == 1
    np.testing.assert_allclose(drawn.bed[0], ((0.1, 0.5), (0.6, 0.5), (0.6, 0.9), (0.1, 0.9)), atol=0.01)
    np.testing.assert_allclose(drawn.ignore[0], ((0.55, 0.5), (0.55, 0.52), (0.54, 0.52)), atol=1e-6)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["page.png", "zones.yaml"]


def test_every_control_has_a_name_in_every_language(browser: Browser, address: str) -> None:
    page = browser.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(address)
    for language in ("中文", "Монгол", "English"):
        page.get_by_role("button", name=language).click()
        for control in page.locator("button, input, #board, img").all():
            name = control.evaluate(NAME)
            assert name, control.evaluate("e => e.outerHTML")
        assert page.locator("html").get_attribute("lang") in ("zh", "mn", "en")
    page.close()


def _click(page: Page, x: float, y: float) -> None:
    box = page.locator("#board").bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + x * box["width"], box["y"] + y * box["height"])


def test_a_mirror_as_large_as_the_room_is_refused_with_a_word(browser: Browser, address: str, tmp_path: Path) -> None:
    page = browser.new_page(viewport={"width": 900, "height": 1200})
    page.set_default_timeout(PATIENCE_MS)
    page.goto(address)
    expect(page.locator("#still")).to_have_js_property("naturalWidth", 640)
    page.get_by_role("radio", name=re.compile("不算人的地方")).check()
    for x, y in ((0.02, 0.02), (0.98, 0.02), (0.98, 0.98), (0.02, 0.98)):
        _click(page, x, y)
    page.get_by_role("button", name="保存并关闭").click()
    expect(page.get_by_role("status")).to_contain_text("画得太大")
    assert not (tmp_path / "zones.yaml").exists()
    page.get_by_role("button", name="删除").click()
    page.get_by_role("button", name="保存并关闭").click()
    expect(page.get_by_role("status")).to_contain_text("已保存")
    page.close()
    assert read_zones(tmp_path / "zones.yaml") == Zones(picture=(640, 480))
