"""The app: tasks, and everything one does with jobs."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar
from weakref import WeakKeyDictionary

from msgspec.structs import replace

from dibs.client.client import Client
from dibs.client.database import Database
from dibs.client.portal import Portal
from dibs.domain.batch import Batch, BatchProgress
from dibs.domain.codec import Signature
from dibs.domain.errors import ConfigError, PayloadTooLargeError
from dibs.domain.job import EnqueuedJob, Job, NewJob
from dibs.domain.limits import ARGUMENT_BYTES_MAX, BATCH_NAME_LENGTH_MAX, JOB_ID_MAX, LISTED_MAX, SCHEMA_LENGTH_MAX
from dibs.domain.retention import Retention
from dibs.domain.retry import Retry, seconds
from dibs.domain.sealing import Cipher, seal
from dibs.domain.state import JobState
from dibs.domain.status import Status
from dibs.domain.task import Registry, TaskSpec
from dibs.domain.text import is_storable
from dibs.engine.batch import batch_progress, create_batch
from dibs.engine.cancel import Cancelled, cancel, retry
from dibs.engine.enqueue import enqueue
from dibs.engine.inspect import JobFilter, get_jobs, list_jobs, status
from dibs.storage.borrow import sync_session
from dibs.storage.connect import Pool, PooledConnection
from dibs.storage.migrate import Migration, schema_errors
from dibs.tasks import Task, task_name
from dibs.worker.resources import Resource
from dibs.worker.workplace import Workplace

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")


class Dibs(AbstractAsyncContextManager["Dibs"]):
    """The tasks of an application, and its door to their jobs.

    Args:
        dsn: The database, as in `postgresql://user:password@host/name`. Default: the environment variable
            DIBS_DATABASE_URL; without it, an embedded Postgres in the folder `.dibs`, whose tables are kept up to date
            by themselves (the extra `embedded` brings it). `?pgbouncer=true` in it says that a pooler lends its
            connections for a transaction at a time.
        schema: Where the tables are.
        pool: An asyncpg pool of the application's, to be used instead of one of its own. The DSN of the same database
            is needed besides.
        pool_size: Connections that the app's own pool opens at most, for each event loop; enqueues have one beside it.
        cipher: Encrypts the arguments of jobs before they are written, and decrypts them in workers of this app; see
            `dibs.encryption`. Default: they are stored as they are.
        retention: How long finished jobs are kept in these tables; workers of this app ask for it. Default: what other
            apps have asked for, and if none has, `Retention()`: 7 days, dead letters 30 days.

    Raises:
        ConfigError: A schema name that can not work.
    """

    def __init__(
        self,
        dsn: str | None = None,
        *,
        schema: str = "dibs",
        pool: Pool | None = None,
        pool_size: int = 5,
        retention: Retention | None = None,
        cipher: Cipher | None = None,
    ) -> None:
        if not (is_storable(schema) and 0 < len(schema.encode()) <= SCHEMA_LENGTH_MAX):
            raise ConfigError(f"a schema's name has 1 to {SCHEMA_LENGTH_MAX} bytes, got {schema[:60]!r}")
        self.schema = schema
        if pool is not None and Database(dsn).is_embedded:
            raise ConfigError(
                "with pool=, give the DSN of the same database, too (dsn=, or the environment variable "
                "DIBS_DATABASE_URL): workers, watchers and the verbs that end in _sync have connections of their own"
            )
        self.registry = Registry(cipher)
        self._cipher = cipher
        self.resources: list[Resource[Any]] = []
        self.database = Database(dsn)
        self._pool = pool
        self._pool_size = pool_size
        self._retention = retention
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, Client] = WeakKeyDictionary()
        self._portal = Portal()

    def __repr__(self) -> str:
        return f"<Dibs schema={self.schema!r} database={self.database!r}>"

    @property
    def database_url(self) -> str:
        """The database's DSN. The first look may start the embedded server, which takes about a second.

        Raises:
            EmbeddedPostgresError: No DSN is configured, and there is no embedded Postgres to be had.
        """
        return self.database.url()

    @property
    def _client(self) -> Client:
        """The client of the running event loop: connections can not be shared between loops."""
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            # A lent pool belongs to its own loop; enqueue_sync runs in another one.
            pool = None if self._portal.is_loop(loop) else self._pool
            self._clients[loop] = Client(self.database, self.schema, pool=pool, pool_size=self._pool_size)
        return self._clients[loop]

    # -- tasks ---------------------------------------------------------------------------------------------------------

    def task(
        self,
        *,
        name: str | None = None,
        queue: str = "default",
        priority: int = 0,
        retry: Retry | None = None,
        timeout: float | timedelta | None = None,
        permanent: Sequence[type[BaseException]] = (),
    ) -> Callable[[Callable[P, R]], Task[P, R]]:
        """Make a function a task. An async function runs in the worker's event loop, a plain one in a thread.

        Args:
            name: The name its jobs are stored under. Default: module and function, as in `shop.mail.send_receipt`.
            queue: The queue its jobs go to.
            priority: Higher goes first, within a queue. From -32768 to 32767.
            retry: How often, and when, a failed attempt is tried again. Default: three attempts in all, the second one
                after about 5 seconds, the third one after about 10 more. `Retry(attempts=1)`: never.
            timeout: How long an attempt may take, in seconds (or a timedelta). Default: as long as it likes.
            permanent: Errors that no retry can mend: the job fails at once.

        Raises:
            ConfigError: A value that can not work, a function whose arguments can not be stored, or a name that is
                taken.
        """

        def decorate(function: Callable[P, R]) -> Task[P, R]:
            spec = TaskSpec(
                name=name or task_name(function),
                function=function,
                signature=Signature(function),
                is_async=inspect.iscoroutinefunction(function),
                queue=queue,
                priority=priority,
                retry=retry or Retry(),
                timeout_seconds=None if timeout is None else seconds(timeout),
                permanent=tuple(permanent),
            )
            self.registry.add(spec)
            return Task(self, spec)

        return decorate

    def resource(self, make: Callable[[], AsyncIterator[T]]) -> Resource[T]:
        """Make an async generator function a resource: a thing that each worker process opens once.

        What comes before its `yield` runs when a worker starts, before it claims its first job; what comes after runs
        when it stops, after the last job. Tasks get the thing with `.get()`. Resources open in the order in which they
        are defined, and close in reverse.
        """
        resource = Resource(make)
        self.resources.append(resource)
        return resource

    # -- jobs ----------------------------------------------------------------------------------------------------------

    async def enqueue_many(self, jobs: Sequence[NewJob], *, connection: Any = None) -> list[EnqueuedJob]:
        """Put jobs in line, all or nothing, in the order given; 10,000 and more go by COPY.

        Args:
            jobs: Made by `Task.job`.
            connection: Your own connection, whose open transaction the jobs become part of.
        """
        return await self._client.enqueue(self._sealed(jobs), connection=connection)

    def enqueue_many_sync(self, jobs: Sequence[NewJob], *, connection: Any = None) -> list[EnqueuedJob]:
        """`enqueue_many`, for synchronous code."""
        _check_jobs(jobs)
        if connection is not None:
            with schema_errors(self.schema):
                return sync_session(connection, self.schema).run(enqueue(self._sealed(jobs)))
        return self._portal.run(self.enqueue_many(jobs))

    def _sealed(self, jobs: Sequence[NewJob]) -> Sequence[NewJob]:
        """*jobs*, checked, as they are to be written."""
        _check_jobs(jobs)
        if (cipher := self._cipher) is None:
            return jobs
        return [replace(job, args_json=seal(cipher, job.task, job.args_json)) for job in jobs]

    async def batch(self, name: str, jobs: Sequence[NewJob], *, connection: Any = None) -> Batch:
        """Put jobs in line as a batch: written in one transaction, watched and counted together.

        Raises:
            ConfigError: There are no jobs.
        """
        _check_batch(name, jobs)
        return await self._client.batch(name, self._sealed(jobs), connection=connection)

    def batch_sync(self, name: str, jobs: Sequence[NewJob], *, connection: Any = None) -> Batch:
        """`batch`, for synchronous code."""
        _check_batch(name, jobs)
        if connection is not None:
            with schema_errors(self.schema):
                return sync_session(connection, self.schema).run(create_batch(name, self._sealed(jobs)))
        return self._portal.run(self.batch(name, jobs))

    async def batch_progress(self, batch_id: int) -> BatchProgress | None:
        """How far a batch has come; nothing when there is no such batch."""
        return await self._client.run(batch_progress(batch_id))

    def watch_batch(self, batch_id: int) -> AsyncIterator[BatchProgress]:
        """A batch's progress: now, after each change (of a job's own progress, too), and last when it is finished."""
        return self._client.watch_batch(batch_id)

    async def job(self, job_id: int) -> Job | None:
        """The job as it stands now; nothing when there is no such job."""
        found = await self._client.run(get_jobs(_ids([job_id])))
        return found[0] if found else None

    async def jobs(
        self,
        *,
        state: JobState | None = None,
        queue: str | None = None,
        task: str | None = None,
        batch_id: int | None = None,
        before_id: int | None = None,
        limit: int = 100,
    ) -> list[Job]:
        """The newest jobs that fit, newest first. For the next page, give the last id as *before_id*."""
        if not 1 <= limit <= LISTED_MAX:
            raise ConfigError(f"limit is from 1 to {LISTED_MAX}, got {limit!r}")
        if state is not None and state not in set(JobState):
            raise ConfigError(f"state is one of {', '.join(JobState)}, got {state!r}")
        wanted = JobFilter(state=state, queue=queue, task=task, batch_id=batch_id, before_id=before_id)
        return await self._client.run(list_jobs(wanted, limit))

    async def cancel(self, job_ids: Sequence[int]) -> Cancelled:
        """Cancel jobs. Those that wait are cancelled on return; those that run are interrupted by their workers."""
        return await self._client.run(cancel(_ids(job_ids)))

    async def retry(self, job_ids: Sequence[int]) -> list[int]:
        """Put failed and cancelled jobs in line again, and scheduled ones in line now; gives the ids of those."""
        return await self._client.run(retry(_ids(job_ids)))

    async def status(self) -> Status:
        """Queues and workers at this moment."""
        return await self._client.run(status())

    def connection(self) -> AbstractAsyncContextManager[PooledConnection]:
        """Lend an asyncpg connection of the app's pool, for statements of your own: `async with app.connection() as c`.

        All tasks of a worker process share the pool, so its size bounds their connections, whatever the slots.
        """
        return self._client.connection()

    # -- life cycle ----------------------------------------------------------------------------------------------------

    async def migrate(self) -> Sequence[Migration]:
        """Bring the tables up to date; tells which migrations that took. Safe to call again, and from many places."""
        return await self._client.migrate()

    async def open(self) -> Self:
        """Connect and check the tables. Not needed: whatever needs the database opens it.

        Raises:
            SchemaError: The tables are missing or do not fit; the message names the command to run.
        """
        await self._client.open()
        return self

    async def close(self) -> None:
        """Close what was opened. The app can be opened again.

        Enqueues that are under way are waited for, and then those who hold a connection, for ten seconds each at most.
        Who was not sent by then gets a DatabaseUnavailableError, and none of their jobs is written.
        """
        await self._close_here()
        if self._portal.is_open:
            await asyncio.to_thread(self._portal.run, self._close_here())
            await asyncio.to_thread(self._portal.close)
        await asyncio.to_thread(self.database.release)

    async def _close_here(self) -> None:
        """Close what was opened in this event loop."""
        if (client := self._clients.pop(asyncio.get_running_loop(), None)) is not None:
            await client.close()

    async def __aenter__(self) -> Self:
        """Open the app."""
        return await self.open()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        await self.close()

    def workplace(self) -> Workplace:
        """What a worker needs to serve this app."""
        return Workplace(
            dsn=self.database_url,
            schema=self.schema,
            registry=self.registry,
            resources=tuple(self.resources),
            retention=self._retention,
            connection=self.connection,
            close=self._close_here,
        )


def _check_batch(name: Any, jobs: Sequence[NewJob]) -> None:
    if not (isinstance(name, str) and 0 < len(name) <= BATCH_NAME_LENGTH_MAX and is_storable(name)):
        raise ConfigError(f"a batch's name has 1 to {BATCH_NAME_LENGTH_MAX} characters, got {str(name)[:60]!r}")
    if not jobs:
        raise ConfigError(f"a batch has at least one job; batch {name!r} got none")
    _check_jobs(jobs)


def _check_jobs(jobs: Sequence[Any]) -> None:
    if set(map(type, jobs)) - {NewJob}:
        stranger = next(job for job in jobs if type(job) is not NewJob)
        raise TypeError(f"expected jobs that were made by Task.job(...), got {stranger!r}")
    for job in jobs:  # Task.job has counted bytes; this is for jobs that were made by hand
        if len(job.args_json) > ARGUMENT_BYTES_MAX:
            raise PayloadTooLargeError(f"{job.task}: the arguments take more than {ARGUMENT_BYTES_MAX:,} bytes as JSON")


def _ids(job_ids: Any) -> list[int]:
    """Ids that can exist; one that is out of range belongs to no job."""
    if isinstance(job_ids, str) or not all(isinstance(id_, int) for id_ in job_ids):
        raise TypeError(f"expected a list of job ids, which are whole numbers, got {job_ids!r}")
    return [id_ for id_ in job_ids if 0 < id_ <= JOB_ID_MAX]
