"""A disk that can be full: a small memory disk where this process may mount one, else a limit on the writers' files.

Both refuse real writes of real processes. The memory disk answers ENOSPC, as a full disk does; the limit EFBIG.
"""

from __future__ import annotations

import contextlib
import os
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil

BLOCK = 1 << 20


class Disk:
    """A folder whose disk `fill` makes full and `free` makes usable again. `writers` are the processes that use it."""

    def __init__(self, folder: Path, size_mib: int, writers: Callable[[], Iterable[psutil.Process]]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self._writers = folder, writers
        self._ballast = folder / "ballast"
        self.mounted = os.geteuid() == 0 and self._mount(size_mib)

    def fill(self) -> None:
        if not self.mounted:
            self._limit(0)
            return
        with self._ballast.open("ab", buffering=0) as file:
            for size in (BLOCK, 4096, 1):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(b"\0" * size)

    def free(self) -> None:
        if self.mounted:
            self._ballast.unlink(missing_ok=True)
        else:
            self._limit(resource.RLIM_INFINITY)

    def close(self, keep: Path | None = None) -> None:
        """Let go of the disk. What lies on it is copied to `keep` first."""
        if self.mounted:
            if keep is not None:
                shutil.copytree(self.folder, keep, symlinks=True, ignore_dangling_symlinks=True)
            subprocess.run(["umount", "--lazy", str(self.folder)], check=False, capture_output=True)
            self.mounted = False

    def _mount(self, size_mib: int) -> bool:
        command = ["mount", "-t", "tmpfs", "-o", f"size={size_mib}m,mode=0755", "hani-chaos", str(self.folder)]
        return subprocess.run(command, check=False, capture_output=True).returncode == 0

    def _limit(self, size: int) -> None:
        for process in self._writers():
            with contextlib.suppress(psutil.Error, OSError):
                _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
                soft = hard if size == resource.RLIM_INFINITY else size
                resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (soft, hard))
