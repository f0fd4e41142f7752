"""Count what the demo left in the database: everything once, nothing twice."""

import asyncpg

from dibs_ingest.errors import IngestError
from dibs_ingest.settings import Settings
from dibs_ingest.store.statements import quote


async def count_everything(settings: Settings, database_url: str, *, files: int) -> tuple[int, int]:
    """Documents and chunks in the database, counted row by row.

    Raises:
        IngestError: If a document is missing, was ingested twice, or has not the chunks that it says.
    """
    schema = quote(settings.schema)
    connection = await asyncpg.connect(database_url)
    try:
        rows = await connection.fetch(
            "select d.filename, d.chunks, d.indexed_at is not null as indexed, count(c.id) as found, "
            "count(distinct c.body || c.heading || c.position) as different "
            f"from {schema}.document d left join {schema}.chunk c on c.document_id = d.id group by d.id"
        )
        left = await connection.fetchval(f"select count(*) from {schema}.upload")
    finally:
        await connection.close()
    wrong = [
        row["filename"] for row in rows if not row["indexed"] or not row["chunks"] == row["found"] == row["different"]
    ]
    if wrong:
        raise IngestError(f"These documents are not in the index exactly once: {', '.join(wrong)}.")
    if len(rows) != files:
        raise IngestError(f"There are {len(rows)} documents in the index, expected {files}.")
    spooled = len(list(settings.spool_folder.iterdir()))
    if left or spooled:
        raise IngestError(f"{spooled} uploaded files and {left} notes of them were left behind.")
    return len(rows), sum(row["found"] for row in rows)


async def drop_schemas(settings: Settings, database_url: str) -> None:
    """Leave nothing behind in a database that was lent to the demo."""
    connection = await asyncpg.connect(database_url)
    try:
        for schema in (settings.schema, settings.jobs_schema):
            await connection.execute(f"drop schema if exists {quote(schema)} cascade")
    finally:
        await connection.close()
