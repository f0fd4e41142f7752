"""What the processes of a system find around them: the profile's name, and uvloop only where its user would have it."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from dibs.bench.driver import STAGE, System

PROFILE_VARIABLE: Final = "BENCH_PROFILE"
"""Adapters whose senders set something by profile read it here."""

_WITHOUT_UVLOOP: Final = Path(__file__).with_name("without_uvloop")


def environment_of(system: System, profile: str, *, brings_uvloop: bool = False) -> Mapping[str, str]:
    """The variables for all processes of a run.

    The environments have uvloop installed for the profile `best`. `default` is what installing the package alone gives:
    there uvloop is hidden, from senders as from workers, but of a system that *brings* it as a requirement of its own.
    """
    found = {PROFILE_VARIABLE: profile}
    if profile == "default" and not brings_uvloop:
        folders = [_WITHOUT_UVLOOP, STAGE.parent, system.adapter.parent]
        found["PYTHONPATH"] = os.pathsep.join(map(str, folders))
    return found
