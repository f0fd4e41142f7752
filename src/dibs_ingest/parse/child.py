"""The parse process: reads one file within its limits and writes its text, or why there is none, to stdout.

Run as `python -m dibs_ingest.parse.child KIND FILE MEMORY_BYTES CPU_SECONDS`. PDFium is not thread-safe,
and any native parser may crash on a hostile file; out here that ends one attempt and not the worker with
all its jobs.
"""

import os
import resource
import sys
from pathlib import Path

import msgspec

from dibs_ingest.errors import Reason, UnusableDocumentError
from dibs_ingest.parse.document import ParsedDocument
from dibs_ingest.parse.kind import Kind
from dibs_ingest.parse.reader import reader_for
from dibs_ingest.parse.report import Report

#: Characters of text taken from one file, some ten thousand pages; bounds what is held in memory twice.
TEXT_CHARACTERS_MAX = 30_000_000


def main() -> None:
    """Parse one file as the command line says."""
    kind, path, memory_bytes, cpu_seconds = sys.argv[1:]
    resource.setrlimit(resource.RLIMIT_AS, (int(memory_bytes), int(memory_bytes)))
    # The worker holds the clock; this one ends us when the worker was killed and nobody holds it any more.
    resource.setrlimit(resource.RLIMIT_CPU, (int(cpu_seconds), int(cpu_seconds)))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # What a library prints must not end up in the report.
    with os.fdopen(os.dup(1), "wb") as out:
        os.dup2(2, 1)
        out.write(msgspec.json.encode(_report(Kind(kind), Path(path))))


def _report(kind: Kind, path: Path) -> Report:
    try:
        return Report(document=_parse(kind, path))
    except UnusableDocumentError as error:
        return Report(reason=error.reason, message=str(error))
    except FileNotFoundError:
        missing = UnusableDocumentError.missing()
        return Report(reason=missing.reason, message=str(missing))
    except (MemoryError, RecursionError):
        return Report(reason=Reason.TOO_LARGE, message="The file needs more memory than a document may take.")


def _parse(kind: Kind, path: Path) -> ParsedDocument:
    document = reader_for(kind).read(path)
    if not document.sections:
        raise UnusableDocumentError(Reason.EMPTY, "The file holds no text.")
    if sum(len(section.text) for section in document.sections) > TEXT_CHARACTERS_MAX:
        raise UnusableDocumentError(
            Reason.TOO_LARGE, "The file holds more text than the limit of 30 million characters."
        )
    return document


if __name__ == "__main__":
    main()
