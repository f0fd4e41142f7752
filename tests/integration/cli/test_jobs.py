"""`dibs jobs`: find them, read them, try them again, cancel them."""

import json
from collections.abc import Callable
from dataclasses import fields
from datetime import UTC, datetime, timedelta

import pytest

from dibs import Job
from dibs.domain.outcome import Failure, Outcome, Verdict
from support.cli import Cli, execute, fetch
from support.engine import FAILED, Engine, new_job

ODD = Failure("ValueError", "bad [red]thing[/red]\x1b[31m\nsecond line", "Traceback: \x1b[2Jgone")


async def one_of_each(engine: Engine) -> None:
    """Jobs 1 to 6: succeeded, failed, cancelled, running, scheduled, ready; the last two in queue pdf."""
    worker = await engine.register("mail")
    await engine.enqueue(*(new_job("mail", args_json=f'{{"to": {n}}}') for n in range(1, 5)))
    await engine.finish(await engine.claim_one(worker, "mail"))
    await engine.finish(await engine.claim_one(worker, "mail"), outcome=Outcome(Verdict.FAIL, failure=ODD))
    await engine.cancel(3)
    await engine.claim_one(worker, "mail")
    await engine.enqueue(new_job("pdf", delay_seconds=60, tags=("a", "b")), new_job("pdf", task="tests.other"))


async def dead_letters(engine: Engine, count: int = 12) -> None:
    """Failed jobs, every third of them in queue pdf."""
    worker = await engine.register("mail", "pdf")
    await engine.enqueue(*(new_job("pdf" if n % 3 == 0 else "mail") for n in range(count)))
    for queue in ("mail", "pdf"):
        await engine.finish(*await engine.claim(worker, count, queue), outcome=FAILED)


def ids(dibs: Cli, *options: str) -> list[int]:
    """What `jobs list` finds."""
    return [json.loads(line)["id"] for line in dibs("jobs", "list", "--json", *options).stdout.splitlines()]


def states(url: str) -> str:
    """Of all jobs, by id."""
    return fetch(url, "select string_agg(state, ' ' order by id) from dibs.jobs")


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ([], [6, 5, 4, 3, 2, 1]),
        (["--state", "failed"], [2]),
        (["--state", "running"], [4]),
        (["--queue", "pdf"], [6, 5]),
        (["--task", "tests.other"], [6]),
        (["--queue", "pdf", "--state", "scheduled"], [5]),
        (["--limit", "2"], [6, 5]),
        (["--limit", "2", "--before", "5"], [4, 3]),
        (["--batch", "7"], []),
        (["--queue", "none"], []),
    ],
)
def test_a_list_holds_the_newest_that_fit(dibs: Cli, arrange: Callable, options: list[str], found: list[int]):
    arrange(one_of_each)
    assert ids(dibs, *options) == found


def test_a_list_is_a_table_for_people(dibs: Cli, arrange: Callable):
    assert dibs("jobs", "list").output == "No job fits.\n"
    arrange(one_of_each)
    head, *lines = dibs("jobs", "list").output.splitlines()
    assert head.split()[:5] == ["id", "state", "queue", "task", "attempt"]
    assert [line.split()[:3] for line in lines][3:] == [
        ["3", "cancelled", "mail"],
        ["2", "failed", "mail"],
        ["1", "succeeded", "mail"],
    ]
    assert "delay, due in" in lines[1]
    assert "There may be more: --before 5" in dibs("jobs", "list", "--limit", "2").stderr


def test_an_error_is_shown_as_it_is_but_steers_no_terminal(dibs: Cli, arrange: Callable):
    arrange(one_of_each)
    for command in (["list"], ["show", "2"]):
        said = dibs("jobs", *command).output
        assert "ValueError: bad [red]thing[/red]\ufffd[31m" in said
        assert "\x1b" not in said
    assert "Traceback: \ufffd[2Jgone" in dibs("jobs", "show", "2").output


