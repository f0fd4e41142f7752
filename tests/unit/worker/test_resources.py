"""What tasks share in a worker process is closed, whatever goes wrong with it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from dibs.domain.errors import NotRunningError
from dibs.worker import resources
from dibs.worker.resources import Resource, open_all


async def test_they_are_closed_in_reverse_order_although_some_can_not_be(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(resources, "CLOSE_SECONDS", 0.05)
    told: list[str] = []

    async def first() -> AsyncIterator[int]:
        yield 1
        told.append("first")

    async def failing() -> AsyncIterator[int]:
        yield 2
        raise RuntimeError("no way out")

    async def hanging() -> AsyncIterator[int]:
        yield 3
        told.append("hanging")
        await asyncio.Event().wait()

    async def last() -> AsyncIterator[int]:
        yield 4
        told.append("last")

    opened = [Resource(make) for make in (first, failing, hanging, last)]
    async with AsyncExitStack() as stack:
        await open_all(opened, stack)
        assert [resource.get() for resource in opened] == [1, 2, 3, 4]
    assert told == ["last", "hanging", "first"]
    assert [record.getMessage() for record in caplog.records] == [
        f"resource {opened[2].name} was not closed within 0.05 s; it is left behind",
        f"resource {opened[1].name} could not be closed",
    ]
    assert "no way out" in caplog.text
    for resource in opened:
        with pytest.raises(NotRunningError):
            resource.get()
