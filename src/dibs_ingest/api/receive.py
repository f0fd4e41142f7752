"""Take a file from a request into the spool, or say why not."""

import asyncio
import hashlib
import re
from dataclasses import dataclass
from typing import BinaryIO

from fastapi import UploadFile

from dibs_ingest.errors import UnusableDocumentError
from dibs_ingest.parse import detect
from dibs_ingest.parse.kind import HEAD_BYTES, MEDIA_TYPES
from dibs_ingest.store import Files, NewUpload
from dibs_ingest.text import one_line

_COPY_BYTES = 1024 * 1024
_FILENAME_CHARACTERS_MAX = 200
_SEPARATOR = re.compile(r"[/\\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """A file that was not taken, and why, in words for its user."""

    filename: str
    reason: str
    error: str


def safe_filename(given: str | None) -> str:
    """What to call a file: the last part of what the client called it. It is shown, never used as a path."""
    last = _SEPARATOR.split(given or "")[-1]
    name = one_line(last).strip(". ") if last.strip(". ") else ""
    if len(name) > _FILENAME_CHARACTERS_MAX:
        stem, dot, suffix = name.rpartition(".")
        kept = f"{dot}{suffix}" if dot and len(suffix) <= 10 else ""  # noqa: PLR2004 - no suffix is longer
        name = (stem if kept else name)[: _FILENAME_CHARACTERS_MAX - len(kept)] + kept
    return name or "unnamed"


async def receive(upload: UploadFile, files: Files, *, bytes_max: int) -> NewUpload | Rejected:
    """Copy *upload* to the spool piece by piece, unless it is plain that it can not be used."""
    filename = safe_filename(upload.filename)
    name = files.new_name()
    try:
        # Off the event loop: it is up to gigabytes of reading, hashing and writing.
        return await asyncio.to_thread(_copy, upload.file, filename, name, files, bytes_max)
    except UnusableDocumentError as error:
        files.discard(name)
        return Rejected(filename=filename, reason=error.reason, error=str(error))
    except BaseException:
        files.discard(name)
        raise


def _copy(source: BinaryIO, filename: str, name: str, files: Files, bytes_max: int) -> NewUpload:
    head = source.read(HEAD_BYTES)
    kind = detect(filename, head)
    digest = hashlib.sha256()
    size_bytes = 0
    with files.spooled(name).open("xb") as target:
        block = head
        while block:
            size_bytes += len(block)
            if size_bytes > bytes_max:
                raise UnusableDocumentError.too_large(bytes_max)
            digest.update(block)
            target.write(block)
            block = source.read(_COPY_BYTES)
    return NewUpload(
        name=name,
        filename=filename,
        media_type=MEDIA_TYPES[kind],
        size_bytes=size_bytes,
        sha256=digest.hexdigest(),
    )
