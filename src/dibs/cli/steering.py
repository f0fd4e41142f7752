"""What `dibs jobs retry` and `dibs jobs cancel` do: to jobs by their ids, or to all that fit, piece by piece."""

import contextlib
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import click

from dibs.cli.database import session
from dibs.cli.target import Target, UnfulfilledError
from dibs.cli.words import some
from dibs.domain.state import JobState
from dibs.engine.cancel import cancel, retry
from dibs.engine.inspect import JobFilter, get_jobs, list_job_ids
from dibs.storage.session import Operation
from dibs.storage.sessions.on_asyncpg import OnAsyncpg

LOOKED_UP_MAX: Final = 10_000
"""Ids in one look: a few hundred kilobytes."""

STEERED_MAX: Final = 500
"""Jobs in one statement: it holds their rows locked, and workers wait for as long as it takes."""


@dataclass(slots=True)
class Steered:
    """What came of it."""

    done: list[int] = field(default_factory=list)
    requested: list[int] = field(default_factory=list)
    """Jobs that run: their workers were asked to stop them."""
    left: dict[int, str] = field(default_factory=dict)
    """Jobs that nothing was done to, and where they stand."""


@dataclass(frozen=True, slots=True)
class Verb:
    """Something to do to jobs."""

    name: str
    key: str
    """What was done, as the key of the JSON output."""
    said: Callable[[int], str]
    operation: Callable[[Sequence[int]], Operation[tuple[Sequence[int], Sequence[int]]]]


def _retry(job_ids: Sequence[int]) -> Operation[tuple[Sequence[int], Sequence[int]]]:
    return (yield from retry(job_ids)), ()


def _cancel(job_ids: Sequence[int]) -> Operation[tuple[Sequence[int], Sequence[int]]]:
    cancelled = yield from cancel(job_ids)
    return cancelled.ended, cancelled.requested


RETRY: Final = Verb("retry", "retried", lambda n: f"{some(n)} put in line.", _retry)
CANCEL: Final = Verb("cancel", "cancelled", lambda n: f"{some(n)} cancelled.", _cancel)


async def steer(
    target: Target,
    verb: Verb,
    job_ids: Sequence[int],
    states: Sequence[JobState],
    filters: Mapping[str, Any],
    *,
    asks: bool,
    as_json: bool,
) -> None:
    """Do *verb* to the jobs of these ids; without ids, to those in one of *states* that fit the filters."""
    async with session(target) as steering:
        chosen = list(dict.fromkeys(job_ids)) or await _find(steering, states, filters)
        if not job_ids and chosen and asks:
            click.confirm(f"{verb.name.capitalize()} {some(len(chosen))}?", abort=True, err=True)
        came = await _do(steering, verb, chosen, shows_bar=sys.stderr.isatty() and len(chosen) > STEERED_MAX)
    _tell(verb, came, as_json=as_json)
    if not came.left:
        return
    if not job_ids:
        click.echo(f"{some(len(came.left))} had moved on meanwhile.", err=True)
    else:
        why = "; ".join(f"job {job_id} {why}" for job_id, why in came.left.items())
        raise UnfulfilledError(f"can not {verb.name}: {why}")


async def _find(steering: OnAsyncpg, states: Sequence[JobState], filters: Mapping[str, Any]) -> list[int]:
    """The ids of the jobs that fit now: those that come later are not asked about, and so not touched."""
    if filters["state"] is not None:
        states = [JobState(filters["state"])]
    found: list[int] = []
    while True:
        wanted = JobFilter(
            queue=filters["queue"],
            task=filters["task"],
            batch_id=filters["batch"],
            before_id=found[-1] if found else None,
        )
        ids = await steering.run(list_job_ids(wanted, states, LOOKED_UP_MAX))
        found += ids
        if len(ids) < LOOKED_UP_MAX:
            return found[::-1]


async def _do(steering: OnAsyncpg, verb: Verb, chosen: Sequence[int], *, shows_bar: bool) -> Steered:
    came = Steered()
    pieces = [chosen[start : start + STEERED_MAX] for start in range(0, len(chosen), STEERED_MAX)]
    with contextlib.ExitStack() as stack:
        bar = None
        if shows_bar:
            bar = stack.enter_context(click.progressbar(length=len(chosen), label=verb.name, file=sys.stderr))
        for piece in pieces:
            done, requested = await steering.run(verb.operation(piece))
            came.done += done
            came.requested += requested
            rest = sorted({*piece} - {*done, *requested})
            if rest:
                states = {job.id: f"is {job.state}" for job in await steering.run(get_jobs(rest))}
                came.left |= {job_id: states.get(job_id, "does not exist") for job_id in rest}
            if bar is not None:
                bar.update(len(piece))
    return came


def _tell(verb: Verb, came: Steered, *, as_json: bool) -> None:
    if as_json:
        requested = {"requested": came.requested} if verb is CANCEL else {}
        left = [{"id": job_id, "why": why} for job_id, why in came.left.items()]
        click.echo(json.dumps({verb.key: came.done, **requested, "left": left}))
        return
    if came.done or not came.requested:
        click.echo(verb.said(len(came.done)))
    if came.requested:
        click.echo(f"{some(len(came.requested), 'running job')} asked to stop.")
