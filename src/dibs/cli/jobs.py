"""`dibs jobs`: look at jobs, try them again, cancel them."""

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

import click

from dibs.cli.once import Once
from dibs.cli.target import Target, UnfulfilledError, pass_target
from dibs.domain.state import FINAL_STATES, JobState

F = TypeVar("F", bound=Callable[..., Any])

RETRIED_STATES: Final = (JobState.FAILED, JobState.CANCELLED, JobState.SCHEDULED)
CANCELLED_STATES: Final = tuple(state for state in JobState if state not in FINAL_STATES)


@click.group()
def jobs() -> None:
    """Look at jobs, try them again, cancel them."""


@jobs.command("list", cls=Once)
@click.option("--state", type=click.Choice([str(state) for state in JobState]), help="Only jobs in this state.")
@click.option("--queue", metavar="NAME", help="Only jobs of this queue.")
@click.option("--task", metavar="NAME", help="Only jobs of this task.")
@click.option("--batch", type=int, metavar="ID", help="Only jobs of this batch.")
@click.option("--before", type=int, metavar="ID", help="Only jobs with a lower id: the next page.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=50, show_default=True, help="How many at most.")
@click.option("--json", "as_json", is_flag=True, help="Print one object a line.")
@pass_target
def list_(target: Target, /, *, as_json: bool, limit: int, **wanted: Any) -> None:
    """List the newest jobs that fit, newest first."""
    from dibs.cli import looking
    from dibs.cli.database import run

    run(looking.show_list(target, limit, as_json=as_json, **wanted))


@jobs.command(cls=Once)
@click.argument("job_id", metavar="ID", type=click.IntRange(1, 2**63 - 1))
@click.option("--json", "as_json", is_flag=True, help="Print one object.")
@pass_target
def show(target: Target, *, job_id: int, as_json: bool) -> None:
    """Show all there is to know about a job: arguments, progress, last error, and why it waits."""
    from dibs.cli import looking
    from dibs.cli.database import run

    if not run(looking.show_job(target, job_id, as_json=as_json)):
        raise UnfulfilledError(f"there is no job {job_id} in schema {target.schema!r}")


def _chosen(states: Sequence[JobState]) -> Callable[[F], F]:
    """The arguments and options that say which jobs are meant."""
    decorators = [
        click.argument("job_ids", metavar="[ID]...", nargs=-1, type=click.IntRange(1, 2**63 - 1)),
        click.option("--state", type=click.Choice([str(state) for state in states]), help="All jobs in this state."),
        click.option("--queue", metavar="NAME", help="All jobs of this queue."),
        click.option("--task", metavar="NAME", help="All jobs of this task."),
        click.option("--batch", type=int, metavar="ID", help="All jobs of this batch."),
        click.option("--yes", is_flag=True, help="Do not ask before it is done to all jobs that fit."),
        click.option("--json", "as_json", is_flag=True, help="Print one object with the ids."),
    ]

    def decorate(command: F) -> F:
        for decorator in reversed(decorators):
            command = decorator(command)
        return command

    return decorate


@jobs.command(cls=Once)
@_chosen(RETRIED_STATES)
@pass_target
def retry(target: Target, /, *, job_ids: tuple[int, ...], yes: bool, as_json: bool, **filters: Any) -> None:
    """Put failed or cancelled jobs in line again, and scheduled ones in line now.

    Name jobs by their ids, or give --state, which the other filters narrow down. A failed job gets one more attempt.
    """
    _check_choice(job_ids, filters, yes=yes)
    if not job_ids and not filters["state"]:
        raise click.UsageError("which ones: those that have failed? Give --state failed")
    from dibs.cli import steering
    from dibs.cli.database import run

    run(steering.steer(target, steering.RETRY, job_ids, RETRIED_STATES, filters, asks=not yes, as_json=as_json))


@jobs.command(cls=Once)
@_chosen(CANCELLED_STATES)
@pass_target
def cancel(target: Target, /, *, job_ids: tuple[int, ...], yes: bool, as_json: bool, **filters: Any) -> None:
    """Cancel jobs that wait, and have those that run interrupted by their workers.

    Name jobs by their ids, or give filters, which all must fit. Jobs that have ended are left alone.
    """
    _check_choice(job_ids, filters, yes=yes)
    from dibs.cli import steering
    from dibs.cli.database import run

    run(steering.steer(target, steering.CANCEL, job_ids, CANCELLED_STATES, filters, asks=not yes, as_json=as_json))


def _check_choice(job_ids: Sequence[int], filters: dict[str, Any], *, yes: bool) -> None:
    given = [f"--{name}" for name, value in filters.items() if value is not None]
    if job_ids and (given or yes):
        raise click.UsageError(f"ids and {' '.join([*given, *(['--yes'] if yes else [])])} do not go together")
    if not job_ids and not given:
        raise click.UsageError("name jobs by their ids, or by filters as --state, --queue, --task, --batch")
