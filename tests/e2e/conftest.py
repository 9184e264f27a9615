"""What the whole-house tests share: Debian's Chromium through playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import domain_coordinator
import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.e2e.house import PATIENCE_MS

CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
QUIET = ["--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update"]


@pytest.fixture(scope="session", autouse=True)
def _domain_of_their_own() -> Iterator[None]:
    """Whoever else uses ROS 2 on this machine is in no house of the tests."""
    with domain_coordinator.domain_id() as number, pytest.MonkeyPatch.context() as patch:
        patch.setenv("ROS_DOMAIN_ID", str(number))
        yield


@pytest.fixture(scope="module")  # not longer: playwright keeps an event loop running in this thread meanwhile
def browser() -> Iterator[Browser]:
    path = next((found for name in CHROMIUM if (found := shutil.which(name))), None)
    assert path, "Chromium is missing: run `make test`, which installs it"
    # a sandbox needs a user that is not root; the pages are our own
    arguments = [*QUIET, "--disable-sync", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments, timeout=PATIENCE_MS)
        yield browser
        browser.close()
