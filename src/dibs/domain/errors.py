"""Every error that dibs raises on purpose.

DibsError
├── ConfigError               a setting that can not work
├── ArgumentsError            arguments that do not fit the task's signature
├── PayloadTooLargeError      arguments larger than a job may carry
├── DecryptionError           encrypted arguments that no key of ours opens
├── UnknownTaskError          a task name that the app does not know
├── DatabaseUnavailableError  no connection: the server does not answer, or does not let us in
├── SchemaError               the tables are missing, or older or newer than this code
├── NotRunningError           asked for something that exists only while a job runs
├── LeaseLostError            the job is not this worker's any more; its transaction was rolled back
├── EmbeddedPostgresError     the embedded Postgres can not be had or started
└── PermanentError            raised by a task: this job will never work, do not retry it

Raised inside a task, and meant for it: `PermanentError`, `Snooze` and `JobTimeout`.
"""

from datetime import timedelta

from dibs.domain.limits import DELAY_SECONDS_MAX


class DibsError(Exception):
    """The root of all errors that dibs raises on purpose."""


class ConfigError(DibsError, ValueError):
    """A setting that can not work; the message says what was expected and what came."""


class ArgumentsError(DibsError, TypeError):
    """Arguments that do not fit the task's signature, found at enqueue or before the task runs."""


class PayloadTooLargeError(ArgumentsError):
    """Arguments larger than a job may carry; put the data in a file or a table and pass its name."""


class DecryptionError(DibsError):
    """Encrypted arguments that can not be opened here; the message names the keys by their ids.

    The job is tried again by its policy: a worker that has the key may claim it then.
    """


class UnknownTaskError(DibsError, LookupError):
    """A task name that this app does not know."""


class DatabaseUnavailableError(DibsError, ConnectionError):
    """No connection could be had; the message names the database, the reason, and what to do."""

    sqlstate: str | None = None
    """What Postgres answered, if it did."""


class SchemaError(DibsError):
    """The tables are missing, or of another version than this code needs; the message names the command to run."""


class NotRunningError(DibsError, RuntimeError):
    """Asked for the current job, or for a resource, where no job runs."""


class LeaseLostError(DibsError):
    """Raised at the end of a job's transaction: others took the job back, and what was written is rolled back."""


class EmbeddedPostgresError(DibsError):
    """The embedded Postgres can not be had or started; the message says why and what to do instead."""


class PermanentError(DibsError):
    """Raise it in a task: this job will never work. It fails at once, whatever attempts are left."""


class Snooze(DibsError):  # noqa: N818 - a decision of the task, not a fault
    """Raise it in a task: run this job again later. The attempt is not counted."""

    def __init__(self, delay: timedelta | float) -> None:
        """Come back after *delay* (a timedelta, or seconds).

        Raises:
            ConfigError: A delay that is no number, or of more than ten years.
        """
        super().__init__(f"snoozed for {delay}")
        self.delay_seconds = delay.total_seconds() if isinstance(delay, timedelta) else float(delay)
        if not abs(self.delay_seconds) <= DELAY_SECONDS_MAX:
            raise ConfigError(f"Snooze: a delay is at most {DELAY_SECONDS_MAX:.0f} seconds, got {delay!r}")


class JobTimeout(DibsError, TimeoutError):  # noqa: N818 - the name people know from other job systems
    """The job ran longer than its time limit."""