def test_a_job_as_json_has_the_fields_of_a_job(dibs: Cli, arrange: Callable):
    arrange(one_of_each)
    for job_id in range(1, 7):
        shown = json.loads(dibs("jobs", "show", str(job_id), "--json").stdout)
        assert list(shown) == [field.name for field in fields(Job)]
    assert (shown["id"], shown["state"], shown["args"], shown["task"]) == (6, "ready", {}, "tests.other")
    failed = json.loads(dibs("jobs", "show", "2", "--json").stdout)
    assert (failed["args"], failed["traceback"]) == ({"to": 2}, ODD.traceback)
    assert datetime.now(UTC) - datetime.fromisoformat(failed["finished_at"]) < timedelta(minutes=5)


@pytest.mark.parametrize(
    ("job_id", "standing"),
    [
        (1, r"succeeded 2"),
        (2, r"failed 2"),
        (3, r"cancelled 2"),
        (4, "running on worker 1 (host, pid 4711), claimed "),
        (5, "scheduled: its time has not come; due in "),
        (6, "ready: waits for a worker; no live one serves queue pdf"),
    ],
)
def test_a_job_says_where_it_stands_and_what_it_waits_for(dibs: Cli, arrange: Callable, job_id: int, standing: str):
    arrange(one_of_each)
    [state] = [line for line in dibs("jobs", "show", str(job_id)).output.splitlines() if line.startswith("state:")]
    assert state.removeprefix("state:").strip().startswith(standing)


def test_a_job_that_waits_for_a_try_or_a_worker_says_so(dibs: Cli, arrange: Callable):
    async def make(engine: Engine) -> None:
        worker = await engine.register("mail")
        await engine.enqueue(new_job("mail", max_attempts=3), new_job("mail"), new_job("mail"), new_job("mail"))
        verdicts = (Verdict.RETRY, Verdict.SNOOZE, Verdict.DEFER)
        for job, verdict in zip(await engine.claim(worker, 3, "mail"), verdicts, strict=True):
            await engine.finish(job, outcome=Outcome(verdict, 60.0, ODD))

    arrange(make)
    assert "scheduled: waits for attempt 2 of 3; due in" in dibs("jobs", "show", "1").output
    assert "scheduled: its task put it off; due in" in dibs("jobs", "show", "2").output
    assert "no worker so far knows task tests.task" in dibs("jobs", "show", "3").output
    assert "ready: in line, waits for a free slot" in dibs("jobs", "show", "4").output
    execute(dibs.url, "update dibs.scheduled set run_at = now() - interval '1 min'")
    assert "due now, a worker will put it in line" in dibs("jobs", "show", "1").output
    execute(dibs.url, "delete from dibs.worker")
    assert "due now, no worker lives to put it in line" in dibs("jobs", "show", "1").output


def test_a_job_that_does_not_exist_is_exit_code_1(dibs: Cli):
    assert "there is no job 7" in dibs("jobs", "show", "7", code=1).output
    assert "there is no job 7" in dibs("jobs", "show", "7", "--json", code=1).stderr
    dibs("jobs", "show", "0", code=2)
    dibs("jobs", "show", str(2**63), code=2)
    dibs("jobs", "show", "seven", code=2)


def test_jobs_named_by_id_are_tried_again_and_the_others_named(dibs: Cli, arrange: Callable):
    arrange(one_of_each)
    assert dibs("jobs", "retry", "2", "5").output == "2 jobs put in line.\n"
    result = dibs("jobs", "retry", "1", "3", "4", "99", "3", code=1)
    assert result.stdout == "1 job put in line.\n"
    assert "job 1 is succeeded; job 4 is running; job 99 does not exist" in result.stderr
    assert states(dibs.url) == "succeeded ready ready running ready ready"


def test_jobs_named_by_id_are_cancelled_and_the_others_named(dibs: Cli, arrange: Callable):
    arrange(one_of_each)
    result = dibs("jobs", "cancel", "4", "5", "6", "2", "99", code=1)
    assert result.stdout == "2 jobs cancelled.\n1 running job asked to stop.\n"
    assert "job 2 is failed; job 99 does not exist" in result.stderr
    assert states(dibs.url) == "succeeded failed cancelled running cancelled cancelled"


