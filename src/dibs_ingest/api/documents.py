"""`/documents`: what is indexed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Query
from fastapi.responses import FileResponse

from dibs_ingest.api.dependencies import ServiceOf
from dibs_ingest.store import Document

router = APIRouter(prefix="/documents")

_PAGE_MAX = 1_000
DocumentId = Annotated[int, Path(ge=1, lt=2**63)]


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentView:
    """An indexed document."""

    id: int
    filename: str
    media_type: str
    size_bytes: int
    chunks: int
    indexed_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentList:
    """Indexed documents, latest first."""

    total: int
    chunks: int
    documents: list[DocumentView]


@router.get("")
async def list_documents(
    service: ServiceOf,
    limit: Annotated[int, Query(ge=1, le=_PAGE_MAX)] = 100,
    offset: Annotated[int, Query(ge=0, lt=2**63)] = 0,
) -> DocumentList:
    """What is indexed, latest first."""
    total, chunks = await service.store.counts()
    documents = await service.store.documents(limit=limit, offset=offset)
    return DocumentList(total=total, chunks=chunks, documents=[_view(document) for document in documents])


@router.get("/{document_id}/download", response_class=FileResponse)
async def download(document_id: DocumentId, service: ServiceOf) -> FileResponse:
    """The original, as it was uploaded."""
    document = await service.store.document(document_id)
    path = service.files.original(document.sha256) if document else None
    if document is None or path is None or not path.is_file():
        raise HTTPException(404, "There is no such document.")
    return FileResponse(
        path,
        media_type=document.media_type,
        filename=document.filename,
        # An uploaded page must not run its scripts here, with the rights of whoever looks at it.
        headers={"x-content-type-options": "nosniff", "content-security-policy": "sandbox"},
    )


@router.delete("/{document_id}", status_code=204)
async def delete(document_id: DocumentId, service: ServiceOf) -> None:
    """Forget a document, its chunks and its original."""
    if not await service.store.delete(document_id):
        raise HTTPException(404, "There is no such document.")


def _view(document: Document) -> DocumentView:
    assert document.indexed_at is not None  # noqa: S101 - only indexed documents are listed
    return DocumentView(
        id=document.id,
        filename=document.filename,
        media_type=document.media_type,
        size_bytes=document.size_bytes,
        chunks=document.chunks,
        indexed_at=document.indexed_at,
    )
