"""all-MiniLM-L6-v2 in this process, by onnxruntime; no network, no torch."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from tokenizers import Encoding, Tokenizer

from dibs_ingest.embed.embedder import Vectors
from dibs_ingest.errors import ModelMissingError
from dibs_ingest.model import ModelFiles, find_model
from dibs_ingest.runtime import open_session
from dibs_ingest.settings import Settings

#: What the model sees of a text; the rest would not be searchable, so chunks are cut shorter.
TOKENS_MAX = 256
_DIMS = 384
#: Texts in one run of the model: more gains nothing, and costs memory in proportion.
_RUN = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalEmbedder:
    """See `Embedder`. English only."""

    name: str
    tokenizer: Tokenizer
    _session: Any
    _truncating: Tokenizer
    dims: int = _DIMS

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder.embed`; runs in a thread, for the native code lets the others go on."""
        return await asyncio.to_thread(self.embed_now, texts)

    async def close(self) -> None:
        """Nothing to close."""

    def embed_now(self, texts: Sequence[str]) -> Vectors:
        """Embed in the calling thread."""
        vectors = np.empty((len(texts), self.dims), np.float32)
        encodings = self._truncating.encode_batch(list(texts))
        # Padding is paid for like text: put together what is of a length.
        order = sorted(range(len(texts)), key=lambda index: len(encodings[index]))
        for start in range(0, len(order), _RUN):
            chosen = order[start : start + _RUN]
            vectors[chosen] = self._run([encodings[index] for index in chosen])
        return vectors

    def _run(self, encodings: list[Encoding]) -> Vectors:
        ids = np.zeros((len(encodings), max(len(encoding) for encoding in encodings)), np.int64)
        mask = np.zeros_like(ids)
        for row, encoding in enumerate(encodings):
            ids[row, : len(encoding)] = encoding.ids
            mask[row, : len(encoding)] = 1
        output: list[Vectors] = self._session.run(["embedding"], {"ids": ids, "mask": mask})
        return output[0]


async def open_local(settings: Settings) -> LocalEmbedder:
    """Load the local model, half a second of work.

    Raises:
        ModelMissingError: If it has not been set up.
    """
    files = find_model(settings.models_folder, settings.precision)
    if files is None:
        raise ModelMissingError("The embedding model is not set up. Run `dibs-ingest setup-model`.")
    return await asyncio.to_thread(load, files)


def load(files: ModelFiles) -> LocalEmbedder:
    """Load the model of *files* in the calling thread."""
    # The file as published truncates and pads to 128 tokens by itself, which hides the true length of a text.
    tokenizer = Tokenizer.from_file(str(files.tokenizer))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    truncating = Tokenizer.from_file(str(files.tokenizer))
    truncating.no_padding()
    truncating.enable_truncation(TOKENS_MAX)
    return LocalEmbedder(
        name=files.name, tokenizer=tokenizer, _session=open_session(files.graph), _truncating=truncating
    )
