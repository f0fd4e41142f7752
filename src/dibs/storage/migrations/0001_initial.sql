-- The first tables. Where a job stands is told by which table holds its id:
-- ready (in line), scheduled (later), lease (running), done (ended). Never in two, never in none.

-- The database's clock decides everything. Tests move it with the setting dibs.clock_offset.
create function /*schema.*/clock() returns timestamptz
language sql stable parallel safe
return statement_timestamp()
  + coalesce(nullif(current_setting('dibs.clock_offset', true), ''), '0')::interval;

-- Small ids keep the hot rows and their indexes narrow.
create table /*schema.*/queue (
  id integer generated always as identity primary key,
  name text not null unique check (name ~ '^[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}$'),
  created_at timestamptz not null default now()
);

-- What was asked for. Written once, never rewritten.
-- args is json, not jsonb: it is handed on as it came, so nothing is gained by taking it apart,
-- and json keeps an escaped NUL character where jsonb refuses it.
create sequence /*schema.*/job_id as bigint;
create table /*schema.*/job (
  id bigint primary key default nextval('/*schema.*/job_id'),
  queue_id integer not null,
  priority smallint not null,
  max_attempts smallint not null check (max_attempts > 0),
  batch_id bigint,
  enqueued_at timestamptz not null default now(),
  timeout_seconds double precision check (timeout_seconds > 0),
  task text not null,
  args json not null,
  retry json,
  tags text[]
) with (autovacuum_vacuum_insert_scale_factor = 0.5, toast_tuple_target = 1024);
alter sequence /*schema.*/job_id owned by /*schema.*/job.id;
create index job_by_batch on /*schema.*/job (batch_id, id) where batch_id is not null;

-- The line. Its one index is the claim order: highest priority first, then first in, first out.
-- Rows come and go at full speed, so it is vacuumed by count, not by share of its size.
-- batch_id is here so that a claim writes its lease without looking into job first.
create table /*schema.*/ready (
  job_id bigint not null,
  queue_id integer not null,
  priority smallint not null,
  attempt smallint not null,
  lost smallint not null,
  batch_id bigint
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 100000);
create unique index ready_in_claim_order on /*schema.*/ready (queue_id, priority desc, job_id);

-- Jobs whose time has not come: delays, retries, snoozes. Millions of future rows cost a claim nothing.
create table /*schema.*/scheduled (
  job_id bigint primary key,
  run_at timestamptz not null check (isfinite(run_at)),
  attempt smallint not null,
  lost smallint not null,
  reason text not null check (reason in ('delay', 'retry', 'snooze', 'suspect', 'unknown task'))
) with (autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 5000);
create index scheduled_by_time on /*schema.*/scheduled (run_at, job_id);

-- A worker has dibs on a job. The token is the fence: one value for each claim statement, never used again.
create sequence /*schema.*/lease_token as bigint;
create table /*schema.*/lease (
  job_id bigint primary key,
  token bigint not null,
  worker_id bigint not null,
  batch_id bigint,
  leased_at timestamptz not null,
  attempt smallint not null,
  lost smallint not null
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 100000);
alter sequence /*schema.*/lease_token owned by /*schema.*/lease.token;

-- How jobs ended. Its primary key is the promise of one ending per job.
create table /*schema.*/done (
  job_id bigint primary key,
  worker_id bigint,
  started_at timestamptz,
  finished_at timestamptz not null,
  attempt smallint not null,
  outcome "char" not null check (outcome in ('s', 'f', 'c'))
) with (autovacuum_vacuum_insert_scale_factor = 0.5);
create index done_dead_letters on /*schema.*/done (job_id) where outcome = 'f';

-- One row for each attempt that went wrong, the last one being why a dead letter is dead.
create table /*schema.*/attempt_error (
  id bigint generated always as identity primary key,
  job_id bigint not null,
  attempt smallint not null,
  worker_id bigint,
  occurred_at timestamptz not null,
  error_type text not null,
  message text not null,
  traceback text
);
create index attempt_error_by_job on /*schema.*/attempt_error (job_id, id);

-- How far a job says it has come. Updated in place, so pages keep room for the next version.
create table /*schema.*/progress (
  job_id bigint primary key,
  completed bigint not null,
  total bigint,
  message text,
  updated_at timestamptz not null
) with (fillfactor = 50);

-- One row for each registration of a worker process, with one update in place for each heartbeat.
create sequence /*schema.*/worker_id as bigint;
create table /*schema.*/worker (
  id bigint primary key default nextval('/*schema.*/worker_id'),
  hostname text not null,
  pid integer not null,
  version text not null,
  queue_ids integer[] not null,
  slots integer not null,
  asleep boolean not null default false,
  locked boolean not null default false,
  timeout_seconds double precision not null check (timeout_seconds > 0),
  started_at timestamptz not null,
  heartbeat_at timestamptz not null
) with (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);
alter sequence /*schema.*/worker_id owned by /*schema.*/worker.id;

