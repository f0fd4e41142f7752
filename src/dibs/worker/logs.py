"""Log lines for people and for machines; every line written while a job runs says which one."""

import logging
import sys
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from dibs.worker.current import current

worker_id: int | None = None
"""The id of this process's worker, once it has one."""

_JOB_FIELDS: Final = ("worker", "job", "task", "queue", "attempt")


class JobContext(logging.Filter):
    """Adds worker, job, task, queue and attempt to each record; null where there is none."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Add the fields, let the record through."""
        job = current.get(None)
        record.worker = job.worker_id if job is not None else worker_id
        record.job = job.id if job is not None else None
        record.task = job.task if job is not None else None
        record.queue = job.queue if job is not None else None
        record.attempt = job.attempt if job is not None else None
        return True


class ConsoleFormatter(logging.Formatter):
    """`12:00:00 WARNING dibs.job attempt 1 of 3 failed  [worker=1 job=7 task=app.send queue=default attempt=1]`."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, with a traceback below where there is one."""
        record.asctime = self.formatTime(record, "%H:%M:%S")
        fields = " ".join(f"{name}={value}" for name, value in _fields(record) if value is not None)
        line = f"{record.asctime} {record.levelname:<7} {record.name} {record.getMessage()}"
        line += f"  [{fields}]" if fields else ""
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON."""
        entry: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **dict(_fields(record)),
        }
        if record.exc_info:
            entry["traceback"] = self.formatException(record.exc_info)
        return msgspec.json.encode(entry).decode()


def set_up(*, as_json: bool, level: str) -> None:
    """Send the log to standard error, in one of the two forms."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(JobContext())
    handler.setFormatter(JsonFormatter() if as_json else ConsoleFormatter())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)


def _fields(record: logging.LogRecord) -> list[tuple[str, Any]]:
    return [(name, getattr(record, name, None)) for name in _JOB_FIELDS]
