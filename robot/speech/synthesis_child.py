"""The process in which pyttsx3 runs: `python -m robot.speech.synthesis_child VOICE_DATA`, JSON lines in and out.

First line out:  {"voices": [...]}  or  {"error": "..."} and the end
In:              {"id": 1, "text": "..", "voice": "xgn/mvf", "rate_wpm": 140, "volume": 1, "pitch": 40, "out": "/x.wav"}
Out:             {"id": 1}  or  {"id": 1, "error": "..."}

pyttsx3 2.99 on eSpeak NG has defects that shape this file: queued utterances are lost (one `save_to_file` per
`runAndWait`), an unknown voice raises nothing (asked back), a property set while eSpeak's own thread is busy is
lost (asked back and set again) and a text begun meanwhile is empty (waited for), a sound file that cannot be
written hangs it (the parent's watchdog), threads crash it (a process of its own), and it prints to stdout (answers
have their own descriptor). The process ends when stdin closes, even if eSpeak hangs. Errors never carry the text.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import sys
import threading
import time
from pathlib import Path
from typing import Any

_LAST_GRACE_S = 5.0  # after stdin has closed, the request under way may still end
_PROPERTY_PATIENCE_S = 1.0  # a lost property shows within milliseconds; measured: at most three attempts


class _RefusalError(Exception):
    """A request that cannot be carried out; its message goes to the parent."""


def main(voice_data: Path) -> None:
    """Answer requests until stdin closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then closes stdin
    with os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8", buffering=1) as answers:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        try:
            engine, voices = _start(voice_data)
        except Exception as error:  # whatever pyttsx3 and ctypes raise, the parent shall read it
            _write(answers, {"error": f"{type(error).__name__}: {error}"})
            return
        _write(answers, {"voices": sorted(voices)})
        for request in iter(_requests().get, None):
            answer: dict[str, Any] = {"id": request["id"]}
            try:
                _speak(engine, voices, request)
            except _RefusalError as error:
                answer["error"] = str(error)
            except Exception as error:  # its message could hold the text
                answer["error"] = type(error).__name__
            _write(answers, answer)


def _start(voice_data: Path) -> tuple[Any, set[str]]:
    # a relative path, because eSpeak NG 1.51 cuts data paths at 160 characters
    os.chdir(voice_data)
    os.environ["ESPEAK_DATA_PATH"] = "."
    import pyttsx3

    engine = pyttsx3.init("espeak")
    engine.runAndWait()  # it holds commands back until its loop has run once
    return engine, {voice.id for voice in engine.getProperty("voices")}


def _requests() -> queue.Queue[dict[str, Any] | None]:
    """Requests as they come, read in a thread so that the end of stdin is seen even while eSpeak hangs."""
    waiting: queue.Queue[dict[str, Any] | None] = queue.Queue()

    def read() -> None:
        for line in sys.stdin:
            waiting.put(json.loads(line))
        waiting.put(None)
        time.sleep(_LAST_GRACE_S)
        os._exit(1)

    threading.Thread(target=read, daemon=True).start()
    return waiting


def _speak(engine: Any, voices: set[str], request: dict[str, Any]) -> None:
    if request["voice"] not in voices:
        raise _RefusalError(f"unknown voice {request['voice']}")
    if not os.access(Path(request["out"]).parent, os.W_OK):
        raise _RefusalError("the folder for the sound cannot be written")  # pyttsx3 would hang
    _set(engine, "voice", request["voice"])
    _set(engine, "rate", request["rate_wpm"])
    _set(engine, "volume", request["volume"])
    _set(engine, "pitch", request["pitch"])
    _settle()
    engine.save_to_file(request["text"], request["out"])
    engine.runAndWait()


def _settle() -> None:
    """Wait until eSpeak has worked off the properties: while it is busy, pyttsx3 cancels the text that it begins.

    Without this wait 9 of 1,200 texts were empty, with it 0 of 2,400.
    """
    from pyttsx3.drivers import _espeak

    _espeak.Synchronize()


def _set(engine: Any, name: str, value: object) -> None:
    """Set a property until eSpeak has it."""
    give_up_at_s = time.monotonic() + _PROPERTY_PATIENCE_S
    while time.monotonic() < give_up_at_s:
        engine.setProperty(name, value)
        for _ in range(10):
            if engine.getProperty(name) == value:
                return
            time.sleep(0.001)
    raise _RefusalError(f"{name} {value} was not taken")


def _write(answers: Any, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