-- Wishes to cancel jobs that run; their workers read them with each heartbeat.
create table /*schema.*/cancel_request (
  job_id bigint primary key,
  requested_at timestamptz not null
);

-- Batches are counted by appending: endings add rows to batch_delta, and a tick folds them into batch.
create sequence /*schema.*/batch_id as bigint;
create table /*schema.*/batch (
  id bigint primary key default nextval('/*schema.*/batch_id'),
  name text not null,
  total integer not null check (total > 0),
  succeeded integer not null default 0,
  failed integer not null default 0,
  cancelled integer not null default 0,
  created_at timestamptz not null
) with (fillfactor = 70);
alter sequence /*schema.*/batch_id owned by /*schema.*/batch.id;
create table /*schema.*/batch_delta (
  batch_id bigint not null,
  succeeded integer not null default 0,
  failed integer not null default 0,
  cancelled integer not null default 0
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
create index batch_delta_by_batch on /*schema.*/batch_delta (batch_id);

-- People who look at a batch right now. Changes are announced only while someone does.
create table /*schema.*/batch_watch (
  batch_id bigint not null,
  watcher uuid not null,
  until timestamptz not null,
  primary key (batch_id, watcher)
);

-- How long finished jobs are kept: what apps have asked for, and when last. The longest holds; infinity is for ever.
create table /*schema.*/retention (
  finished_seconds double precision not null check (finished_seconds > 0),
  dead_letter_seconds double precision not null check (dead_letter_seconds > 0),
  asked_at timestamptz not null,
  primary key (finished_seconds, dead_letter_seconds)
) with (fillfactor = 50);

-- Who prunes, and until when nobody else does. One row; whoever prunes a piece holds it locked.
create table /*schema.*/pruner (
  id boolean primary key default true check (id),
  holder bigint,
  turn_until timestamptz not null
) with (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 200);
insert into /*schema.*/pruner (turn_until) values ('-infinity');

-- What people read: each job once, wherever it stands. A filter on state leaves out the other branches.
-- It begins with job and looks into the other tables by what job says, since the one index of ready begins with the
-- queue: so a job is found at once, and the newest ones are, whatever is known of the tables. What is told of errors
-- stands in the list of columns, where it is looked up only for the rows that are shown.
create view /*schema.*/jobs as
select j.id, j.task, q.name as queue, s.state, s.attempt, j.max_attempts, j.priority, j.args, j.tags, j.batch_id,
       j.enqueued_at, s.run_at, s.started_at, s.finished_at, s.worker_id, s.reason,
       p.completed as progress_completed, p.total as progress_total, p.message as progress_message,
       (select e.error_type from /*schema.*/attempt_error e where e.job_id = j.id order by e.id desc limit 1)
         as error_type,
       (select e.message from /*schema.*/attempt_error e where e.job_id = j.id order by e.id desc limit 1)
         as error_message,
       (select e.traceback from /*schema.*/attempt_error e where e.job_id = j.id order by e.id desc limit 1)
         as traceback
from /*schema.*/job j
cross join lateral (
  select 'ready'::text as state, r.attempt, null::timestamptz as run_at, null::timestamptz as started_at,
         null::timestamptz as finished_at, null::bigint as worker_id, null::text as reason
  from /*schema.*/ready r where r.queue_id = j.queue_id and r.priority = j.priority and r.job_id = j.id
  union all
  select 'scheduled', c.attempt, c.run_at, null, null, null, c.reason
  from /*schema.*/scheduled c where c.job_id = j.id
  union all
  select 'running', l.attempt, null, l.leased_at, null, l.worker_id, null
  from /*schema.*/lease l where l.job_id = j.id
  union all
  select 'succeeded', d.attempt, null, d.started_at, d.finished_at, d.worker_id, null
  from /*schema.*/done d where d.job_id = j.id and d.outcome = 's'
  union all
  select 'failed', d.attempt, null, d.started_at, d.finished_at, d.worker_id, null
  from /*schema.*/done d where d.job_id = j.id and d.outcome = 'f'
  union all
  select 'cancelled', d.attempt, null, d.started_at, d.finished_at, d.worker_id, null
  from /*schema.*/done d where d.job_id = j.id and d.outcome = 'c'
) s
join /*schema.*/queue q on q.id = j.queue_id
left join /*schema.*/progress p on p.job_id = j.id;
