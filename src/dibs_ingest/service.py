"""What a worker and an API process both need: the embedder and the store, opened together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from dibs_ingest.embed import Embedder, open_embedder
from dibs_ingest.settings import Settings
from dibs_ingest.store import Files, Hit, Store, open_store, prepare


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """The embedder, and the store that holds its vectors."""

    settings: Settings
    embedder: Embedder
    store: Store

    @property
    def files(self) -> Files:
        """The files behind the documents."""
        return self.store.files

    async def search(self, question: str, *, limit: int) -> list[Hit]:
        """The chunks that answer *question* best, by words and by meaning."""
        vectors = await self.embedder.embed([question])
        return await self.store.search(question, vectors[0], limit=limit)


@asynccontextmanager
async def open_service(settings: Settings, database_url: str) -> AsyncIterator[Service]:
    """Open the embedder, make the tables if they are missing, and open the store.

    Raises:
        ModelMissingError: If the local model has not been set up.
        StoreNotReadyError: If the database lacks what the service needs.
        EmbedderMismatchError: If the index was made with another model.
    """
    embedder = await open_embedder(settings)
    try:
        connection = await asyncpg.connect(database_url)
        try:
            await prepare(connection, settings.schema, embedder=embedder.name, dims=embedder.dims)
        finally:
            await connection.close()
        async with open_store(database_url, settings.schema, Files.of(settings)) as store:
            yield Service(settings=settings, embedder=embedder, store=store)
    finally:
        await embedder.close()
