"""What can go wrong, one class per decision a caller can make.

    IngestError
    ├── UnusableDocumentError  this file will never be ingested: no retry; the message is for the user
    ├── ParserError            the parse process crashed or ran out of time: worth another attempt
    ├── EmbeddingError         the embedding endpoint did not answer well: worth another attempt
    ├── ModelMissingError      the local model is not there and could not be made: someone has to act
    ├── EmbedderMismatchError  the index was made with another model: someone has to decide
    └── StoreNotReadyError     the database lacks what the service needs: someone has to act

Messages are whole sentences and name no path of the server.
"""

from enum import StrEnum
from typing import Self


class Reason(StrEnum):
    """Why a document can not be used, for programs."""

    #: Neither name nor content is of a type there is a reader for.
    UNSUPPORTED = "unsupported"
    #: No bytes, or no text in a file that has bytes.
    EMPTY = "empty"
    #: Cut off, or not what its name says.
    DAMAGED = "damaged"
    #: Can not be opened without a password.
    PROTECTED = "protected"
    #: Pictures of pages, without a text layer.
    SCANNED = "scanned"
    #: Over a limit of size.
    TOO_LARGE = "too_large"
    #: The uploaded file is gone.
    MISSING = "missing"


class IngestError(Exception):
    """Anything the service raises on purpose."""


class UnusableDocumentError(IngestError):
    """This file will never be ingested, however often it is tried."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason

    @classmethod
    def unsupported(cls, suffixes: list[str]) -> Self:
        """A file of a type nobody reads; *suffixes* are the types that are read."""
        return cls(Reason.UNSUPPORTED, f"This type of file is not supported. Supported are: {', '.join(suffixes)}.")

    @classmethod
    def empty(cls) -> Self:
        """A file without any text."""
        return cls(Reason.EMPTY, "The file is empty.")

    @classmethod
    def damaged(cls, kind: str) -> Self:
        """A file that could not be read as *kind*."""
        return cls(Reason.DAMAGED, f"The file is damaged or cut off: it could not be read as {kind}.")

    @classmethod
    def protected(cls) -> Self:
        """A file that wants a password."""
        return cls(Reason.PROTECTED, "The file is protected by a password. Remove the password and upload it again.")

    @classmethod
    def scanned(cls) -> Self:
        """A file with pictures of pages only."""
        return cls(
            Reason.SCANNED,
            "The PDF has no text layer: it holds pictures of pages. "
            "Run text recognition (OCR) on it and upload it again.",
        )

    @classmethod
    def too_large(cls, limit_bytes: int) -> Self:
        """A file over the limit of *limit_bytes*."""
        return cls(Reason.TOO_LARGE, f"The file is larger than the limit of {limit_bytes / 1_000_000:g} MB.")

    @classmethod
    def missing(cls) -> Self:
        """An upload whose file is gone."""
        return cls(Reason.MISSING, "The uploaded file is no longer there. Upload it again.")


class ParserError(IngestError):
    """The parse process crashed or ran out of time; another attempt may do better."""


class EmbeddingError(IngestError):
    """The embedding endpoint did not answer, or answered with something else than embeddings."""


class ModelMissingError(IngestError):
    """The local model is not there and could not be made; the message says what to run."""


class EmbedderMismatchError(IngestError):
    """The index holds vectors of another model, which can not be compared with ours."""


class StoreNotReadyError(IngestError):
    """The database lacks what the service needs; the message names the command to run."""
