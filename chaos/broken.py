"""Workers that are broken on purpose, to see that the verdict on them is a different one.

    python -m chaos.broken fence_removed worker chaos.tasks:app     as `dibs worker chaos.tasks:app`, but broken

Each function here breaks this process; nothing outside of it changes.
"""

import random
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final
from unittest.mock import patch

from dibs.cli import main as dibs
from dibs.domain.job import ClaimedJob
from dibs.domain.outcome import Ended
from dibs.storage import statements
from dibs.storage.session import Operation
from dibs.storage.statement import Statement
from dibs.worker import transaction
from dibs.worker.finisher import Finisher

LOST_SHARE: Final = 0.2


def fence_removed() -> None:
    """Endings are accepted from whoever knows the job's id."""
    finish = _without(statements.JOBS_FINISH, "and token = e.token", "")
    succeed = _without(
        statements.JOBS_SUCCEED_AND_CLAIM,
        "coalesce((job_id, token) in (select * from unnest($2::bigint[], $3::bigint[])), false)",
        "$3::bigint[] is not null",
    )
    patch.object(statements, "JOBS_FINISH", finish).start()
    patch.object(statements, "JOBS_SUCCEED_AND_CLAIM", succeed).start()


def flush_lost() -> None:
    """Some endings are taken for recorded, and are not."""
    take = Finisher.take_successes

    def take_and_lose(finisher: Finisher) -> list[ClaimedJob]:
        taken = take(finisher)
        return [] if random.random() < LOST_SHARE else taken  # noqa: S311 - not a secret

    patch.object(Finisher, "take_successes", take_and_lose).start()


def ending_outside() -> None:
    """A job's transaction commits what the task wrote, and the ending is recorded afterwards."""

    def nothing(_: Sequence[Ended]) -> Operation[list[int]]:
        yield from ()
        return []

    begin = transaction.JobTransaction.__init__

    def begin_unended(made: transaction.JobTransaction, job: Any, lender: Any, connection: Any, _: Any) -> None:
        begin(made, job, lender, connection, lambda: None)

    patch.object(transaction, "finish", nothing).start()
    patch.object(transaction.JobTransaction, "__init__", begin_unended).start()


WAYS: Final[Mapping[str, Callable[[], None]]] = {
    way.__name__: way for way in (fence_removed, flush_lost, ending_outside)
}


def _without(statement: Statement, part: str, instead: str) -> Statement:
    if part not in statement.template:
        raise RuntimeError(f"{statement.name} does not read {part!r} any more: break it in another way")
    return replace(statement, template=statement.template.replace(part, instead))


def main() -> None:
    """Break this process in the way that the first argument names, and be `dibs` with the others."""
    WAYS[sys.argv.pop(1)]()
    dibs()


if __name__ == "__main__":
    main()
