"""The API as an ASGI application: `uvicorn --factory dibs_ingest.api:create_app`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from dibs_ingest.api import batches, documents, health, search, upload
from dibs_ingest.api.streams import Streams
from dibs_ingest.service import open_service
from dibs_ingest.tasks import app as jobs
from dibs_ingest.tasks import settings

#: Bytes of a request that are not its files: names and separators.
_ENVELOPE_BYTES = 1_000_000


@asynccontextmanager
async def _lifespan(api: FastAPI) -> AsyncIterator[None]:
    async with jobs, open_service(settings, jobs.database_url) as service:
        api.state.service = service
        yield


def create_app() -> FastAPI:
    """Build the application; it connects when the server starts it."""
    api = FastAPI(
        title="dibs ingest",
        lifespan=_lifespan,
        form_limits={"max_files": settings.max_files},
        max_body_size=settings.max_request_bytes + _ENVELOPE_BYTES,
    )
    api.state.streams = Streams()
    for part in (upload, batches, search, documents, health):
        api.include_router(part.router)
    return api
