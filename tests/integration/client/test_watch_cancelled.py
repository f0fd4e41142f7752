"""A watcher can be cancelled at any moment, also at that of a change."""

import asyncio

import pytest

from dibs import Dibs, NewJob


@pytest.mark.parametrize("steps", range(8))
async def test_a_cancellation_together_with_a_change_is_not_lost(database_url: str, steps: int):
    async with Dibs(database_url) as app:
        batch = await app.batch("b", [NewJob(task="t", args_json="{}", queue="q")])
        seen = asyncio.Event()

        async def watch() -> None:
            async for _ in app.watch_batch(batch.id):
                seen.set()

        watching = asyncio.ensure_future(watch())
        await seen.wait()
        watcher = app._client._watcher
        while not any(changed._waiters for changed in watcher._changed[batch.id]):
            await asyncio.sleep(0)
        for changed in watcher._changed[batch.id]:
            changed.set()
        for _ in range(steps):
            await asyncio.sleep(0)
        watching.cancel()
        await asyncio.wait({watching}, timeout=5)
        assert watching.cancelled()
