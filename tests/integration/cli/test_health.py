"""`dibs health`: an exit code for probes."""

from collections.abc import Callable

from support.cli import Cli
from support.engine import Engine


async def one_worker(engine: Engine) -> None:
    await engine.register("mail")


async def one_that_fell_silent(engine: Engine) -> None:
    await engine.register("mail")
    await engine.connection.execute("update dibs.worker set heartbeat_at = now() - interval '1 hour'")


def test_a_live_worker_of_the_machine_is_health(dibs: Cli, arrange: Callable):
    arrange(one_worker)
    assert "pid 4711: heartbeat 0." in dibs("health", "--host", "host").output
    dibs("health", "--host", "host", "--queue", "mail")


def test_nobody_another_machine_another_queue_and_silence_are_not(dibs: Cli, arrange: Callable):
    assert "no live worker of host" in dibs("health", "--host", "host", code=1).output
    arrange(one_worker)
    assert "no live worker of " in dibs("health", code=1).output
    assert "serves queue pdf" in dibs("health", "--host", "host", "--queue", "pdf", code=1).output


def test_silence_is_not(dibs: Cli, arrange: Callable):
    arrange(one_that_fell_silent)
    dibs("health", "--host", "host", code=1)


def test_without_tables_it_can_not_tell(dibs_on_empty: Cli):
    assert "dibs migrate" in dibs_on_empty("health", code=2).output
