"""Old jobs are deleted while new ones pass at full speed."""

from benchmarks.bad_days.day import Day, Site


async def measure(site: Site) -> Day:  # noqa: ARG001 - each day takes its site
    """A gap with a name: nothing is deleted by age yet."""
    return Day(name="pruning", what="finished jobs are pruned at full speed", missing="dibs has no retention yet")
