"""What the recogniser's process costs, and how long a restart takes: `python -m tests.bench.hearing`.

The product's grammar and safety decoder, the clips of tests/data/speech one after another. Prints one JSON line; memory
is of all its processes, shared pages once; the times of restarts are of each.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from itertools import chain
from statistics import median

import psutil

from dialogue import words
from dialogue.grammar import everyday, resident_grammar
from robot import paths
from robot.messages import Phrase
from robot.speech.audio import CHUNK_S, AudioChunk, FileSource
from robot.speech.decoder_link import DecoderLink
from robot.speech.graph_builder import ensure_derived, ensure_graph
from robot.speech.lexicon import Lexicon
from robot.speech.safety_decoder import decoder_phrases
from tests.unit.hearing.conftest import clips

_MB = 1e6
_RESTARTS = 5


def product_link() -> tuple[DecoderLink, float]:
    """As the node makes it, and how long the graphs took."""
    began_s = time.monotonic()
    model, cache = paths.SPEECH_MODEL, paths.graph_cache()
    grammar, safety = resident_grammar(words.words()), words.safety_phrases()
    sentences = tuple(everyday(grammar))
    decoder = ensure_derived(
        [Phrase(*key) for key in (*safety, *sentences)],
        lambda: decoder_phrases(safety, sentences, Lexicon.of_model(model)),
        model,
        cache,
    )
    return DecoderLink.vosk(ensure_graph(grammar, model, cache), decoder), time.monotonic() - began_s


def sound() -> list[AudioChunk]:
    """All clips, a second of silence behind each."""
    return list(chain.from_iterable(FileSource(clip.path, tail_s=1.0).chunks() for clip in clips()))


def restart_s(link: DecoderLink, chunks: list[AudioChunk], how: signal.Signals) -> float:
    """From the signal to the first new answer of the next process, with sound in real time; plays on to a final, so
    that the next time no more than one utterance has to be heard again.
    """
    assert link.pid is not None
    restarts, took_s = link.restarts, float("inf")
    for at, chunk in enumerate(chunks):
        if at == 10:
            while link.behind_s() > 0.0:
                link.poll(0.1)
            os.kill(link.pid, how)
            began_s = time.monotonic()
        answers = link.feed(chunk)
        if at >= 10 and link.restarts > restarts and answers:
            took_s = min(took_s, time.monotonic() - began_s)
            if any(answer.final for answer in answers):
                break
        time.sleep(max(CHUNK_S - 0.06, 0.0))
    return took_s


def main() -> int:
    link, graphs_s = product_link()
    began_s = time.monotonic()
    link.start()
    start_s = time.monotonic() - began_s
    chunks = sound()
    assert link.pid is not None
    child = psutil.Process(link.pid)
    before = child.cpu_times()
    heard_s = 0.0
    finals = 0
    for chunk in chunks:
        finals += sum(answer.final is not None for answer in link.feed(chunk))
        heard_s += CHUNK_S
        while link.behind_s() > 0.5:
            finals += sum(answer.final is not None for answer in link.poll(0.1))
    after = child.cpu_times()
    family = psutil.Process().children(recursive=True)
    report: dict[str, object] = {
        "graphs_s": round(graphs_s, 2),
        "start_s": round(start_s, 2),
        "sound_s": round(heard_s, 1),
        "finals": finals,
        "cpu_share": round((after.user + after.system - before.user - before.system) / heard_s, 3),
        "pss_mb": round(sum(one.memory_full_info().pss for one in family) / _MB),
    }
    for name, how in (("killed", signal.SIGKILL), ("wedged", signal.SIGSTOP)):
        times = [restart_s(link, chunks, how) for _ in range(_RESTARTS)]
        report[f"{name}_to_answer_s"] = {"median": round(median(times), 2), "all": [round(one, 2) for one in times]}
    link.close()
    sys.stdout.write(json.dumps(report) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
