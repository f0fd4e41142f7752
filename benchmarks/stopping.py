"""A benchmark that is told to end leaves nothing behind."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def until_told_to_end() -> Iterator[None]:
    """Ctrl-C and SIGTERM end what runs inside in order, its servers stop and its folders go; then the process exits.

    SIGTERM becomes Ctrl-C, which asyncio knows how to end on: it cancels what runs, and waits until that is over. A
    shell may have started us in the background, where Ctrl-C is ignored; so its handler is put back.
    """
    told = signal.SIGINT

    def terminate(_number: int, _frame: FrameType | None) -> None:
        nonlocal told
        told = signal.SIGTERM
        signal.raise_signal(signal.SIGINT)

    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    except KeyboardInterrupt:
        sys.exit(128 + told)
