"""One upload's way into the index: parse, chunk, embed, index."""

import asyncio
from typing import Protocol

import numpy as np

from dibs_ingest.chunk import Chunk, split
from dibs_ingest.embed import Vectors
from dibs_ingest.errors import Reason, UnusableDocumentError
from dibs_ingest.parse import ParsedDocument, detect, parse
from dibs_ingest.parse.kind import HEAD_BYTES
from dibs_ingest.service import Service
from dibs_ingest.settings import EMBED_GROUP


class Report(Protocol):
    """Told how many chunks are done."""

    def __call__(self, completed: int, total: int | None = None, message: str | None = None) -> None:
        """Take note of it; cheap."""
        ...


async def ingest_upload(service: Service, upload: str, document_id: int, filename: str, report: Report) -> int:
    """Bring an upload into the index; how many chunks it has there.

    Doing it again changes nothing: a document that is indexed stays as it is.

    Raises:
        UnusableDocumentError: If the file can not be ingested, now or ever.
        IngestError: If this attempt failed and another may not.
    """
    document = await service.store.document(document_id)
    if document is None:
        raise UnusableDocumentError(
            Reason.MISSING,
            "The document is not there any more: it was deleted, or an earlier attempt failed for good and its file "
            "was let go. Upload it again.",
        )
    # The same content may have come before, under another name, which is then the one that a search shows.
    indexed = "indexed" if document.filename == filename else f"indexed as {document.filename}"
    if document.indexed_at is not None:
        report(document.chunks, document.chunks, f"already {indexed}")
        return document.chunks
    report(0, None, "reading")
    parsed = await _parse(service, upload, filename)
    chunks = await asyncio.to_thread(split, parsed, service.embedder.tokenizer)
    vectors = await _embed(service, chunks, report)
    report(len(chunks), len(chunks), "indexing")
    count = await service.store.index(document_id, upload, chunks, vectors)
    if count is None:
        raise UnusableDocumentError(Reason.MISSING, "The document was deleted before it was indexed.")
    report(count, count, indexed)
    return count


async def _parse(service: Service, upload: str, filename: str) -> ParsedDocument:
    path = service.files.spooled(upload)
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except FileNotFoundError:
        # The original error names the path, which is for nobody to see.
        raise UnusableDocumentError.missing() from None
    settings = service.settings
    kind = detect(filename, head)
    return await parse(path, kind, time=settings.parse_time, memory_bytes=settings.parse_memory_bytes)


async def _embed(service: Service, chunks: list[Chunk], report: Report) -> Vectors:
    """Embed group by group, so that progress is seen and other jobs get their turn."""
    groups = []
    for start in range(0, len(chunks), EMBED_GROUP):
        report(start, len(chunks), "embedding")
        group = chunks[start : start + EMBED_GROUP]
        groups.append(await service.embedder.embed([chunk.embedded for chunk in group]))
    return np.concatenate(groups)
