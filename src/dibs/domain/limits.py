"""Every bound, with its unit and its reason."""

from typing import Final

ARGUMENT_BYTES_MAX: Final = 1 << 20
"""JSON of one job's arguments. A queue moves references; a larger payload belongs in a file or a table."""

NAME_LENGTH_MAX: Final = 100
"""Characters of a queue's name (the database checks the same)."""

TASK_NAME_LENGTH_MAX: Final = 200
"""Characters of a task's name."""

SCHEMA_LENGTH_MAX: Final = 40
"""Characters of the schema's name: notification channels carry it, and Postgres allows them 63 bytes."""

ATTEMPTS_MAX: Final = 1000
"""Attempts of one job."""

DELAY_SECONDS_MAX: Final = 10 * 366 * 86_400.0
"""Seconds that a job may be put off: ten years. Beyond what Postgres can add to a moment, one job's delay would fail
the statement that carries the endings of many."""

RETENTION_SECONDS_MIN: Final = 60.0
"""Seconds that a finished job is kept at least: whoever watches a batch is to see that it is finished."""

RETENTION_SECONDS_MAX: Final = 100 * 366 * 86_400.0
"""A hundred years; who wants more says for ever."""

PRIORITY_MIN: Final = -32768
PRIORITY_MAX: Final = 32767
"""Priorities are a smallint; the higher number goes first."""

TAGS_MAX: Final = 20
TAG_LENGTH_MAX: Final = 100
"""Tags are for finding jobs, not for carrying data."""

ERROR_CHARACTERS_MAX: Final = 4_000
TRACEBACK_CHARACTERS_MAX: Final = 20_000
MESSAGE_CHARACTERS_MAX: Final = 1_000
"""Error messages, tracebacks and progress messages are cut to these, tracebacks at their beginning."""

ENQUEUE_ROWS_MAX: Final = 5_000
"""Jobs in one enqueue statement: more gain nothing (see docs/decisions) and hold memory."""

COPY_ROWS_MIN: Final = 10_000
"""From so many jobs on, COPY is faster than arrays even with its two extra round trips."""

BATCH_NAME_LENGTH_MAX: Final = 200
"""Characters of a batch's name."""

LISTED_MAX: Final = 1_000_000
"""Jobs in one answer; for more, ask for the next page."""

JOB_ID_MAX: Final = 2**63 - 1
"""Ids are a bigint."""
