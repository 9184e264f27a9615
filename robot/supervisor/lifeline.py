"""Processes that must not outlive those who started them: parent-death signals, adopted orphans, and a guard.

The kernel tells a child of its parent's death, but not a grandchild. So the supervisor adopts orphans (sub-reaper), and
runs below a guard: a process that only waits. If the supervisor is killed, the guard adopts and ends what is left; if
the guard is killed, the supervisor is told so by `GUARD_DIED` and ends everything. Linux only.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
from collections.abc import Collection
from pathlib import Path

GUARD_DIED = signal.SIGUSR1
FORWARDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_LIBC = ctypes.CDLL(None, use_errno=True)  # loaded here: a child between fork and exec must not look for libraries


def _prctl(option: int, value: int) -> None:
    if _LIBC.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}) failed")


def die_with_parent(parent_pid: int, death: signal.Signals = signal.SIGKILL) -> None:
    """Have the kernel send `death` to this process when `parent_pid` ends. Survives exec, but not a set-uid program.

    To be called by the child. Linux watches the *thread* that forked, so a parent must fork from a thread that lives as
    long as itself. A parent that died before this call is noticed by its pid, and ends this process at once.
    """
    _prctl(_PR_SET_PDEATHSIG, int(death))
    if os.getppid() != parent_pid:
        os.kill(os.getpid(), signal.SIGKILL)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent dies."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def kill_children(keep: Collection[int] = ()) -> None:
    """SIGKILL and reap every child but `keep`, and whatever is adopted while they die."""
    while pids := _children_of(os.getpid()) - set(keep):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        for pid in pids:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def _children_of(parent: int) -> set[int]:
    children = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                # "pid (any name) state ppid ...": the name may hold spaces and brackets
                after_name = (entry / "stat").read_bytes().rpartition(b")")[2].split()
                if int(after_name[1]) == parent:
                    children.add(int(entry.name))
    return children


def run_below_guard() -> None:
    """Split in two: the guard stays in here and exits with the code of the other, which returns to be the supervisor.

    The guard passes SIGINT, SIGTERM and SIGHUP on. To be called before anything was started, by a single thread.
    """
    guard_pid = os.getpid()
    adopt_orphans()
    sys.stdout.flush()
    sys.stderr.flush()
    signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED)
    supervisor_pid = os.fork()
    if supervisor_pid == 0:
        os.setsid()  # the terminal's Ctrl-C reaches the guard only, and from there this process once
        die_with_parent(guard_pid, GUARD_DIED)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
        return
    for number in FORWARDED:
        signal.signal(number, lambda number, _frame: os.kill(supervisor_pid, number))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
    _, status = os.waitpid(supervisor_pid, 0)
    for number in FORWARDED:
        signal.signal(number, signal.SIG_IGN)
    kill_children()
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 1)
