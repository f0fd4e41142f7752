"""What the figures of a survey mean."""

from dataclasses import replace

import pytest

from dibs.bench.limits import Limits
from dibs.bench.reading import brake, read
from dibs.bench.result import Costs, Counts, Result
from dibs.bench.survey import STEPS, Server, Survey
from dibs.cli.benching import show

JOBS = 10_000


def result(
    name: str = "drain_best", *, seconds: float = 1.0, wrong: str | None = None, **costs: float | None
) -> Result:
    return Result(
        system="dibs", profile="best", scenario=name, settings={}, seconds=seconds, wrong=wrong,
        counts=Counts(jobs=JOBS, distinct=JOBS, repeated=0, finished=JOBS),
        costs=Costs(worker_jobs=JOBS, **costs),  # type: ignore[arg-type]
        call_ms={"p50": 1.2, "p99": 3.4}, pickup_ms={"p50": 2.5, "p99": 9.9},
    )  # fmt: skip


LIMITS = Limits(
    round_trip_ms=0.1, insert_ms=1.1, insert_without_flush_ms=0.3, inserts_per_second=5_000, copied_per_second=100_000
)
SERVER = Server(version="18.4", synchronous_commit="on", fsync="on", is_visible=True)
SURVEY = Survey(server=SERVER, cores=4, has_uvloop=True, limits=LIMITS, results={name: result(name) for name in STEPS})


@pytest.mark.parametrize(
    ("costs", "round_trip_ms", "expected", "share"),
    [
        ({"worker_cpu_seconds": 0.9, "server_cpu_seconds": 0.3}, 0.1, "worker", 0.9),
        ({"worker_cpu_seconds": 0.3, "server_cpu_seconds": 0.8}, 0.1, "server", 0.8),
        ({"worker_cpu_seconds": 0.1, "transactions": 100}, 8.0, "round trips", 0.8),
        ({"worker_cpu_seconds": 0.1, "transactions": 700}, 0.1, "commits", 0.56),
        ({"worker_cpu_seconds": 0.8, "server_cpu_seconds": 0.8, "foreign_cores": 2.2}, 0.1, "machine", 0.95),
        ({"worker_cpu_seconds": 0.1, "server_cpu_seconds": 0.1}, 0.1, "unknown", 0.1),
        ({}, 0.1, "unknown", 0.0),
    ],
)
def test_what_takes_most_of_the_time_is_named(costs: dict, round_trip_ms: float, expected: str, share: float):
    survey = replace(SURVEY, limits=replace(LIMITS, round_trip_ms=round_trip_ms))
    found = brake(result(**costs), survey)
    assert (found.what, found.share) == (expected, share)
    assert found.why
    assert found.advice.endswith(".")


def test_only_who_lacks_the_faster_loop_is_told_of_it():
    busy = result(worker_cpu_seconds=0.9)
    assert "uvloop" not in brake(busy, SURVEY).advice
    assert "uvloop" in brake(busy, replace(SURVEY, has_uvloop=False)).advice


def test_the_sentences_set_the_figures_against_the_limits():
    said = " ".join(read(SURVEY).sentences)
    assert "a job takes 1.2 ms; a bare INSERT with its commit takes 1.1 ms here, of which 0.1" in said
    assert "and 0.8 the disk" in said
    assert "10,000 jobs/s, 200% of bare INSERTs over ten connections (5,000/s)" in said
    assert "10% of a bare COPY (100,000 rows/s)" in said
    assert "starts after 2.5 ms" in said


def test_a_server_out_of_sight_is_said_to_be():
    reading = read(replace(SURVEY, server=replace(SERVER, is_visible=False)))
    assert any("not visible" in warning for warning in reading.warnings)
    assert any("server not visible" in sentence for sentence in reading.sentences)


@pytest.mark.parametrize(
    ("server", "words"),
    [(replace(SERVER, fsync="off"), "fsync = off"), (replace(SERVER, synchronous_commit="off"), "synchronous_commit")],
)
def test_settings_that_flatter_are_named(server: Server, words: str):
    assert any(words in warning for warning in read(replace(SURVEY, server=server)).warnings)


def test_others_on_the_machine_are_named():
    results = {**SURVEY.results, "feed": result("feed", foreign_cores=1.5)}
    assert any("1.5 of 4 cores" in warning for warning in read(replace(SURVEY, results=results)).warnings)
    assert read(SURVEY).warnings == ()


def test_of_void_results_nothing_is_read_but_why():
    results = {name: result(name, wrong="1 of 10,000 jobs were not executed in time") for name in STEPS}
    survey = replace(SURVEY, results=results)
    reading = read(survey)
    assert not survey.is_sound
    assert reading.brake is None
    assert not any("jobs/s" in sentence for sentence in reading.sentences)
    assert len(reading.warnings) == len(STEPS)


def test_it_is_shown_as_a_table_and_in_words(capsys: pytest.CaptureFixture[str]):
    show(SURVEY)
    shown = capsys.readouterr().out
    for step in STEPS.values():
        assert step in shown
    assert "100,000" in shown
    assert " ".join(read(SURVEY).sentences[0].split()) in " ".join(shown.split())
    assert "What holds running jobs back: " in shown