def test_json_tells_what_was_done(dibs: Cli, arrange: Callable):
    arrange(one_of_each)
    retried = dibs("jobs", "retry", "1", "2", "--json", code=1).stdout
    assert json.loads(retried) == {"retried": [2], "left": [{"id": 1, "why": "is succeeded"}]}
    cancelled = dibs("jobs", "cancel", "--queue", "mail", "--yes", "--json").stdout
    assert json.loads(cancelled) == {"cancelled": [2], "requested": [4], "left": []}


def test_a_filter_asks_first(dibs: Cli, arrange: Callable):
    arrange(dead_letters)
    refused = dibs("jobs", "retry", "--state", "failed", typed="n\n", code=1)
    assert "Retry 12 jobs? [y/N]" in refused.stderr
    dibs("jobs", "retry", "--state", "failed", typed="", code=1)
    assert set(states(dibs.url).split()) == {"failed"}
    assert "8 jobs put in line." in dibs("jobs", "retry", "--state", "failed", "--queue", "mail", typed="y\n").output
    assert "4 jobs put in line." in dibs("jobs", "retry", "--state", "failed", "--yes").output
    assert set(states(dibs.url).split()) == {"ready"}
    assert dibs("jobs", "retry", "--state", "failed").output == "0 jobs put in line.\n", "nothing to ask about"


def test_a_filter_cancels_what_has_not_ended(dibs: Cli, arrange: Callable):
    arrange(one_of_each)
    dibs("jobs", "cancel", "--state", "scheduled", "--queue", "pdf", "--yes")
    assert states(dibs.url) == "succeeded failed cancelled running cancelled ready"
    said = dibs("jobs", "cancel", "--task", "tests.task", "--yes").output
    assert said == "1 running job asked to stop.\n"
    assert states(dibs.url) == "succeeded failed cancelled running cancelled ready"


def test_a_batch_is_a_filter(dibs: Cli, arrange: Callable):
    async def make(engine: Engine) -> None:
        await engine.batch(*(new_job() for _ in range(3)))
        await engine.enqueue(count=2)

    arrange(make)
    assert dibs("jobs", "cancel", "--batch", "1", "--yes").output == "3 jobs cancelled.\n"
    assert states(dibs.url) == "cancelled cancelled cancelled ready ready"
    assert ids(dibs, "--batch", "1") == [3, 2, 1]


def test_thousands_are_steered_piece_by_piece(dibs: Cli, arrange: Callable, monkeypatch: pytest.MonkeyPatch):
    from dibs.cli import steering

    monkeypatch.setattr(steering, "LOOKED_UP_MAX", 700)
    arrange(lambda engine: engine.enqueue(count=2_345))
    assert dibs("jobs", "cancel", "--state", "ready", "--yes").output == "2,345 jobs cancelled.\n"
    assert dibs("jobs", "retry", "--state", "cancelled", "--yes").output == "2,345 jobs put in line.\n"
    assert fetch(dibs.url, "select count(*) from dibs.ready") == 2_345


@pytest.mark.parametrize(
    "arguments",
    [
        ["retry"],
        ["cancel"],
        ["retry", "--queue", "mail"],
        ["retry", "--state", "succeeded"],
        ["cancel", "--state", "failed"],
        ["retry", "1", "--state", "failed"],
        ["cancel", "1", "--yes"],
        ["cancel", "--yes"],
        ["list", "--state", "odd"],
        ["list", "--limit", "0"],
    ],
)
def test_what_is_not_clear_is_a_usage_error(dibs: Cli, arguments: list[str]):
    dibs("jobs", *arguments, code=2)


@pytest.mark.parametrize("command", [["jobs", "cancel"], ["jobs", "retry"], ["jobs", "list"]])
def test_an_option_given_twice_is_refused_since_one_value_would_be_lost(dibs: Cli, command: list[str]):
    said = dibs(*command, "--task", "a", "--task", "b", code=2).stderr
    assert "--task is given 2 times; it takes one value" in said
