"""Sends the outbox to the platform and takes its answers. It decides nothing: what is in the outbox will arrive."""

from __future__ import annotations

import time

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from hani_msgs.msg import BedState
from hani_msgs.msg import Receipt as ReceiptMessage

from robot import __version__, paths
from robot.messages import Presence, Receipt
from robot.nodes import convert, topics
from robot.nodes.base import HaniNode, run
from robot.nodes.lifecycle_manager import ORDER
from robot.reporting.contract import BedBody
from robot.reporting.outbox import Outbox
from robot.reporting.uplink import Uplink, UplinkSettings
from robot.settings import PlatformReporterSettings

_PUMP_PERIOD_S = 0.05
_BED_PERIOD_S = 60.0  # facts: summaries once a minute and on change
_HEALTH_LOST_AFTER_S = 10.0  # /diagnostics comes once a second


class PlatformReporter(HaniNode[PlatformReporterSettings]):
    NAME = "platform_reporter"

    def configure(self) -> None:
        settings = self.settings
        self._outbox: Outbox | None = Outbox(paths.database(self.home))
        self._uplink: Uplink | None = Uplink(
            UplinkSettings(settings.robot_id, settings.broker_host, settings.broker_port, __version__),
            self._outbox,
            self._on_receipt,
        )
        self._bed_sent: tuple[BedBody, float] | None = None
        self._receipts = self.offer(ReceiptMessage, topics.RECEIPT)

    def activate(self) -> None:
        if self._uplink is not None:
            self._uplink.start(time.time())
        self.listen(BedState, topics.BED, self._on_bed, topics.LATCHED)
        self.listen(DiagnosticArray, topics.DIAGNOSTICS, self._on_diagnostics)
        self._health_at_s = time.monotonic()
        self.every(_PUMP_PERIOD_S, self._pump)
        self.every(1.0, self._check_health)

    def deactivate(self) -> None:
        if getattr(self, "_uplink", None) is not None and self._uplink is not None:
            self._uplink.stop(time.time())

    def cleanup(self) -> None:
        if getattr(self, "_outbox", None) is not None and self._outbox is not None:
            self._outbox.close()
        self._outbox = self._uplink = None

    def _pump(self) -> None:
        if self._uplink is not None:
            self._uplink.pump(time.time())
            self.report_fault("" if self._uplink.connected else "the platform's broker is out of reach")

    def _on_receipt(self, receipt: Receipt) -> None:
        self._receipts.publish(convert.receipt_to_ros(receipt))

    def _on_bed(self, msg: BedState) -> None:
        bed, now_s = convert.bed(msg), time.time()
        known = bed.fresh and bed.presence is not Presence.UNKNOWN
        body = BedBody(
            in_bed=bed.presence is Presence.IN_BED if known else None,
            heart_rate_bpm=bed.heart_rate_bpm if known else None,
            breath_rate_bpm=bed.breath_rate_bpm if known else None,
            fresh=bed.fresh,
        )
        sent = self._bed_sent
        changed = sent is None or (sent[0].in_bed, sent[0].fresh) != (body.in_bed, body.fresh)
        if self._uplink is None or not self._uplink.connected:
            return  # nothing is kept offline: when the link is back, the bed's next word counts
        if changed or sent is None or now_s - sent[1] >= _BED_PERIOD_S:
            self._uplink.send_bed(body, now_s)
            self._bed_sent = (body, now_s)

    def _on_diagnostics(self, msg: DiagnosticArray) -> None:
        worst = DiagnosticStatus.ERROR[0]
        # /diagnostics is everybody's: of this machine's drivers, and of other robots on it
        own = [status for status in msg.status if status.hardware_id == self.settings.robot_id]
        levels = {status.name: min(int(status.level[0]), worst) for status in own}
        if self._uplink is not None and levels:
            self._health_at_s = time.monotonic()
            self._uplink.set_health(levels)

    def _check_health(self) -> None:
        """Without a health monitor nobody knows how the nodes are: they must not be shown as they last were."""
        if self._uplink is not None and time.monotonic() - self._health_at_s > _HEALTH_LOST_AFTER_S:
            self._uplink.set_health(dict.fromkeys(ORDER, int(DiagnosticStatus.ERROR[0])))


def main() -> int:
    return run(PlatformReporter)
