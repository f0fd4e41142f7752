"""Remove uploads whose jobs ended without cleaning up: lost with their worker, timed out, cancelled."""

import asyncio
import logging
import time
from datetime import timedelta

from dibs import Dibs
from dibs_ingest.store import Store

_EVERY = timedelta(minutes=1)
#: Uploads looked at in one sweep; the rest is for the next one.
_UPLOADS_MAX = 1_000
#: A file without a row belongs to a request that is still being received, or to one that died on the way.
_STRAY_AFTER = timedelta(hours=6)
_log = logging.getLogger("dibs_ingest")


async def sweep(app: Dibs, store: Store) -> int:
    """Remove what no job will ever use again; how many uploads that were.

    Safe at any time and from several processes at once: a job that can still run keeps its file.
    """
    uploads = await store.uploads(limit=_UPLOADS_MAX)
    ended = []
    for upload in uploads:
        job = await app.job(upload.job_id)
        # A job that is gone has ended, and was pruned since.
        if job is None or job.state.is_final:
            ended.append(upload)
    if ended:
        await store.drop_uploads(ended)
    strays = 0
    if len(uploads) < _UPLOADS_MAX:
        strays = _remove_strays(store, {upload.name for upload in uploads})
    return len(ended) + strays


async def sweep_forever(app: Dibs, store: Store) -> None:
    """Sweep at once and then every minute, until cancelled."""
    while True:
        try:
            removed = await sweep(app, store)
        except Exception:  # noqa: BLE001 - whatever it was, the next sweep may do better
            # The database may be restarting: the next sweep finds the same work.
            _log.warning("the sweep failed and will be repeated", exc_info=True)
        else:
            if removed:
                _log.info("removed %d uploads whose jobs had ended", removed)
        await asyncio.sleep(_EVERY.total_seconds())


def _remove_strays(store: Store, known: set[str]) -> int:
    before = time.time() - _STRAY_AFTER.total_seconds()
    strays = [name for name, changed in store.files.spooled_since() if name not in known and changed < before]
    for name in strays:
        store.files.discard(name)
    return len(strays)
