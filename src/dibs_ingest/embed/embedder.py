"""The contract of an embedder, and the choice of one by the settings."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from dibs_ingest.errors import IngestError
from dibs_ingest.settings import Settings

Vectors = NDArray[np.float32]


class Embedder(Protocol):
    """Turns texts into vectors of unit length that lie close together where the texts mean the same."""

    @property
    def name(self) -> str:
        """The model; vectors of different names must never be compared."""
        ...

    @property
    def dims(self) -> int:
        """How many numbers a vector has."""
        ...

    @property
    def tokenizer(self) -> Tokenizer | None:
        """What the model counts its input by, if that is known here; it neither truncates nor pads."""
        ...

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """One vector per text, in their order; shape (texts, dims)."""
        ...

    async def close(self) -> None:
        """Let go of connections and memory."""
        ...


async def open_embedder(settings: Settings) -> Embedder:
    """Open the embedder that *settings* ask for.

    Raises:
        ModelMissingError: If the local model has not been set up.
        EmbeddingError: If the endpoint can not be reached.
    """
    if settings.embedder == "local":
        from dibs_ingest.embed.local import open_local

        return await open_local(settings)
    if settings.embedder == "http":
        from dibs_ingest.embed.http import open_http

        return await open_http(settings)
    raise IngestError(f"DIBS_INGEST_EMBEDDER must be 'local' or 'http', got {settings.embedder!r}.")
