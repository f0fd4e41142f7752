"""`GET /search`: questions and answers."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query

from dibs_ingest.api.dependencies import ServiceOf
from dibs_ingest.snippet import snippet
from dibs_ingest.store import Hit
from dibs_ingest.text import one_line

router = APIRouter()

_QUESTION_CHARACTERS_MAX = 1_000
_RESULTS_MAX = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A passage that answers, and where it stands."""

    document_id: int
    filename: str
    heading: str
    snippet: str
    score: float
    #: Which searches found it, and at which rank: `text` by words, `vector` by meaning.
    legs: dict[str, int]
    #: Where the passage stands among those of its document, from 0.
    position: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The passages that answer best, best first."""

    query: str
    results: list[Result]


@router.get("/search")
async def search(
    service: ServiceOf,
    q: Annotated[str, Query(max_length=_QUESTION_CHARACTERS_MAX, description="A question, or a few words.")],
    limit: Annotated[int, Query(ge=1, le=_RESULTS_MAX)] = 10,
) -> Answer:
    """Search by words and by meaning at once."""
    question = one_line(q)
    if not question:
        raise HTTPException(400, "Ask something: ?q=")
    hits = await service.search(question, limit=limit)
    return Answer(query=question, results=[_result(hit, question) for hit in hits])


def _result(hit: Hit, question: str) -> Result:
    legs = {"text": hit.text_rank, "vector": hit.vector_rank}
    return Result(
        document_id=hit.document_id,
        filename=hit.filename,
        heading=hit.heading,
        snippet=snippet(hit.text, question),
        score=round(hit.score, 6),
        legs={leg: rank for leg, rank in legs.items() if rank is not None},
        position=hit.position,
    )
