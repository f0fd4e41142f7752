"""What the workers serve; apart from the app, which wants a database."""

from typing import Final

QUEUE: Final = "bench"
TASK: Final = "bench.count"
