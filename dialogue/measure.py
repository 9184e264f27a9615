"""Figures of the running server: start, memory and time a turn, on this machine.

    python -m dialogue.measure [--slim]

Starts a server of its own on a free port, asks it phrases of the grammar, prints one JSON line, and stops it.
"""

from __future__ import annotations

import argparse
import json
import random
import socket
import subprocess
import sys
import time

import psutil

from dialogue.client import RasaClient
from dialogue.rules import match
from dialogue.serve import serve_command
from dialogue.words import phrases
from robot.errors import HaniError, LinkFault, MissingPart

TURNS = 400
_START_WITHIN_S = 120.0
_SEED = 1


def measure(*, slim: bool) -> dict[str, float | bool]:
    """Seconds, megabytes and milliseconds. Raises `MissingPart` when the server does not start."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    argv, env = serve_command(port, slim=slim)
    server = subprocess.Popen(argv, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    client = RasaClient(f"http://127.0.0.1:{port}", sender="measure", timeout_s=5.0)
    try:
        started_s = _started(server, client)
        process = psutil.Process(server.pid)
        start_cpu_s = process.cpu_times().user + process.cpu_times().system
        taken_ms, right = _turns(client)
        return {
            "slim": slim,
            "start_s": round(started_s, 1),
            "start_cpu_s": round(start_cpu_s, 1),
            "rss_mb": round(process.memory_info().rss / 2**20),
            "turns": TURNS,
            "turn_ms_p50": round(taken_ms[TURNS // 2], 1),
            "turn_ms_p95": round(taken_ms[TURNS * 95 // 100], 1),
            "turn_cpu_ms": round(
                (process.cpu_times().user + process.cpu_times().system - start_cpu_s) * 1e3 / TURNS, 1
            ),
            "known_phrases_right": right / TURNS,
        }
    finally:
        client.close()
        server.terminate()
        server.wait()


def _started(server: subprocess.Popen[bytes], client: RasaClient) -> float:
    began_s = time.monotonic()
    while time.monotonic() < began_s + _START_WITHIN_S and server.poll() is None:
        try:
            client.tell("check_in", time.monotonic())
        except LinkFault:
            time.sleep(0.2)
        else:
            return time.monotonic() - began_s
    raise MissingPart("The dialogue server does not start; run the command of dialogue.serve to see why.")


def _turns(client: RasaClient) -> tuple[list[float], int]:
    asked = list(phrases())
    random.Random(_SEED).shuffle(asked)
    taken_ms, right = [], 0
    for phrase in asked[:TURNS]:
        began_s = time.perf_counter()
        verdict = client.understand(phrase.text, phrase.language, time.monotonic())
        taken_ms.append((time.perf_counter() - began_s) * 1e3)
        right += verdict.intent == match(phrase.text, phrase.language)[0]
    return sorted(taken_ms), right


def main() -> int:
    """Print the figures; one line and 1 when there is no server to measure."""
    parser = argparse.ArgumentParser(prog="python -m dialogue.measure")
    parser.add_argument("--slim", action="store_true", help="the server without TensorFlow")
    try:
        sys.stdout.write(json.dumps(measure(slim=parser.parse_args().slim)) + "\n")
    except HaniError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
