"""The jobs of the service. Run them with `dibs worker dibs_ingest.tasks:app --queues documents:2`."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

from dibs import Dibs, Retry, current_job
from dibs_ingest.errors import UnusableDocumentError
from dibs_ingest.pipeline import ingest_upload
from dibs_ingest.service import Service, open_service
from dibs_ingest.settings import Settings
from dibs_ingest.store import Upload
from dibs_ingest.sweep import sweep_forever

QUEUE = "documents"
_log = logging.getLogger("dibs_ingest")

settings = Settings.from_environment()
app = Dibs(schema=settings.jobs_schema)


@app.resource
async def service() -> AsyncIterator[Service]:
    """The embedding model and the store: opened once in each worker process."""
    async with open_service(settings, app.database_url) as opened:
        sweeping = asyncio.create_task(sweep_forever(app, opened.store))
        try:
            yield opened
        finally:
            sweeping.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await sweeping


@app.task(
    queue=QUEUE,
    retry=Retry(delays=[5, 15, 60]),
    # A long PDF takes minutes; an hour is for one of ten thousand pages.
    timeout=3600,
    permanent=(UnusableDocumentError,),
)
async def ingest(upload: str, document_id: int, filename: str) -> None:
    """Parse, chunk, embed and index one uploaded file.

    Args:
        upload: Name of the file in the spool. It stays for the next attempt until the job ends for good.
        document_id: The document that it is.
        filename: What the user called it.
    """
    job = current_job()
    here = service.get()
    used = Upload(name=upload, document_id=document_id, job_id=job.id)
    try:
        await ingest_upload(here, upload, document_id, filename, job.progress)
    except Exception as error:
        if job.is_last_attempt or isinstance(error, UnusableDocumentError):
            await here.store.drop_uploads([used])
        raise
    # After other endings (a last attempt lost with its worker, a cancelled job) the sweep cleans up.
    await here.store.drop_uploads([used])
