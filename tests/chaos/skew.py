"""Run a module of the product with a wall clock that jumps: `python -m tests.chaos.skew OFFSET_FILE MODULE ARGUMENTS`.

The product has no hook for this: `time.time` is replaced before the product is imported. The file holds one double, the
seconds to add; it is mapped into memory, so a jump is seen by the next reading. Monotonic time stays true.
"""

from __future__ import annotations

import mmap
import runpy
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path

_DOUBLE = struct.Struct("d")


def write(path: Path, offset_s: float) -> None:
    """Set the offset. The file is made on first use and changed in place, for those who have mapped it."""
    with path.open("r+b" if path.exists() else "w+b") as file:
        file.write(_DOUBLE.pack(offset_s))


def skewed(path: Path) -> Callable[[], float]:
    """A wall clock with the file's offset."""
    real = time.time
    with path.open("rb") as file:
        memory = mmap.mmap(file.fileno(), _DOUBLE.size, access=mmap.ACCESS_READ)
    return lambda: real() + float(_DOUBLE.unpack(memory)[0])


def main() -> None:
    _, offset, module, *arguments = sys.argv
    time.time = skewed(Path(offset))
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
