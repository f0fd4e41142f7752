"""The store: every statement of the service, on one pool of connections."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import asyncpg

from dibs_ingest.chunk import Chunk
from dibs_ingest.embed import Vectors
from dibs_ingest.store.files import Files
from dibs_ingest.store.rows import Document, Hit, NewUpload, Upload
from dibs_ingest.store.statements import sql
from dibs_ingest.text import fold

#: Chunks written by one statement: a few hundred kilobytes of parameters.
_WRITE_CHUNKS = 100
#: Chunks that each leg of a search brings in.
_LEG = 60
#: The default of 40 would cap the vector leg below `_LEG`.
_EF_SEARCH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """Documents, chunks, uploads and search."""

    pool: asyncpg.Pool
    schema: str
    files: Files

    def _sql(self, name: str) -> str:
        return sql(name, self.schema)

    async def add_documents(
        self, uploads: Sequence[NewUpload], *, connection: asyncpg.pool.PoolConnectionProxy
    ) -> dict[str, int]:
        """Make the documents of *uploads* in the transaction of *connection*; ids by sha256."""
        ids = {}
        # In one order, so that two requests with the same files wait for each other and do not deadlock.
        for upload in sorted(uploads, key=lambda upload: upload.sha256):
            ids[upload.sha256] = await connection.fetchval(
                self._sql("add_document"),
                upload.sha256,
                upload.filename,
                upload.media_type,
                upload.size_bytes,
            )
        return ids

    async def add_uploads(self, uploads: Sequence[Upload], *, connection: asyncpg.pool.PoolConnectionProxy) -> None:
        """Remember which job uses which spooled file, in the transaction of *connection*."""
        columns = zip(*((u.name, u.document_id, u.job_id) for u in uploads), strict=True)
        await connection.execute(self._sql("add_uploads"), *(list(column) for column in columns))

    async def index(self, document_id: int, upload: str, chunks: Sequence[Chunk], vectors: Vectors) -> int | None:
        """Write a document's chunks and keep its original, all in one transaction; how many there are.

        Indexed is indexed: if another job was faster, nothing is written, and its count comes back. None if
        the document was deleted meanwhile.
        """
        async with self.pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(self._sql("lock_document"), document_id)
            if row is None:
                return None
            if row["indexed_at"] is not None:
                return int(row["chunks"])
            terms = 0
            for start in range(0, len(chunks), _WRITE_CHUNKS):
                part = slice(start, start + _WRITE_CHUNKS)
                terms += await self._add_chunks(connection, document_id, start, chunks[part], vectors[part])
            await connection.execute(self._sql("mark_indexed"), document_id, len(chunks), terms)
            self.files.keep(upload, row["sha256"])
        return len(chunks)

    async def _add_chunks(
        self,
        connection: asyncpg.pool.PoolConnectionProxy,
        document_id: int,
        first: int,
        chunks: Sequence[Chunk],
        vectors: Vectors,
    ) -> int:
        terms: int = await connection.fetchval(
            self._sql("add_chunks"),
            document_id,
            list(range(first, first + len(chunks))),
            [chunk.heading for chunk in chunks],
            [chunk.text for chunk in chunks],
            [fold(chunk.embedded) for chunk in chunks],
            [_as_text(vector) for vector in vectors],
        )
        return terms

    async def document(self, document_id: int) -> Document | None:
        """One document, indexed or not."""
        row = await self.pool.fetchrow(self._sql("get_document"), document_id)
        return Document(**row) if row else None

    async def documents(self, *, limit: int, offset: int = 0) -> list[Document]:
        """Indexed documents, latest first."""
        return [Document(**row) for row in await self.pool.fetch(self._sql("list_documents"), limit, offset)]

    async def counts(self) -> tuple[int, int]:
        """How many documents are indexed, and how many chunks they have."""
        row = await self.pool.fetchrow(self._sql("count_documents"))
        assert row is not None  # noqa: S101 - an aggregate always has a row
        return row["documents"], row["chunks"]

    async def delete(self, document_id: int) -> bool:
        """Forget a document, its chunks and its original; False if there was none."""
        async with self.pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(self._sql("lock_document"), document_id)
            if row is None:
                return False
            await connection.execute(self._sql("drop_postings"), document_id)
            await connection.execute(self._sql("drop_document"), document_id)
            # While the row is locked: the same content that is uploaded now waits, and is then kept anew.
            self.files.forget(row["sha256"])
        return True

    async def search(self, question: str, vector: Vectors, *, limit: int) -> list[Hit]:
        """The best chunks for *question*, whose embedding is *vector*."""
        async with self.pool.acquire() as connection, connection.transaction(readonly=True):
            await connection.execute(f"set local hnsw.ef_search = {_EF_SEARCH}")
            await connection.execute("set local hnsw.iterative_scan = 'relaxed_order'")
            rows = await connection.fetch(
                self._sql("search"), fold(question), _as_text(vector), limit, max(_LEG, limit)
            )
        return [Hit(**row) for row in rows]

    async def uploads(self, *, limit: int) -> list[Upload]:
        """Uploads whose files have not been removed, oldest first."""
        return [Upload(**row) for row in await self.pool.fetch(self._sql("list_uploads"), limit)]

    async def drop_uploads(self, uploads: Sequence[Upload]) -> None:
        """Remove the files of *uploads*, and what is known of documents that never came to be indexed."""
        for upload in uploads:
            self.files.discard(upload.name)
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute(self._sql("drop_uploads"), [upload.name for upload in uploads])
            await connection.execute(self._sql("drop_unindexed"), [upload.document_id for upload in uploads])


@asynccontextmanager
async def open_store(database_url: str, schema: str, files: Files, *, connections: int = 4) -> AsyncIterator[Store]:
    """Open a store on a pool of at most *connections*."""
    async with asyncpg.create_pool(database_url, min_size=0, max_size=connections) as pool:
        yield Store(pool=pool, schema=schema, files=files)


def _as_text(vector: Vectors) -> str:
    # Seven digits are more than a half-precision number holds.
    return "[" + ",".join(f"{number:.6g}" for number in vector.tolist()) + "]"
