"""What the store hands out."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A document, known by its content: the same bytes are one document, under whatever names they come."""

    id: int
    #: The name under which the content came first.
    filename: str
    media_type: str
    size_bytes: int
    sha256: str
    #: 0 until it is indexed.
    chunks: int
    uploaded_at: datetime
    indexed_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUpload:
    """A received file that is about to be queued."""

    #: Name of the file in the spool.
    name: str
    #: What the user called it.
    filename: str
    media_type: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A received file whose job has not been cleaned up after."""

    name: str
    document_id: int
    job_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A chunk that a search found."""

    document_id: int
    filename: str
    position: int
    heading: str
    text: str
    #: Sum of 1 / (60 + rank) over the legs that found it.
    score: float
    #: Its rank by words (BM25), from 1; null when they did not find it.
    text_rank: int | None
    #: Its rank by meaning (vectors), from 1; null when they did not find it.
    vector_rank: int | None
