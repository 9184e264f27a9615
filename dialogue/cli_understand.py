"""`hani understand`: what the dialogue makes of texts, as JSON lines."""

from __future__ import annotations

import io
import json
import os
import time
from datetime import datetime
from typing import TextIO

from dialogue.client import RasaClient
from dialogue.engine import Dialogue
from dialogue.serve import DEFAULT_PORT
from robot.messages import Language


def run(lang: str, stdin: TextIO, out: TextIO, err: TextIO) -> int:
    """One JSON line for each non-empty line of `stdin`; Rasa (at HANI_RASA_URL) when it answers, else the rules.

    A line that is not UTF-8 costs one line on `err`, and the rest go on. Returns 0, 1 after such a line, 2 for an
    unknown language.
    """
    if lang not in {language.value for language in Language}:
        err.write(f"hani understand: the language {lang} is not known; use --lang zh or --lang mn\n")
        return 2
    if isinstance(stdin, io.TextIOWrapper):
        stdin.reconfigure(encoding="utf-8", errors="surrogateescape")  # wherever we run; `_is_text` finds the escapes
    language = Language(lang)
    client = RasaClient(os.environ.get("HANI_RASA_URL", f"http://127.0.0.1:{DEFAULT_PORT}"), sender="understand")
    dialogue = Dialogue(client)
    code = 0
    try:
        for number, line in enumerate(stdin, 1):
            text = line.strip()
            if not _is_text(text):
                err.write(f"hani understand: line {number} is not UTF-8; convert it first\n")
                code = 1
            elif text:
                _answer(dialogue, text, language, out)
    finally:
        client.close()
    return code


def _is_text(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _answer(dialogue: Dialogue, text: str, language: Language, out: TextIO) -> None:
    reply = dialogue.respond(text, language, time.time(), datetime.now().astimezone())
    line = {
        "text": text,
        "language": language.value,
        "intent": reply.intent,
        "confidence": round(reply.confidence, 3),
        "engine": reply.engine,
        "reply": reply.text,
    }
    out.write(json.dumps(line, ensure_ascii=False) + "\n")
    out.flush()
