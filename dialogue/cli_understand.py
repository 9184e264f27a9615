"""`hani understand`: what the dialogue makes of texts, as JSON lines."""

from __future__ import annotations

import json
import os
import time
from datetime import datetime
from typing import TextIO

from dialogue.client import RasaClient
from dialogue.engine import Dialogue
from dialogue.serve import DEFAULT_PORT
from robot.errors import HaniError
from robot.messages import Language


def run(lang: str, stdin: TextIO, out: TextIO, err: TextIO) -> int:
    """One JSON line for each non-empty line of `stdin`; Rasa (at HANI_RASA_URL) when it answers, else the rules."""
    if lang not in {language.value for language in Language}:
        err.write(f"The language {lang} is not known; use --lang zh or --lang mn.\n")
        return 2
    language = Language(lang)
    client = RasaClient(os.environ.get("HANI_RASA_URL", f"http://127.0.0.1:{DEFAULT_PORT}"), sender="understand")
    dialogue = Dialogue(client)
    try:
        for line in stdin:
            text = line.strip()
            if text:
                _answer(dialogue, text, language, out)
    except UnicodeDecodeError:
        err.write("The texts are not UTF-8; convert them first.\n")
        return 2
    except HaniError as error:
        err.write(f"{error}\n")
        return 1
    finally:
        client.close()
    return 0


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
