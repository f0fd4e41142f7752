"""Waiting for a fact with a deadline. Where something can announce itself, wait for that instead."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any

#: Generous, because a busy machine is no fault of the code; a test that passes never waits that long.
DEADLINE_SECONDS = 20.0
_POLL_SECONDS = 0.02


async def eventually(
    fact: Callable[[], Any | Awaitable[Any]], *, within: float = DEADLINE_SECONDS, what: str = ""
) -> Any:
    """Ask for *fact* (plain or async) until it is true and give what it said, or fail after *within* s."""
    deadline = time.monotonic() + within
    while True:
        answer = fact()
        if inspect.isawaitable(answer):
            answer = await answer
        if answer:
            return answer
        assert time.monotonic() < deadline, f"not within {within} s: {what or fact} (last answer: {answer!r})"
        await asyncio.sleep(_POLL_SECONDS)


def eventually_sync(fact: Callable[[], Any], *, within: float = DEADLINE_SECONDS, what: str = "") -> Any:
    """The same for tests without a loop."""
    deadline = time.monotonic() + within
    while not (answer := fact()):
        assert time.monotonic() < deadline, f"not within {within} s: {what or fact} (last answer: {answer!r})"
        time.sleep(_POLL_SECONDS)
    return answer
