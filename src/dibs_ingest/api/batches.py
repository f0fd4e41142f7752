"""`GET /tasks/{batch_id}/status` and `/events`: how far an upload has come."""

import re
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, HTTPException, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from dibs import BatchProgress, Job
from dibs_ingest.api.streams import Streams
from dibs_ingest.api.views import BatchView, batch_view
from dibs_ingest.tasks import app

router = APIRouter(prefix="/tasks/{batch_id}")

#: Where a browser reconnects by itself, it does so after this long.
_RECONNECT_MILLISECONDS = 1_000
_JOBS_MAX = 100_000
_EVENT_ID = re.compile(r"[0-9]{1,18}")
#: What a bigint holds; anything longer is no batch either.
_ID_MAX = 2**63 - 1


async def _known_batch(batch_id: int) -> BatchProgress:
    progress = await app.batch_progress(batch_id) if 0 < batch_id <= _ID_MAX else None
    if progress is None:
        raise HTTPException(404, "There is no such batch, or it was finished so long ago that it is forgotten.")
    return progress


KnownBatch = Annotated[BatchProgress, Depends(_known_batch)]


async def _jobs(batch_id: int) -> list[Job]:
    return await app.jobs(batch_id=batch_id, limit=_JOBS_MAX)


@router.get("/status")
async def status(batch: KnownBatch) -> BatchView:
    """The batch in numbers, and each of its files."""
    return batch_view(batch, await _jobs(batch.id))


@router.get("/events", response_class=EventSourceResponse)
async def events(
    request: Request, batch: KnownBatch, last_event_id: Annotated[str | None, Header()] = None
) -> AsyncIterator[ServerSentEvent]:
    """Follow a batch: `snapshot` with all files, then `progress` with those that changed, at last `finished`.

    Whoever reconnects gets a new snapshot and has missed nothing; event ids go on from `Last-Event-ID`. A
    client closes its connection on `finished`: a browser would otherwise reconnect for ever. Before that, the
    stream ends when the service stops.
    """
    number = int(last_event_id) if last_event_id and _EVENT_ID.fullmatch(last_event_id) else 0
    seen: dict[int, Job] = {}
    streams: Streams = request.app.state.streams
    async for progress in streams.until_closed(app.watch_batch(batch.id)):
        jobs = await _jobs(batch.id)
        changed = [job for job in jobs if seen.get(job.id) != job]
        name = "progress" if seen else "snapshot"
        seen = {job.id: job for job in jobs}
        number += 1
        yield ServerSentEvent(
            data=batch_view(progress, changed),
            event=name,
            id=str(number),
            retry=_RECONNECT_MILLISECONDS,
        )
        if progress.is_finished:
            yield ServerSentEvent(data=batch_view(progress, jobs), event="finished", id=str(number + 1))
            return
