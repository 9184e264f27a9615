"""The mattress's messages from an MQTT broker."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from robot.mattress.codecs import BedReading, decoder
from robot.mattress.fields import Side
from robot.mqtt_link import BrokerSettings, Message, MqttLink, Topic


@dataclass(frozen=True, slots=True)
class MattressSettings:
    """What the mattress sends. `topic` may hold MQTT wildcards; `format` is a key of codecs.FORMATS or "homeassistant"
    (then the topic is a filter of its announcements); `side` is the resident's on a double bed; `device` is the only
    mattress that counts where several speak on the topic.
    """

    topic: str
    format: str
    side: Side = "any"
    device: str = ""


class MattressLink(MqttLink):
    """Decodes and hands over readings, on the link's own thread. Use as a context manager.

    Readings are wanted live or not at all: the session is clean, and retained messages, which may be days old, are
    not read as readings.
    """

    def __init__(
        self, broker: BrokerSettings, mattress: MattressSettings, on_reading: Callable[[BedReading], None]
    ) -> None:
        """Raises BadConfiguration for an unknown format or an unreadable certificate or password file."""
        self._decoder = decoder(mattress.format, mattress.side, mattress.device)
        self._on_reading = on_reading
        super().__init__(broker, self._decoder.topics(mattress.topic), self._take)

    def _take(self, message: Message) -> Sequence[Topic]:
        reading = self._decoder.read(message)
        if reading is not None:
            self._on_reading(reading)
        return self._decoder.further()
