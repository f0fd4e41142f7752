"""Make the tables, and hold the index to one embedder."""

import json

import asyncpg

from dibs_ingest.errors import EmbedderMismatchError, StoreNotReadyError
from dibs_ingest.store.statements import quote, sql

#: halfvec came with 0.7, scans that go on until enough rows were found with 0.8.
VECTOR_VERSION_MIN = (0, 8)
_EMBEDDER = "embedder"
_DIMS_MARK = "halfvec(384)"


async def prepare(connection: asyncpg.Connection, schema: str, *, embedder: str, dims: int) -> None:
    """Make what is missing; safe to run from any number of processes at once.

    Args:
        connection: Outside a transaction.
        schema: Where the tables belong.
        embedder: Name of the model whose vectors the index holds.
        dims: How many numbers a vector has.

    Raises:
        StoreNotReadyError: If the `vector` extension is missing or too old.
        EmbedderMismatchError: If the index was made with another model.
    """
    async with connection.transaction():
        # Twenty processes may start at once; `if not exists` alone still collides in the catalog.
        await connection.execute("select pg_advisory_xact_lock(hashtextextended('dibs_ingest.' || $1, 0))", schema)
        await _ensure_vector(connection)
        if await connection.fetchval("select to_regclass($1)", f"{quote(schema)}.setting") is None:
            await connection.execute(f"create schema if not exists {quote(schema)}")
            await connection.execute(sql("tables", schema).replace(_DIMS_MARK, f"halfvec({int(dims)})"))
            made_with = json.dumps({"name": embedder, "dims": dims})
            await connection.execute(sql("add_setting", schema), _EMBEDDER, made_with)
        await _check_embedder(connection, schema, embedder, dims)


async def _ensure_vector(connection: asyncpg.Connection) -> None:
    version = await _vector_version(connection)
    if version is None:
        try:
            async with connection.transaction():
                await connection.execute("create extension vector")
        except asyncpg.InsufficientPrivilegeError:
            raise StoreNotReadyError(
                "The database lacks the extension `vector`, and this user may not create it. "
                "Let an administrator run in this database: CREATE EXTENSION vector;"
            ) from None
        except (asyncpg.UndefinedFileError, asyncpg.FeatureNotSupportedError):
            raise StoreNotReadyError(
                "This Postgres has no extension `vector` to create. Install pgvector 0.8 or newer there "
                "(Debian and Ubuntu: the package postgresql-NN-pgvector), then run: CREATE EXTENSION vector;"
            ) from None
        version = await _vector_version(connection)
    if tuple(int(part) for part in str(version).split(".")[:2]) < VECTOR_VERSION_MIN:
        raise StoreNotReadyError(
            f"The extension `vector` must be of version 0.8 or newer, this database has {version}. "
            "Install a newer pgvector, then run in this database: ALTER EXTENSION vector UPDATE;"
        )


async def _vector_version(connection: asyncpg.Connection) -> str | None:
    version: str | None = await connection.fetchval("select extversion from pg_extension where extname = 'vector'")
    return version


async def _check_embedder(connection: asyncpg.Connection, schema: str, embedder: str, dims: int) -> None:
    made_with = json.loads(await connection.fetchval(sql("get_setting", schema), _EMBEDDER))
    if made_with != {"name": embedder, "dims": dims}:
        raise EmbedderMismatchError(
            f"The index in schema {schema!r} was made with the embedder {made_with['name']!r} "
            f"({made_with['dims']} dimensions), but {embedder!r} ({dims}) is set. Vectors of two models can "
            "not be compared: set the old one, or set DIBS_INGEST_SCHEMA to a new name and ingest anew."
        )
