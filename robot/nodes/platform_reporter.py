"""Sends the outbox to the platform and takes its answers. It decides nothing: what is in the outbox will arrive."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from hani_msgs.msg import BedState
from hani_msgs.msg import Receipt as ReceiptMessage

from robot import __version__, paths
from robot.errors import BadConfiguration
from robot.messages import Presence, Receipt
from robot.nodes import convert, topics
from robot.nodes.base import HaniNode, run
from robot.nodes.health_monitor import REASON
from robot.nodes.lifecycle_manager import ORDER
from robot.reporting.bed_minute import BedMinute
from robot.reporting.contract import BedBody
from robot.reporting.drill import Drill
from robot.reporting.outbox import Outbox
from robot.reporting.renewal import renewals_of
from robot.reporting.uplink import Tls, Uplink, UplinkSettings
from robot.settings import PlatformReporterSettings

_PUMP_PERIOD_S = 0.05
_SELDOM_S = 10.0
_HEALTH_LOST_AFTER_S = 10.0  # /diagnostics comes once a second


class PlatformReporter(HaniNode[PlatformReporterSettings]):
    NAME = "platform_reporter"

    def configure(self) -> None:
        settings = self.settings
        self._outbox: Outbox | None = None
        self._uplink: Uplink | None = None
        outbox = self._outbox = Outbox(paths.database(self.home))
        self._drill = Drill(outbox, settings.robot_id, settings.test_every_h * 3600.0)
        self._uplink = Uplink(_uplink(settings), outbox, self._on_receipt, self._drill.begin)
        self._bed = BedMinute()
        self._disk_fault = self._test_fault = ""
        self._renewals = renewals_of(settings.tls_certificate, settings.robot_id)
        self._receipts = self.offer(ReceiptMessage, topics.RECEIPT)

    def activate(self) -> None:
        if self._uplink is not None:
            self._uplink.start(time.time())
        if self._renewals is not None:
            self._renewals.start()
        self._files = _stamps(self.settings)
        self.listen(BedState, topics.BED, self._on_bed, topics.LATCHED)
        self.listen(DiagnosticArray, topics.DIAGNOSTICS, self._on_diagnostics)
        self._health_at_s = time.monotonic()
        self.every(_PUMP_PERIOD_S, self._pump)
        self.every(1.0, self._check_health)
        self.every(_SELDOM_S, self._run_drill)
        self.every(_SELDOM_S, self._use_new_files)

    def deactivate(self) -> None:
        if getattr(self, "_renewals", None) is not None and self._renewals is not None:
            self._renewals.stop()
        if getattr(self, "_uplink", None) is not None and self._uplink is not None:
            self._uplink.stop(time.time())

    def cleanup(self) -> None:
        if getattr(self, "_outbox", None) is not None and self._outbox is not None:
            self._outbox.close()
        self._outbox = self._uplink = None

    def _pump(self) -> None:
        if self._uplink is not None:
            self._uplink.pump(time.time())
            link = "" if self._uplink.connected else "the platform's broker is out of reach"
            identity = "" if self._renewals is None else self._renewals.fault
            self.report_fault(self._uplink.fault or link or self._disk_fault or self._test_fault or identity)

    def _run_drill(self) -> None:
        now_s = time.time()
        try:
            self._drill.tick(now_s)
            missing = self._drill.is_missing(now_s)
            if self._uplink is not None:
                self._uplink.set_test_ok(self._drill.ok_at_s())
        except sqlite3.Error as error:
            self.log.warning("no test alarm now: %s", error)
            return
        self._test_fault = "the test alarm did not come back from the platform" if missing else ""

    def _use_new_files(self) -> None:
        """Certificates are renewed while the robot runs: connect anew with what is there now."""
        stamps, now_s = _stamps(self.settings), time.time()
        if self._uplink is None or stamps == self._files:
            return
        try:
            self._uplink.stop(now_s)
            self._uplink.start(now_s)
            self._files = stamps
        except BadConfiguration as error:  # half written; it is looked at again
            self.log.error("not connected: %s", error)

    def _on_receipt(self, receipt: Receipt) -> None:
        self._receipts.publish(convert.receipt_to_ros(receipt))

    def _on_bed(self, msg: BedState) -> None:
        bed = convert.bed(msg)
        known = bed.fresh and bed.presence is not Presence.UNKNOWN
        body = BedBody(
            in_bed=bed.presence is Presence.IN_BED if known else None,
            heart_rate_bpm=bed.heart_rate_bpm if known else None,
            breath_rate_bpm=bed.breath_rate_bpm if known else None,
            fresh=bed.fresh,
            wet=bed.wet if known else None,
        )
        report = self._bed.take(body, time.monotonic())
        if report is None or self._outbox is None:
            return
        try:
            self._outbox.append(report, time.time())
            self._disk_fault = ""
        except sqlite3.Error as error:
            self.log.warning("a summary of the bed is lost: %s", error)
            self._disk_fault = "the disk does not take summaries"

    def _on_diagnostics(self, msg: DiagnosticArray) -> None:
        worst = DiagnosticStatus.ERROR[0]
        # /diagnostics is everybody's: of this machine's drivers, and of other robots on it
        own = [status for status in msg.status if status.hardware_id == self.settings.robot_id]
        levels = {status.name: min(int(status.level[0]), worst) for status in own}
        if self._uplink is not None and levels:
            self._health_at_s = time.monotonic()
            told = {status.name: value.value for status in own for value in status.values if value.key == REASON}
            self._uplink.set_health(levels, told)

    def _check_health(self) -> None:
        """Without a health monitor nobody knows how the nodes are: they must not be shown as they last were."""
        if self._uplink is not None and time.monotonic() - self._health_at_s > _HEALTH_LOST_AFTER_S:
            self._uplink.set_health(dict.fromkeys(ORDER, int(DiagnosticStatus.ERROR[0])))


def _uplink(settings: PlatformReporterSettings) -> UplinkSettings:
    """Raises BadConfiguration for keys that mean nothing without another."""
    if settings.tls_certificate and not settings.tls_authority:
        raise BadConfiguration("platform_reporter.tls_certificate needs tls_authority: without it there is no TLS")
    if settings.tls_key and not settings.tls_certificate:
        raise BadConfiguration("platform_reporter.tls_key needs tls_certificate")
    tls = Tls(Path(settings.tls_authority), _path(settings.tls_certificate), _path(settings.tls_key))
    return UplinkSettings(
        device=settings.robot_id,
        host=settings.broker_host,
        port=settings.broker_port,
        software=__version__,
        tls=tls if settings.tls_authority else None,
        user=settings.broker_user,
        password_file=_path(settings.broker_password_file),
    )


def _stamps(settings: PlatformReporterSettings) -> tuple[int, ...]:
    """When the files of the link were written; 0 for one that is not there now."""
    files = (settings.tls_authority, settings.tls_certificate, settings.tls_key, settings.broker_password_file)
    stamps = []
    for file in filter(None, files):
        try:
            stamps.append(Path(file).stat().st_mtime_ns)
        except OSError:
            stamps.append(0)
    return tuple(stamps)


def _path(text: str) -> Path | None:
    return Path(text) if text else None


def main() -> int:
    return run(PlatformReporter)
