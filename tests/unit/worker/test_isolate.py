"""A coroutine in a context of its own, without a task of its own."""

import asyncio
from collections.abc import Coroutine
from contextvars import ContextVar, copy_context
from typing import Any, TypeVar

import pytest

from dibs.worker.isolate import Rest, first_step

T = TypeVar("T")
seen: ContextVar[str] = ContextVar("seen", default="nothing")


def rest_of(coroutine: Coroutine[Any, Any, T]) -> Rest[T]:
    """What is left of it after its first step."""
    rest = first_step(coroutine, copy_context())
    assert rest is not None
    return rest


async def test_a_coroutine_that_never_waits_is_done_after_its_first_step():
    async def quick() -> int:
        return 7

    assert first_step(quick(), copy_context()) is None


async def test_context_variables_stay_inside_across_waits():
    async def change() -> str:
        seen.set("before")
        await asyncio.sleep(0)
        kept = seen.get()
        seen.set("after")
        return kept

    assert await rest_of(change()) == "before"
    assert seen.get() == "nothing"


async def test_an_error_comes_through_at_once_or_later():
    async def fail(*, wait: bool) -> None:
        if wait:
            await asyncio.sleep(0)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        first_step(fail(wait=False), copy_context())
    with pytest.raises(ValueError, match="no"):
        await rest_of(fail(wait=True))


async def test_cancellation_reaches_the_coroutine_in_its_context():
    cleaned = []

    async def wait_for_ever() -> None:
        seen.set("mine")
        try:
            await asyncio.Event().wait()
        finally:
            cleaned.append(seen.get())

    async def slot() -> None:
        await rest_of(wait_for_ever())

    running = asyncio.ensure_future(slot())
    await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert cleaned == ["mine"]


async def test_a_coroutine_may_swallow_its_cancellation_and_go_on():
    async def stubborn() -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            return "went on"
        return "was not asked"

    async def slot() -> str | None:
        return await rest_of(stubborn())

    running = asyncio.ensure_future(slot())
    await asyncio.sleep(0)
    running.cancel()
    assert await running == "went on"
