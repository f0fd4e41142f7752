"""A hundred thousand jobs blocked on one key."""

from benchmarks.bad_days.day import Day, Site


async def measure(site: Site) -> Day:  # noqa: ARG001 - each day takes its site
    """A gap with a name: there are no concurrency limits yet, so nothing can be blocked on a key."""
    return Day(
        name="blocked_100k", what="100,000 jobs are blocked on one key", missing="dibs has no concurrency limits yet"
    )
