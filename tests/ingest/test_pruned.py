"""What the service says of uploads whose jobs have been pruned."""

import asyncio

import asyncpg

from dibs.domain.outcome import SUCCEEDED
from dibs.engine.prune import cutoffs, prune, take_turn
from dibs_ingest.settings import Settings
from dibs_ingest.tasks import QUEUE
from ingest.running import run_service
from support.engine import FAILED, Engine


async def end(url: str) -> None:
    """Let the first of two jobs succeed and the second one fail."""
    connection = await asyncpg.connect(url)
    engine = Engine(connection)
    good, bad = await engine.claim(await engine.register(QUEUE), 2, QUEUE)
    await engine.finish(good, outcome=SUCCEEDED)
    await engine.finish(bad, outcome=FAILED)
    await connection.close()


async def prune_after(url: str, interval: str) -> None:
    """Prune as if so much time had passed."""
    connection = await asyncpg.connect(url)
    engine = Engine(connection)
    await engine.move_clock(interval)
    assert await engine.run(take_turn(1, 0))
    for walk in (await engine.run(cutoffs())).walks:
        piece = await engine.run(prune(1, walk, 0))
        assert piece.is_last
    await connection.close()


def test_counts_stay_until_the_last_of_an_uploads_jobs_is_pruned(empty_database_url: str, settings: Settings):
    with run_service(settings, empty_database_url, worker=False) as running:
        batch_id = running.upload(("good.txt", b"Good text."), ("bad.txt", b"Bad text."))["batch_id"]
        asyncio.run(end(empty_database_url))
        path = f"/tasks/{batch_id}"
        before = running.http.get(f"{path}/status").json()
        assert [task["state"] for task in before["tasks"]] == ["succeeded", "failed"]

        asyncio.run(prune_after(empty_database_url, "8 days"))
        after = running.http.get(f"{path}/status").json()
        assert after["counts"] == before["counts"]
        assert after["status"] == "finished"
        assert after["tasks"] == before["tasks"][1:], "a dead letter is kept for longer"
        *_, last = running.client.events(batch_id)
        assert (last.name, last.data) == ("finished", after)

        asyncio.run(prune_after(empty_database_url, "31 days"))
        for each in ("status", "events"):
            gone = running.http.get(f"{path}/{each}")
            assert gone.status_code == 404
            assert "long ago" in gone.text
