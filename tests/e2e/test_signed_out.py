"""A desk whose session ends does not fall silent: the page stays, says so in red, and its bell repeats."""

from __future__ import annotations

import contextlib
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import text

from robot.fleet.database import open_database
from tests.e2e.house import PATIENCE_MS
from tests.fleet import signed_in
from tests.fleet.conftest import ROOT, end, free_port, until

pytestmark = pytest.mark.e2e

COUNT_TONES = """
const make = AudioContext.prototype.createOscillator;
AudioContext.prototype.createOscillator = function () {
  document.documentElement.dataset.tones = Number(document.documentElement.dataset.tones || 0) + 1;
  return make.call(this);
};
"""


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    port = free_port()
    command = [sys.executable, "-m", "robot.fleet.dashboard", "--port", str(port), "--data", str(tmp_path)]
    process = subprocess.Popen(command, cwd=ROOT)

    def answers() -> bool:
        assert process.poll() is None, "the dashboard has ended"
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"http://127.0.0.1:{port}/login").is_success
        return False

    try:
        until(answers)
        yield f"http://127.0.0.1:{port}"
    finally:
        end(process, signal.SIGTERM)


def test_a_page_whose_session_ended_stays_and_rings_until_somebody_signs_in(
    browser: Browser, url: str, tmp_path: Path
) -> None:
    context = browser.new_context(base_url=url)
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script(COUNT_TONES)
    page = context.new_page()
    page.goto(signed_in.link(tmp_path))
    page.get_by_test_id("use-link").click()
    page.locator("#sound").click()
    expect(page.locator("html")).to_have_attribute("data-tones", "2")
    database = open_database(tmp_path)
    with database.write() as session:
        session.execute(text("DELETE FROM sessions"))
    database.close()
    expect(page.locator("#gone")).to_be_visible()
    expect(page.locator("#lost")).to_be_hidden()
    expect(page.locator("html")).to_have_attribute("data-tones", re.compile(r"\d\d"))  # at once, and every 15 s
    assert page.url.startswith(f"{url}/?")
    other = context.new_page()
    other.goto(signed_in.link(tmp_path))
    other.get_by_test_id("use-link").click()
    expect(page.locator("#gone")).to_be_hidden()
    context.close()
