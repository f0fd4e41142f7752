"""The files behind the documents: uploads in the spool, originals by their content."""

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from dibs_ingest.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Files:
    """Two folders that all processes of one service share. Names in them are made here, never by a user."""

    spool: Path
    originals: Path

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The folders of *settings*, made if they are not there."""
        files = cls(spool=settings.spool_folder, originals=settings.originals_folder)
        files.spool.mkdir(parents=True, exist_ok=True)
        files.originals.mkdir(parents=True, exist_ok=True)
        return files

    def new_name(self) -> str:
        """A name that no other upload has."""
        return secrets.token_hex(16)

    def spooled(self, name: str) -> Path:
        """Where the upload *name* lies.

        Raises:
            ValueError: If *name* was not made by `new_name`: it may come from a job's arguments.
        """
        if not name.isalnum() or not name.isascii():
            raise ValueError("an upload is named by letters and figures only")
        return self.spool / name

    def original(self, sha256: str) -> Path:
        """Where the original with this content lies."""
        return self.originals / sha256[:2] / sha256

    def keep(self, name: str, sha256: str) -> None:
        """Keep the upload *name* as an original; the upload stays too."""
        target = self.original(sha256)
        if target.exists():
            return
        target.parent.mkdir(parents=True, exist_ok=True)
        # Whole or not at all, whoever else keeps the same content at this moment.
        half_done = target.with_name(f".{secrets.token_hex(8)}")
        try:
            os.link(self.spooled(name), half_done)
        except OSError:
            shutil.copyfile(self.spooled(name), half_done)
        half_done.replace(target)

    def discard(self, name: str) -> None:
        """Remove the upload *name*, if it is there."""
        self.spooled(name).unlink(missing_ok=True)

    def forget(self, sha256: str) -> None:
        """Remove the original with this content, if it is there."""
        self.original(sha256).unlink(missing_ok=True)

    def spooled_since(self) -> Iterator[tuple[str, float]]:
        """Every file in the spool, with the time of its last change in seconds since 1970."""
        for path in self.spool.iterdir():
            with contextlib.suppress(FileNotFoundError):
                yield path.name, path.stat().st_mtime
