"""How tests name a way to start workers."""

from collections.abc import Callable

from support.processes import Child

StartWorker = Callable[..., Child]
READY = r"worker (\d+) serves"
