"""Trains on one file and prints [right, found, confidence] for the tests of another. Runs in Rasa's interpreter."""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from pathlib import Path

from rasa.core.agent import Agent
from rasa.model_training import train_nlu


async def _parse(agent: Agent, tests: list[tuple[str, str]]) -> list[tuple[str, str, float]]:
    rows = []
    for intent, text in tests:
        found = (await agent.parse_message(text))["intent"]
        rows.append((intent, found["name"], found["confidence"]))
    return rows


def main(config: str, data: str, tests: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        agent = Agent.load(train_nlu(config, data, folder))
        rows = asyncio.run(_parse(agent, json.loads(Path(tests).read_text(encoding="utf-8"))))
    sys.stdout.write("\n" + json.dumps(rows, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main(*sys.argv[1:4])
