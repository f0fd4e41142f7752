"""One benchmark at a time: two would slow each other down, and write over each other's results."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from dibs.storage.embedded.locks import try_exclusive

_LOCK: Final = Path(__file__).parents[1] / ".bench" / "lock"


@contextmanager
def alone() -> Iterator[None]:
    """Have this clone's turn to measure, or end the process with a sentence when somebody else has it."""
    _LOCK.parent.mkdir(exist_ok=True)
    held = try_exclusive(_LOCK)
    if held is None:
        sys.exit("another benchmark of this clone is running: wait until it has ended, or stop it")
    try:
        yield
    finally:
        os.close(held)
