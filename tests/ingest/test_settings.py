"""Settings from the environment."""

from pathlib import Path

import pytest

from dibs_ingest.settings import Settings


def test_without_an_environment_the_defaults_hold():
    assert Settings.from_environment({}) == Settings()


def test_values_are_read_by_their_kinds():
    given = {
        "DIBS_INGEST_DATA": "/srv/docs",
        "DIBS_INGEST_MAX_FILE_BYTES": "5",
        "DIBS_INGEST_PARSE_SECONDS": "1.5",
        "DIBS_INGEST_EMBEDDER": "http",
        "DIBS_INGEST_MODELS": "/srv/models",
        "DIBS_INGEST_HTTP_KEY": "",
    }
    expected = Settings(
        data=Path("/srv/docs"), max_file_bytes=5, parse_seconds=1.5, embedder="http", models=Path("/srv/models")
    )
    assert Settings.from_environment(given) == expected


def test_a_value_of_the_wrong_kind_is_named():
    with pytest.raises(ValueError, match="DIBS_INGEST_MAX_FILES must be a number, got 'many'"):
        Settings.from_environment({"DIBS_INGEST_MAX_FILES": "many"})


def test_a_child_process_reads_the_same_settings():
    settings = Settings(data=Path("/x"), max_files=3, models=Path("/m"))
    assert Settings.from_environment(settings.to_environment()) == settings
    assert Settings.from_environment(Settings().to_environment()) == Settings()
