"""Tasks, their registry, and the options of one call."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from dibs import ConfigError, Dibs, PermanentError, Retry, UnknownTaskError


@pytest.fixture
def app() -> Dibs:
    return Dibs("postgresql://nowhere")


@pytest.fixture
def task(app: Dibs) -> Any:
    @app.task(name="shop.send", queue="mail", priority=2, retry=Retry(delays=[1]), timeout=5, permanent=[KeyError])
    def send(to: str) -> str:
        return to.upper()

    return send


def test_a_job_carries_what_its_task_says(task: Any):
    job = task.job(to="a@b")
    assert (job.task, job.queue, job.priority, job.max_attempts) == ("shop.send", "mail", 2, 2)
    assert (job.args_json, job.timeout_seconds, job.retry, job.tags) == ('{"to":"a@b"}', None, None, ())


def test_options_change_one_call_and_not_the_task(task: Any):
    changed = task.options(queue="slow", priority=0, delay=timedelta(minutes=1), retry=Retry(attempts=9), tags=["x"])
    job = changed.options(timeout=timedelta(seconds=9)).job("x")
    assert (job.queue, job.timeout_seconds) == ("mail", 9), "options do not add up: each call says all it wants"
    job = changed.job("x")
    assert (job.queue, job.priority, job.delay_seconds, job.max_attempts, job.tags) == ("slow", 0, 60, 9, ("x",))
    assert task.job("x").queue == "mail"


def test_a_task_can_still_be_called(task: Any):
    assert task("x") == "X"


def test_errors_that_no_retry_can_mend_are_known(task: Any):
    assert task.spec.is_permanent(KeyError("x"))
    assert task.spec.is_permanent(PermanentError("x"))
    assert not task.spec.is_permanent(ValueError("x"))
    assert task.spec.is_permanent(ExceptionGroup("g", [ValueError("x"), ExceptionGroup("h", [PermanentError("x")])]))
    assert not task.spec.is_permanent(ExceptionGroup("g", [ValueError("x")]))


@pytest.mark.parametrize(
    "options",
    [
        {"queue": ""},
        {"queue": "no spaces"},
        {"queue": "x" * 101},
        {"queue": "-first"},
        {"queue": "nul\x00"},
        {"queue": "line\n"},
        {"priority": 32768},
        {"priority": -32769},
        {"timeout": 0},
        {"timeout": float("nan")},
        {"delay": float("nan")},
        {"delay": float("inf")},
        {"delay": 1e300},
        {"delay": -5},
        {"delay": 1, "run_at": datetime(2030, 1, 1, tzinfo=UTC)},
        {"run_at": datetime(2030, 1, 1)},  # noqa: DTZ001
        {"run_at": datetime.max.replace(tzinfo=UTC)},
        {"tags": ["x"] * 21},
        {"tags": [""]},
        {"tags": ["x" * 101]},
        {"tags": ["a\x1fb"]},
    ],
    ids=str,
)
def test_options_that_can_not_work_are_refused_with_what_came(task: Any, options: dict[str, Any]):
    with pytest.raises(ConfigError):
        task.options(**options)


@pytest.mark.parametrize("name", ["x" * 201, "line\nbreak"])
def test_a_name_that_can_not_work_is_refused(app: Dibs, name: str):
    with pytest.raises(ConfigError, match="a task's name has 1 to 200 printable characters"):
        app.task(name=name)(lambda: None)


def test_two_functions_can_not_have_one_name(app: Dibs, task: Any):
    with pytest.raises(ConfigError, match=r"two tasks are named 'shop\.send'"):
        app.task(name="shop.send")(lambda: None)


def test_an_unknown_task_is_told_with_those_that_are_known(app: Dibs, task: Any):
    assert app.registry.find("nope") is None
    with pytest.raises(UnknownTaskError, match=r"no task is named 'nope'; known are: shop\.send"):
        app.registry.get("nope")
    assert [spec.name for spec in app.registry] == ["shop.send"]


def test_generators_are_no_tasks(app: Dibs):
    def generator() -> Iterator[int]:
        yield 1

    async def async_generator() -> AsyncIterator[int]:
        yield 1

    for function in (generator, async_generator):
        with pytest.raises(ConfigError, match="not a generator"):
            app.task()(function)


@pytest.mark.parametrize("schema", ["", "x" * 41, "é" * 21, "nul\x00"])
def test_a_schema_name_that_can_not_work_is_refused(schema: str):
    with pytest.raises(ConfigError, match="a schema's name has"):
        Dibs(schema=schema)


def test_an_apps_password_does_not_show():
    assert "secret" not in repr(Dibs("postgresql://user:secret@host/name"))
