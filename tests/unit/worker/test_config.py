"""Settings that can not work are refused before anything starts."""

import pytest

from dibs import ConfigError
from dibs.worker.config import WorkerConfig, parse_queues


def test_queues_are_read_with_and_without_their_slots():
    assert parse_queues("documents:4, default") == {"documents": 4, "default": 10}


@pytest.mark.parametrize("text", ["a:1,a:2", "a:", "a:-1", ":5", "a:x"])
def test_queues_that_make_no_sense_are_refused(text: str):
    with pytest.raises(ConfigError):
        WorkerConfig(queues=parse_queues(text))


@pytest.mark.parametrize(
    "settings",
    [
        {"queues": {}},
        {"queues": {"a": 0}},
        {"queues": {"no spaces": 1}},
        {"heartbeat_seconds": 2.0},
        {"timeout_seconds": 2.0},
        {"shutdown_seconds": -1.0},
    ],
)
def test_settings_that_can_not_work_are_refused(settings: dict):
    with pytest.raises(ConfigError):
        WorkerConfig(**settings)
