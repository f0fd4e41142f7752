"""A small volume for the server's data, which can be filled to the last byte.

It is memory (tmpfs), mounted where no other process of the machine sees it: this process and its children have a table
of mounts of their own, which the kernel forgets with the last of them. That takes root's rights.
"""

import contextlib
import ctypes
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_NEW_MOUNTS: Final = 0x00020000
_BYTES: Final = 768 * 1024**2
_BYTES_PER_JOB: Final = 4096


class Volume:
    """A mounted volume."""

    def __init__(self, folder: Path) -> None:
        self.folder: Final = folder
        self._ballast = folder / "ballast"

    def fill(self) -> int:
        """Leave no room; gives the bytes that were taken."""
        with self._ballast.open("wb") as file:
            taken = 0
            while free := shutil.disk_usage(self.folder).free:
                # Others write at the same time: whoever takes the last byte has it.
                with contextlib.suppress(OSError):
                    os.posix_fallocate(file.fileno(), taken, free)
                    taken += free
        return taken

    def empty(self) -> None:
        """Give the room back."""
        self._ballast.unlink(missing_ok=True)


@contextlib.contextmanager
def volume(folder: Path, jobs: int) -> Iterator[Volume | None]:
    """A volume in *folder*, large enough for *jobs* while it is not filled; None where mounting is not permitted."""
    folder.mkdir()
    if not _mount(folder, _BYTES + jobs * _BYTES_PER_JOB):
        yield None
        return
    try:
        yield Volume(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=False, capture_output=True)  # noqa: S603, S607


def _mount(folder: Path, size: int) -> bool:
    if ctypes.CDLL(None).unshare(_NEW_MOUNTS):
        return False
    commands = (["mount", "--make-rprivate", "/"], ["mount", "-t", "tmpfs", "-o", f"size={size}", "chaos", str(folder)])
    return all(not subprocess.run(each, check=False, capture_output=True).returncode for each in commands)  # noqa: S603
