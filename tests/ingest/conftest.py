"""What the tests of the ingestion service share: the real model, a real store, real files."""

import os
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from dibs_ingest.embed.local import LocalEmbedder, load
from dibs_ingest.model import ModelFiles, ensure_model
from dibs_ingest.service import Service
from dibs_ingest.settings import Settings
from dibs_ingest.store import Files, open_store, prepare

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def models_folder() -> Path:
    """Where the model lies; kept between runs, for it is 84 MB of download."""
    return Path(os.environ.get("DIBS_INGEST_MODELS") or REPOSITORY / ".dibs" / "models").resolve()


@pytest.fixture(scope="session")
def model_files(models_folder: Path) -> ModelFiles:
    return ensure_model(models_folder, "int8")


@pytest.fixture(scope="session")
def embedder(model_files: ModelFiles) -> LocalEmbedder:
    return load(model_files)


@pytest.fixture
def settings(tmp_path: Path, models_folder: Path) -> Settings:
    return Settings(data=tmp_path / "data", models=models_folder, parse_seconds=60)


@pytest.fixture
async def service(empty_database_url: str, settings: Settings, embedder: LocalEmbedder) -> AsyncIterator[Service]:
    """The service on a database of its own, without jobs."""
    connection = await asyncpg.connect(empty_database_url)
    await prepare(connection, settings.schema, embedder=embedder.name, dims=embedder.dims)
    await connection.close()
    async with open_store(empty_database_url, settings.schema, Files.of(settings)) as store:
        yield Service(settings=settings, embedder=embedder, store=store)
