"""An OpenAI-compatible endpoint: Ollama, vLLM, TEI, LM Studio, llama.cpp, a gateway, or OpenAI itself."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import httpx2
import msgspec
import numpy as np

from dibs_ingest.embed.embedder import Vectors
from dibs_ingest.errors import EmbeddingError, IngestError
from dibs_ingest.settings import Settings

_TRIES = 4
_FIRST_DELAY_SECONDS = 0.5
#: When the endpoint asks for a longer wait, the queue can wait better: the attempt fails, the job is retried.
_DELAY_SECONDS_MAX = 20.0
_TIMEOUT_SECONDS = 60.0
_TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500
_OK = 200


class _Item(msgspec.Struct):
    index: Annotated[int, msgspec.Meta(ge=0)]
    embedding: list[float]


class _Answer(msgspec.Struct):
    data: list[_Item]


@dataclass(slots=True, kw_only=True)
class HttpEmbedder:
    """See `Embedder`. Chunks are measured in characters, for the model's tokens are not known here."""

    name: str
    dims: int = 0
    tokenizer: None = None
    _client: httpx2.AsyncClient
    _model: str
    _ask_dims: int
    _batch: int

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.embed`.

        Raises:
            EmbeddingError: If the endpoint does not answer, or not with one vector per text.
        """
        parts = [await self._request(texts[i : i + self._batch]) for i in range(0, len(texts), self._batch)]
        vectors = np.concatenate(parts) if parts else np.empty((0, self.dims), np.float32)
        if self.dims and vectors.shape[1] != self.dims:
            raise EmbeddingError(f"The endpoint sent vectors of {vectors.shape[1]} numbers, expected {self.dims}.")
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit: Vectors = vectors / np.maximum(lengths, np.float32(1e-12))
        return unit

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _request(self, texts: Sequence[str]) -> Vectors:
        # Without the format, some gateways choke on the base64 that clients ask for unasked.
        body: dict[str, object] = {"model": self._model, "input": list(texts), "encoding_format": "float"}
        if self._ask_dims:
            body["dimensions"] = self._ask_dims
        response = await self._post(body)
        try:
            items = sorted(msgspec.json.decode(response.content, type=_Answer).data, key=lambda item: item.index)
            vectors = np.array([item.embedding for item in items], np.float32)
        except (msgspec.MsgspecError, ValueError) as error:
            raise EmbeddingError(f"The endpoint sent something else than embeddings: {error}.") from None
        if [item.index for item in items] != list(range(len(texts))) or vectors.ndim != 2:  # noqa: PLR2004
            raise EmbeddingError(f"The endpoint sent {len(items)} embeddings for {len(texts)} texts.")
        return vectors

    async def _post(self, body: dict[str, object]) -> httpx2.Response:
        delay = _FIRST_DELAY_SECONDS
        for left in reversed(range(_TRIES)):
            try:
                response = await self._client.post("embeddings", json=body)
            except httpx2.HTTPError as error:
                failure = EmbeddingError(f"The embedding endpoint can not be reached ({type(error).__name__}).")
            else:
                if response.status_code == _OK:
                    return response
                failure = EmbeddingError(f"The embedding endpoint answered with status {response.status_code}.")
                failure.add_note(response.text[:500])
                if response.status_code != _TOO_MANY_REQUESTS and response.status_code < _SERVER_ERROR:
                    raise failure
                delay = _retry_after(response) or delay
            if not left or delay > _DELAY_SECONDS_MAX:
                raise failure
            await asyncio.sleep(delay)
            delay *= 2
        raise AssertionError("the last try returns or raises")


def _retry_after(response: httpx2.Response) -> float | None:
    try:
        return max(0.0, float(response.headers.get("retry-after", "")))
    except ValueError:
        return None


async def open_http(settings: Settings) -> HttpEmbedder:
    """Connect to the endpoint and learn how many dimensions its vectors have.

    Raises:
        EmbeddingError: If the endpoint does not answer.
        IngestError: If a setting is missing.
    """
    if not settings.http_url or not settings.http_model:
        raise IngestError("DIBS_INGEST_EMBEDDER=http needs DIBS_INGEST_HTTP_URL (with /v1) and DIBS_INGEST_HTTP_MODEL.")
    headers = {"authorization": f"Bearer {settings.http_key}"} if settings.http_key else {}
    embedder = HttpEmbedder(
        name=f"http/{settings.http_model}" + (f"/{settings.http_dims}" if settings.http_dims else ""),
        _client=httpx2.AsyncClient(
            base_url=settings.http_url.rstrip("/") + "/", headers=headers, timeout=_TIMEOUT_SECONDS
        ),
        _model=settings.http_model,
        _ask_dims=settings.http_dims,
        _batch=settings.http_batch,
    )
    try:
        embedder.dims = (await embedder.embed(["How many dimensions?"])).shape[1]
    except BaseException:
        await embedder.close()
        raise
    return embedder
