"""Locks between the processes of a machine; the kernel opens them when their holder dies, however it dies."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


def shared(path: Path) -> int:
    """Hold *path* together with others, waiting for whoever holds it alone; closing the descriptor lets go.

    A child made by fork holds it too, until it closes the descriptor, ends, or becomes another program.
    """
    import fcntl

    return _locked(path, fcntl.LOCK_SH)


def try_exclusive(path: Path) -> int | None:
    """Hold *path* alone, or answer None at once when anybody else holds it."""
    import fcntl

    try:
        return _locked(path, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return None


@contextlib.contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold *path* alone for the length of the block, waiting for others."""
    import fcntl

    descriptor = _locked(path, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(descriptor)


def _locked(path: Path, how: int) -> int:
    import fcntl

    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, how)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor
