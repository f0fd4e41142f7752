"""`GET /health`: whether the service can do its work."""

from dataclasses import dataclass

from fastapi import APIRouter

from dibs_ingest.api.dependencies import ServiceOf

router = APIRouter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What the service stands on."""

    status: str
    embedder: str
    documents: int
    chunks: int


@router.get("/health")
async def health(service: ServiceOf) -> Health:
    """Answers when database and embedder do; a failure is a status of 500."""
    documents, chunks = await service.store.counts()
    return Health(status="ok", embedder=service.embedder.name, documents=documents, chunks=chunks)
