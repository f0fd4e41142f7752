"""L4: the real worker, from the command line, with a task that does nothing but be counted."""

from benchmarks.costs import read_costs, settled_costs
from benchmarks.crew.crew import SETTINGS, Crew
from benchmarks.crew.drains import drain
from benchmarks.ground import Ground, copy_job
from benchmarks.limits.figure import Figure
from benchmarks.servers import Server


async def measure(server: Server, ground: Ground, *, jobs: int) -> Figure:
    """Drain *jobs* jobs with one worker process. The CPU time of its start is left out, as is its time."""
    async with Crew.on(ground.url, jobs=jobs) as crew:
        start_cpu_seconds = await crew.start_cpu_seconds()
        first = await crew.enqueue_one()
        await copy_job(ground, first, jobs - 1)
        await ground.settle()
        before = await read_costs(ground, server.pid)
        drained = await drain(ground, crew, range(first, first + jobs))
        costs = await settled_costs(before, ground, server.pid)
    return Figure(
        name="drain.L4", level="L4", what=f"dibs worker {' '.join(SETTINGS)}", jobs=jobs,
        seconds=drained.seconds, costs=costs, worker_cpu_seconds=drained.worker_cpu_seconds - start_cpu_seconds,
        counts=drained.counts, wrong=drained.wrong,
    )  # fmt: skip
