"""Libraries that greet or grumble on the process's stderr (descriptor 2), where users expect errors only."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_stderr() -> Iterator[None]:
    """Meanwhile what C code writes there goes nowhere. Of the whole process, threads included: for commands."""
    try:
        kept = os.dup(2)
    except OSError:  # closed by whoever started us: nothing to keep quiet
        yield
        return
    nothing = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nothing, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nothing)
