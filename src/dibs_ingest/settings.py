"""What an operator can set, read once from the environment."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Self

#: Chunks that are embedded between two reports of progress: one to two seconds of work on one core.
EMBED_GROUP = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting of the service. Each is the upper-case name behind `DIBS_INGEST_` in the environment."""

    #: Where models, uploads and originals lie. All processes of one service must see the same folder.
    data: Path = Path(".dibs")
    #: Where models lie, when several services share them; `models` in the data folder otherwise.
    models: Path | None = None
    #: The Postgres schema of the documents.
    schema: str = "ingest"
    #: The Postgres schema of the jobs.
    jobs_schema: str = "dibs"
    #: `local` (MiniLM, in this process) or `http` (an OpenAI-compatible endpoint).
    embedder: str = "local"
    #: `int8` (1.6 times as fast, cosine 0.994 to the full one) or `fp32`, for the local embedder.
    precision: str = "int8"
    #: Base address of the endpoint, up to and including `/v1`, for the `http` embedder.
    http_url: str = ""
    #: The model to ask the endpoint for.
    http_model: str = ""
    #: The endpoint's key, if it wants one.
    http_key: str = field(default="", repr=False)
    #: Ask the endpoint for this many dimensions. 0: leave it to the model.
    http_dims: int = 0
    #: Texts per request to the endpoint.
    http_batch: int = 64
    #: The largest file taken.
    max_file_bytes: int = 100_000_000
    #: The largest request taken, all its files together.
    max_request_bytes: int = 1_000_000_000
    #: The most files taken in one request.
    max_files: int = 5_000
    #: How long parsing one file may take.
    parse_seconds: float = 300.0
    #: How much address space the parse process may have.
    parse_memory_bytes: int = 2_000_000_000

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """Read `DIBS_INGEST_*`.

        Raises:
            ValueError: If a value is not of its setting's kind.
        """
        values: dict[str, object] = {}
        for name, default in _defaults(cls).items():
            raw = environment.get(f"DIBS_INGEST_{name.upper()}")
            if raw is not None and raw != "":
                values[name] = _convert(name, raw, default)
        return cls(**values)  # type: ignore[arg-type]

    def to_environment(self) -> dict[str, str]:
        """The variables from which a child process reads these very settings."""
        values = {name: getattr(self, name) for name in _defaults(type(self))}
        return {f"DIBS_INGEST_{name.upper()}": str(value) for name, value in values.items() if value is not None}

    @property
    def models_folder(self) -> Path:
        """Where the local model lies or will lie."""
        return self.models or self.data / "models"

    @property
    def spool_folder(self) -> Path:
        """Where an uploaded file waits for its job to end for good."""
        return self.data / "ingest" / "spool"

    @property
    def originals_folder(self) -> Path:
        """Where the originals of indexed documents are kept, named by their content."""
        return self.data / "ingest" / "originals"

    @property
    def parse_time(self) -> timedelta:
        """How long parsing one file may take."""
        return timedelta(seconds=self.parse_seconds)


def _defaults(cls: type[Settings]) -> dict[str, object]:
    return {name: field.default for name, field in cls.__dataclass_fields__.items()}


def _convert(name: str, raw: str, default: object) -> object:
    try:
        match default:
            case int():
                return int(raw)
            case float():
                return float(raw)
            case str():
                return raw
            case _:
                return Path(raw)
    except ValueError:
        raise ValueError(f"DIBS_INGEST_{name.upper()} must be a number, got {raw!r}") from None
