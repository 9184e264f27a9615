"""Real pyttsx3 on real eSpeak NG: every text becomes sound or one clear error, whatever happens to the engine."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from robot.errors import BadConfiguration, BadInput, DeviceFault, MissingPart
from robot.messages import Language
from robot.speech import wav_files
from robot.speech.synthesis import LONGEST_TEXT, FakeSynthesizer, Pyttsx3Synthesizer, VoiceSettings

pytestmark = pytest.mark.unit

SENTENCES = [
    ("您好，我是您的小伙伴，今天天气很好。", Language.ZH, 17),
    ("Өглөөний мэнд! Эмээ уух цаг боллоо.", Language.MN, 12),
]


@pytest.mark.parametrize(("text", "language", "syllables"), SENTENCES)
def test_a_sentence_is_audible_and_at_a_pace_for_older_listeners(
    synthesizer: Pyttsx3Synthesizer, tmp_path: Path, text: str, language: Language, syllables: int
) -> None:
    audio = synthesizer.synthesize(text, language, tmp_path / "x.wav")
    sound = wav_files.read(audio.path)
    assert sound.audible
    assert sound.duration_s == audio.duration_s
    assert 2.0 < syllables / audio.duration_s < 5.5


def test_mixed_text_is_spoken_by_both_voices(synthesizer: Pyttsx3Synthesizer, tmp_path: Path) -> None:
    def duration_s(text: str) -> float:
        return synthesizer.synthesize(text, Language.MN, tmp_path / "x.wav").duration_s

    # eSpeak NG reads a foreign script letter by letter ("Chinese letter"), which would take far longer
    apart = duration_s("Сайн байна уу,") + duration_s("您好")
    assert duration_s("Сайн байна уу, 您好") == pytest.approx(apart + 0.15, abs=0.05)


def test_chakhar_and_khalkha_are_different_voices(voice_data: Path, tmp_path: Path) -> None:
    sounds = []
    for voice in ("xgn/mvf", "xgn/mn"):
        made = Pyttsx3Synthesizer(VoiceSettings(voice_mn=voice), voice_data=voice_data, cache_dir=tmp_path / "cache")
        try:
            made.synthesize("Сайн байна уу? Зээ, цай.", Language.MN, tmp_path / "x.wav")
        finally:
            made.close()
        sounds.append(wav_files.read(tmp_path / "x.wav").samples)
    assert len(sounds[0]) != len(sounds[1])


def test_the_rate_holds_for_every_text_in_any_order(voice_data: Path, tmp_path: Path) -> None:
    """pyttsx3 loses properties now and then; a lost one would give a slow and a fast text the same length."""
    durations: dict[int, set[float]] = {100: set(), 200: set()}
    for attempt in range(3):
        for rate_wpm, seen in durations.items():
            settings = VoiceSettings(rate_wpm=rate_wpm)
            made = Pyttsx3Synthesizer(settings, voice_data=voice_data, cache_dir=tmp_path / f"{attempt}-{rate_wpm}")
            try:
                for text, language, _ in SENTENCES:
                    audio = made.synthesize(text, language, tmp_path / "x.wav")
                seen.add(round(audio.duration_s, 1))
            finally:
                made.close()
    assert min(durations[100]) > 1.5 * max(durations[200])


@pytest.mark.parametrize("fault", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "hung"])
def test_a_dead_or_hung_engine_is_replaced_and_the_text_is_spoken(
    voice_data: Path, tmp_path: Path, fault: signal.Signals
) -> None:
    made = Pyttsx3Synthesizer(voice_data=voice_data, cache_dir=tmp_path / "cache", answer_timeout_s=0.5)
    try:
        made.prepare([])
        before = made.engine_pid
        assert before is not None
        os.kill(before, fault)
        assert made.synthesize("您还好吗？", Language.ZH, tmp_path / "x.wav").duration_s > 0.5
        assert made.engine_pid != before
        with pytest.raises(ProcessLookupError):
            os.kill(before, 0)
    finally:
        made.close()


def test_the_engine_ends_when_its_parent_is_gone(voice_data: Path) -> None:
    child = subprocess.Popen(
        [sys.executable, "-m", "robot.speech.synthesis_child", str(voice_data)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    with child.stdout, child.stdin:
        assert "xgn/mvf" in json.loads(child.stdout.readline())["voices"]
        child.stdin.close()
        assert child.wait(20) == 0


def test_what_was_said_before_comes_from_the_cache_without_an_engine(
    synthesizer: Pyttsx3Synthesizer, tmp_path: Path
) -> None:
    synthesizer.prepare([("您还好吗？", Language.ZH)])
    synthesizer.close()
    synthesizer.synthesize("您还好吗？", Language.ZH, tmp_path / "x.wav")
    assert synthesizer.engine_pid is None


def test_a_broken_cache_file_is_made_again(synthesizer: Pyttsx3Synthesizer, tmp_path: Path) -> None:
    synthesizer.prepare([("您还好吗？", Language.ZH)])
    for path in (tmp_path / "cache").iterdir():
        path.write_bytes(b"RIFF")
    assert synthesizer.synthesize("您还好吗？", Language.ZH, tmp_path / "x.wav").duration_s > 0.5


def test_the_cache_stays_within_its_limit(voice_data: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    made = Pyttsx3Synthesizer(voice_data=voice_data, cache_dir=cache, cache_bytes=100_000)
    try:
        made.prepare([(f"您好{number}", Language.ZH) for number in range(6)])
    finally:
        made.close()
    assert 0 < sum(path.stat().st_size for path in cache.iterdir()) <= 100_000


def test_a_missing_voice_is_named(voice_data: Path, tmp_path: Path) -> None:
    made = Pyttsx3Synthesizer(VoiceSettings(voice_mn="xgn/no"), voice_data=voice_data, cache_dir=tmp_path)
    try:
        with pytest.raises(MissingPart, match="xgn/no"):
            made.synthesize("Сайн байна уу", Language.MN, tmp_path / "x.wav")
    finally:
        made.close()


def test_a_voice_that_was_not_built_says_how_to_build_it(tmp_path: Path) -> None:
    with pytest.raises(MissingPart, match=r"python -m models\.build_voice"):
        Pyttsx3Synthesizer(voice_data=tmp_path / "nothing", cache_dir=tmp_path)


@pytest.mark.parametrize("text", ["", "...", "，。！", "好" * (LONGEST_TEXT + 1)])
def test_a_text_without_sound_or_without_end_is_refused(
    synthesizer: Pyttsx3Synthesizer, tmp_path: Path, text: str
) -> None:
    with pytest.raises(BadInput):
        synthesizer.synthesize(text, Language.ZH, tmp_path / "x.wav")


def test_a_folder_that_is_not_there_is_named(synthesizer: Pyttsx3Synthesizer, tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="nowhere"):
        synthesizer.synthesize("您好", Language.ZH, tmp_path / "nowhere" / "x.wav")


@pytest.mark.parametrize("wrong", [{"rate_wpm": 20}, {"volume": 1.5}, {"pitch": 100}])
def test_settings_out_of_range_are_named(wrong: dict[str, float]) -> None:
    with pytest.raises(BadConfiguration, match=next(iter(wrong))):
        VoiceSettings(**wrong)  # type: ignore[arg-type]  # the values are wrong on purpose


def test_the_fake_speaks_and_fails_on_demand(tmp_path: Path) -> None:
    fake = FakeSynthesizer(fails_on=frozenset({"broken"}))
    assert wav_files.read(fake.synthesize("Сайн", Language.MN, tmp_path / "x.wav").path).audible
    with pytest.raises(DeviceFault):
        fake.synthesize("broken", Language.MN, tmp_path / "x.wav")


@pytest.mark.parametrize("faults", [1, 2])
def test_a_text_survives_two_faults_in_a_row(
    voice_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, faults: int
) -> None:
    """The engine that replaces a hung one made a silent file once, on a busy machine."""
    made = Pyttsx3Synthesizer(voice_data=voice_data, cache_dir=tmp_path / "cache")
    ask, left = made._ask, [DeviceFault("silent")] * faults

    def unlucky(request: dict[str, Any]) -> Any:
        if left:
            raise left.pop()
        return ask(request)

    monkeypatch.setattr(made, "_ask", unlucky)
    try:
        assert made.synthesize("您还好吗？", Language.ZH, tmp_path / "x.wav").duration_s > 0.5
    finally:
        made.close()
