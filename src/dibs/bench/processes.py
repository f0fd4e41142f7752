"""CPU time and memory of processes, as Linux tells them."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_PROC: Final = Path("/proc")


def is_visible() -> bool:
    """True where the system tells these things."""
    return (_PROC / "stat").exists()


def machine_cpu_seconds() -> float:
    """CPU time that all cores together were busy, or that the host took from them, since the machine started."""
    fields = (_PROC / "stat").read_text("ascii").split("\n", 1)[0].split()[1:9]
    user, nice, system, _idle, _waiting, interrupts, soft_interrupts, stolen = map(int, fields)
    return (user + nice + system + interrupts + soft_interrupts + stolen) / _TICKS


def tree_cpu_seconds(*pids: int) -> float:
    """CPU time of processes and all below them, living and ended, each once; 0 for those that are not there."""
    while True:
        tree = _trees(pids)
        total = sum(_cpu_seconds(each) for each in tree)
        if tree == _trees(pids):  # else one ended meanwhile, and is counted nowhere or twice
            return total


def tree_rss_bytes(pid: int) -> int:
    """The most memory that each process of the tree has held so far, added up."""
    return sum(_rss_bytes(each) for each in _tree(pid))


def parent(pid: int) -> int:
    """The process that started it."""
    return int(_stat(pid)[1])


def title(pid: int) -> str:
    """What it says it is; empty when there is no such process."""
    try:
        return (_PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
    except OSError:
        return ""


def _trees(pids: Iterable[int]) -> set[int]:
    return {each for pid in pids for each in _tree(pid)}


def _tree(pid: int) -> list[int]:
    found, waiting = [], [pid]
    while waiting:
        each = waiting.pop()
        found.append(each)
        try:
            for thread in (_PROC / str(each) / "task").iterdir():
                waiting += map(int, (thread / "children").read_text("ascii").split())
        except OSError:
            continue  # it has just ended
    return found


def _cpu_seconds(pid: int) -> float:
    """Of the process, and of its children that ended."""
    try:
        return sum(map(int, _stat(pid)[11:15])) / _TICKS
    except OSError:
        return 0.0


def _rss_bytes(pid: int) -> int:
    try:
        lines = (_PROC / str(pid) / "status").read_text("ascii", "replace").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), 0)


def _stat(pid: int) -> list[str]:
    """The fields after the name, which may hold anything: the state is the first of them."""
    return (_PROC / str(pid) / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
