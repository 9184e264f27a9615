"""Speaks: queue, pyttsx3 in a child process, and the loudspeaker (or the simulated room)."""

from __future__ import annotations

from dataclasses import replace

from hani_msgs.msg import Say, Spoken
from std_msgs.msg import Empty, String

from dialogue import words
from robot import messages
from robot.messages import Language
from robot.nodes import convert, topics
from robot.nodes.base import HaniNode, run
from robot.settings import SpeechSynthesizerSettings
from robot.speech.loudspeaker import REFERENCE, Player, RoomPlayer, SoundDevicePlayer
from robot.speech.speaker import Speaker
from robot.speech.synthesis import Pyttsx3Synthesizer, VoiceSettings

_READY_AT_ONCE = ("check_in_1", "check_in_2", "alarm_raised", "help_coming", "not_reached_yet")
"""Texts that must not wait for a synthesis: rendered before the node becomes active."""
_SLOWER = 0.9
_SLOWEST_WPM = 90
_VOLUME_STEPS = {"louder": 0.2, "quieter": -0.2}
_QUIETEST = 0.4


class SpeechSynthesizer(HaniNode[SpeechSynthesizerSettings]):
    NAME = "speech_synthesizer"

    def configure(self) -> None:
        self._speaker: Speaker | None = None
        self._questions: dict[str, str] = {}
        self._voice = VoiceSettings(rate_wpm=self.settings.rate_wpm, volume=self.settings.volume)
        self._synthesizer = Pyttsx3Synthesizer(self._voice)
        self._synthesizer.prepare(
            (words.robot_text(key, language), language) for key in _READY_AT_ONCE for language in Language
        )
        self._publisher = self.offer(Spoken, topics.SPOKEN)

    def activate(self) -> None:
        self._speaker = Speaker(self._synthesizer, self._player(), self._on_spoken)
        self.listen(Say, topics.SAY, self._on_say)
        self.listen(Empty, topics.HUSH, self._on_hush)
        self.listen(String, topics.ADJUST, self._on_adjust)

    def deactivate(self) -> None:
        if getattr(self, "_speaker", None) is not None and self._speaker is not None:
            self._speaker.close()
            self._speaker = None

    def cleanup(self) -> None:
        if hasattr(self, "_synthesizer"):
            self._synthesizer.close()

    def _player(self) -> Player:
        if self.settings.output == "room":
            return RoomPlayer(self.home / "voice")
        return SoundDevicePlayer(self.settings.device, self.home / REFERENCE)

    def _on_say(self, msg: Say) -> None:
        say = convert.say(msg)
        if self._speaker is not None:
            self._questions[say.id] = say.question
            self._speaker.say(say)

    def _on_adjust(self, msg: String) -> None:
        """A resident asked for it; kept until the node starts again."""
        voice = self._voice
        if msg.data == "slower":
            voice = replace(voice, rate_wpm=max(_SLOWEST_WPM, round(voice.rate_wpm * _SLOWER)))
        elif msg.data in _VOLUME_STEPS:
            voice = replace(voice, volume=min(1.0, max(_QUIETEST, voice.volume + _VOLUME_STEPS[msg.data])))
        self._voice = voice
        self._synthesizer.change(voice)

    def _on_hush(self, _msg: Empty) -> None:
        if self._speaker is not None:
            self._speaker.stop()

    def _on_spoken(self, spoken: messages.Spoken) -> None:
        """On the speaker's thread."""
        started = spoken.state is messages.SpokenState.STARTED
        question = self._questions.get(spoken.say_id, "") if started else self._questions.pop(spoken.say_id, "")
        self._publisher.publish(convert.spoken_to_ros(replace(spoken, question=question)))
        if spoken.state is not messages.SpokenState.INTERRUPTED:  # which may mean: dropped unsaid
            failed = spoken.state is messages.SpokenState.FAILED
            self.report_fault("the voice failed" if failed else "", reason="voice_failed")


def main() -> int:
    return run(SpeechSynthesizer)
