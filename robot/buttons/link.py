"""The devices' messages from an MQTT broker. Only what is kept on purpose (availability) is wanted retained.

A press while the robot restarts is not lost: the broker queues it for an hour, if it was published with quality of
service 1 (in Zigbee2MQTT: `qos: 1` of the device). It comes as a live message, with its own time where the device's
`last_seen` is told; what was retained stays no press.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from robot.buttons.devices import Devices
from robot.mqtt_link import BrokerSettings, Message, MqttLink, Session, Topic


class ButtonLink(MqttLink):
    """Hands over every message of the home's devices and of Zigbee2MQTT itself; `on_message` may raise BadInput.

    `client_id` names the session at the broker: the same after a restart, and another for every robot.
    """

    def __init__(
        self, broker: BrokerSettings, devices: Devices, on_message: Callable[[Message], None], client_id: str
    ) -> None:
        """Raises BadConfiguration for an unreadable certificate or password file."""
        self._hand_over = on_message
        super().__init__(broker, topics(devices), self._take, Session(client_id))

    def _take(self, message: Message) -> Sequence[Topic]:
        self._hand_over(message)
        return ()


def topics(devices: Devices) -> tuple[Topic, ...]:
    """What a home's devices speak on."""
    found = [Topic(f"{devices.base}/bridge/state", retained=True)]
    for device in devices.devices:
        topic = f"{devices.base}/{device.topic}"
        # "+": a single value each, as Zigbee2MQTT tells where it is asked to (the action alone, or all of them)
        found += [Topic(topic), Topic(f"{topic}/+"), Topic(f"{topic}/availability", retained=True)]
    return tuple(found)
