"""`POST /upload`: take files, and queue a job for each."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import APIRouter, File, UploadFile
from fastapi.responses import JSONResponse

from dibs import Batch
from dibs_ingest.api.dependencies import ServiceOf
from dibs_ingest.api.receive import Rejected, receive
from dibs_ingest.service import Service
from dibs_ingest.store import NewUpload, Upload
from dibs_ingest.tasks import app, ingest

router = APIRouter()


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedFile:
    """A file that was taken, and the job that will bring it into the index."""

    task_id: int
    filename: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Queued:
    """The answer to an upload."""

    status: str = "queued"
    batch_id: int
    tasks: list[QueuedFile]
    rejected: list[Rejected] = field(default_factory=list)


@router.post("/upload", response_model=Queued, status_code=202)
async def upload(
    files: Annotated[list[UploadFile], File(description="One or more documents.")], service: ServiceOf
) -> Queued | JSONResponse:
    """Take documents and queue them. A file that can not be used is reported; the others go on."""
    bytes_max = service.settings.max_file_bytes
    received = [await receive(file, service.files, bytes_max=bytes_max) for file in files]
    taken = [item for item in received if isinstance(item, NewUpload)]
    rejected = [item for item in received if isinstance(item, Rejected)]
    if not taken:
        reasons = [{"filename": item.filename, "reason": item.reason, "error": item.error} for item in rejected]
        return JSONResponse({"status": "rejected", "rejected": reasons}, status_code=400)
    try:
        batch = await _queue(service, taken)
    except BaseException:
        for item in taken:
            service.files.discard(item.name)
        raise
    tasks = [QueuedFile(task_id=job.id, filename=item.filename) for job, item in zip(batch.jobs, taken, strict=True)]
    return Queued(batch_id=batch.id, tasks=tasks, rejected=rejected)


async def _queue(service: Service, taken: Sequence[NewUpload]) -> Batch:
    """Documents and jobs in one transaction: either there is a job for each document, or there is nothing."""
    store = service.store
    async with store.pool.acquire() as connection, connection.transaction():
        documents = await store.add_documents(taken, connection=connection)
        jobs = [
            ingest.job(upload=item.name, document_id=documents[item.sha256], filename=item.filename) for item in taken
        ]
        batch = await app.batch("upload", jobs, connection=connection)
        uploads = [
            Upload(name=item.name, document_id=documents[item.sha256], job_id=job.id)
            for item, job in zip(taken, batch.jobs, strict=True)
        ]
        await store.add_uploads(uploads, connection=connection)
    return batch
