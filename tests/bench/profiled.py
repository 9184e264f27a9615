"""Run a module under cProfile, each thread by its CPU time: `python -m tests.bench.profiled FILE MODULE ARGUMENTS`."""

from __future__ import annotations

import cProfile
import pstats
import runpy
import sys
import threading
import time
from collections.abc import Callable

_profiles: list[cProfile.Profile] = []


def _watched(run: Callable[[threading.Thread], None]) -> Callable[[threading.Thread], None]:
    def watched(thread: threading.Thread) -> None:
        profile = cProfile.Profile(time.thread_time)
        _profiles.append(profile)
        profile.runcall(run, thread)

    return watched


def main() -> None:
    _, file, module, *arguments = sys.argv
    threading.Thread.run = _watched(threading.Thread.run)  # type: ignore[method-assign]  # on purpose, for this process
    own = cProfile.Profile(time.thread_time)
    sys.argv = [module, *arguments]
    try:
        own.runcall(runpy.run_module, module, run_name="__main__", alter_sys=True)
    finally:
        stats = pstats.Stats(own)
        for profile in _profiles:
            profile.disable()
            stats.add(profile)
        stats.dump_stats(file)


if __name__ == "__main__":
    main()
