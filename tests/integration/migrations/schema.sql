-- What the migrations make. Written by DIBS_WRITE_GOLDEN=1 make test ARGS=tests/integration/migrations
CREATE SCHEMA dibs;

CREATE FUNCTION dibs.clock() RETURNS timestamp with time zone
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (statement_timestamp() + (COALESCE(NULLIF(current_setting('dibs.clock_offset'::text, true), ''::text), '0'::text))::interval);

CREATE TABLE dibs.attempt_error (
    id bigint NOT NULL,
    job_id bigint NOT NULL,
    attempt smallint NOT NULL,
    worker_id bigint,
    occurred_at timestamp with time zone NOT NULL,
    error_type text NOT NULL,
    message text NOT NULL,
    traceback text
);

ALTER TABLE dibs.attempt_error ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME dibs.attempt_error_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE dibs.batch (
    id bigint NOT NULL,
    name text NOT NULL,
    total integer NOT NULL,
    succeeded integer DEFAULT 0 NOT NULL,
    failed integer DEFAULT 0 NOT NULL,
    cancelled integer DEFAULT 0 NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT batch_total_check CHECK ((total > 0))
)
WITH (fillfactor='70');

CREATE TABLE dibs.batch_delta (
    batch_id bigint NOT NULL,
    succeeded integer DEFAULT 0 NOT NULL,
    failed integer DEFAULT 0 NOT NULL,
    cancelled integer DEFAULT 0 NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='5000');

CREATE SEQUENCE dibs.batch_id
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE dibs.batch_id OWNED BY dibs.batch.id;

CREATE TABLE dibs.batch_watch (
    batch_id bigint NOT NULL,
    watcher uuid NOT NULL,
    until timestamp with time zone NOT NULL
);

CREATE TABLE dibs.cancel_request (
    job_id bigint NOT NULL,
    requested_at timestamp with time zone NOT NULL
);

CREATE TABLE dibs.done (
    job_id bigint NOT NULL,
    worker_id bigint,
    started_at timestamp with time zone,
    finished_at timestamp with time zone NOT NULL,
    attempt smallint NOT NULL,
    outcome "char" NOT NULL,
    CONSTRAINT done_outcome_check CHECK ((outcome = ANY (ARRAY['s'::"char", 'f'::"char", 'c'::"char"])))
)
WITH (autovacuum_vacuum_insert_scale_factor='0.5');

CREATE TABLE dibs.job (
    id bigint NOT NULL,
    queue_id integer NOT NULL,
    priority smallint NOT NULL,
    max_attempts smallint NOT NULL,
    batch_id bigint,
    enqueued_at timestamp with time zone DEFAULT now() NOT NULL,
    timeout_seconds double precision,
    task text NOT NULL,
    args json NOT NULL,
    retry json,
    tags text[],
    CONSTRAINT job_max_attempts_check CHECK ((max_attempts > 0)),
    CONSTRAINT job_timeout_seconds_check CHECK ((timeout_seconds > (0)::double precision))
)
WITH (autovacuum_vacuum_insert_scale_factor='0.5', toast_tuple_target='1024');

CREATE SEQUENCE dibs.job_id
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE dibs.job_id OWNED BY dibs.job.id;

CREATE TABLE dibs.lease (
    job_id bigint NOT NULL,
    token bigint NOT NULL,
    worker_id bigint NOT NULL,
    batch_id bigint,
    leased_at timestamp with time zone NOT NULL,
    attempt smallint NOT NULL,
    lost smallint NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='20000', autovacuum_analyze_scale_factor='0', autovacuum_analyze_threshold='100000');

CREATE TABLE dibs.progress (
    job_id bigint NOT NULL,
    completed bigint NOT NULL,
    total bigint,
    message text,
    updated_at timestamp with time zone NOT NULL
)
WITH (fillfactor='50');

CREATE TABLE dibs.queue (
    id integer NOT NULL,
    name text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT queue_name_check CHECK ((name ~ '^[A-Za-z0-9][A-Za-z0-9_.:-]{0,99}$'::text))
);

CREATE TABLE dibs.ready (
    job_id bigint NOT NULL,
    queue_id integer NOT NULL,
    priority smallint NOT NULL,
    attempt smallint NOT NULL,
    lost smallint NOT NULL,
    batch_id bigint
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='20000', autovacuum_analyze_scale_factor='0', autovacuum_analyze_threshold='100000');

CREATE TABLE dibs.scheduled (
    job_id bigint NOT NULL,
    run_at timestamp with time zone NOT NULL,
    attempt smallint NOT NULL,
    lost smallint NOT NULL,
    reason text NOT NULL,
    CONSTRAINT scheduled_reason_check CHECK ((reason = ANY (ARRAY['delay'::text, 'retry'::text, 'snooze'::text, 'suspect'::text, 'unknown task'::text]))),
    CONSTRAINT scheduled_run_at_check CHECK (isfinite(run_at))
)
WITH (autovacuum_vacuum_scale_factor='0.02', autovacuum_vacuum_threshold='5000');

CREATE VIEW dibs.jobs AS
 SELECT j.id,
    j.task,
    q.name AS queue,
    s.state,
    s.attempt,
    j.max_attempts,
    j.priority,
    j.args,
    j.tags,
    j.batch_id,
    j.enqueued_at,
    s.run_at,
    s.started_at,
    s.finished_at,
    s.worker_id,
    s.reason,
    p.completed AS progress_completed,
    p.total AS progress_total,
    p.message AS progress_message,
    ( SELECT e.error_type
           FROM dibs.attempt_error e
          WHERE (e.job_id = j.id)
          ORDER BY e.id DESC
         LIMIT 1) AS error_type,
    ( SELECT e.message
           FROM dibs.attempt_error e
          WHERE (e.job_id = j.id)
          ORDER BY e.id DESC
         LIMIT 1) AS error_message,
    ( SELECT e.traceback
           FROM dibs.attempt_error e
          WHERE (e.job_id = j.id)
          ORDER BY e.id DESC
         LIMIT 1) AS traceback
   FROM (((dibs.job j
     CROSS JOIN LATERAL ( SELECT 'ready'::text AS state,
            r.attempt,
            NULL::timestamp with time zone AS run_at,
            NULL::timestamp with time zone AS started_at,
            NULL::timestamp with time zone AS finished_at,
            NULL::bigint AS worker_id,
            NULL::text AS reason
           FROM dibs.ready r
          WHERE ((r.queue_id = j.queue_id) AND (r.priority = j.priority) AND (r.job_id = j.id))
        UNION ALL
         SELECT 'scheduled'::text,
            c.attempt,
            c.run_at,
            NULL::timestamp with time zone,
            NULL::timestamp with time zone,
            NULL::bigint,
            c.reason
           FROM dibs.scheduled c
          WHERE (c.job_id = j.id)
        UNION ALL
         SELECT 'running'::text,
            l.attempt,
            NULL::timestamp with time zone,
            l.leased_at,
            NULL::timestamp with time zone,
            l.worker_id,
            NULL::text
           FROM dibs.lease l
          WHERE (l.job_id = j.id)
        UNION ALL
         SELECT 'succeeded'::text,
            d.attempt,
            NULL::timestamp with time zone,
            d.started_at,
            d.finished_at,
            d.worker_id,
            NULL::text
           FROM dibs.done d
          WHERE ((d.job_id = j.id) AND (d.outcome = 's'::"char"))
        UNION ALL
         SELECT 'failed'::text,
            d.attempt,
            NULL::timestamp with time zone,
            d.started_at,
            d.finished_at,
            d.worker_id,
            NULL::text
           FROM dibs.done d
          WHERE ((d.job_id = j.id) AND (d.outcome = 'f'::"char"))
        UNION ALL
         SELECT 'cancelled'::text,
            d.attempt,
            NULL::timestamp with time zone,
            d.started_at,
            d.finished_at,
            d.worker_id,
            NULL::text
           FROM dibs.done d
          WHERE ((d.job_id = j.id) AND (d.outcome = 'c'::"char"))) s)
     JOIN dibs.queue q ON ((q.id = j.queue_id)))
     LEFT JOIN dibs.progress p ON ((p.job_id = j.id)));

CREATE SEQUENCE dibs.lease_token
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE dibs.lease_token OWNED BY dibs.lease.token;

CREATE TABLE dibs.migration (
    version integer NOT NULL,
    name text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);

CREATE TABLE dibs.pruner (
    id boolean DEFAULT true NOT NULL,
    holder bigint,
    turn_until timestamp with time zone NOT NULL,
    CONSTRAINT pruner_id_check CHECK (id)
)
WITH (fillfactor='20', autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='200');

ALTER TABLE dibs.queue ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME dibs.queue_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE dibs.retention (
    finished_seconds double precision NOT NULL,
    dead_letter_seconds double precision NOT NULL,
    asked_at timestamp with time zone NOT NULL,
    CONSTRAINT retention_dead_letter_seconds_check CHECK ((dead_letter_seconds > (0)::double precision)),
    CONSTRAINT retention_finished_seconds_check CHECK ((finished_seconds > (0)::double precision))
)
WITH (fillfactor='50');

CREATE TABLE dibs.worker (
    id bigint NOT NULL,
    hostname text NOT NULL,
    pid integer NOT NULL,
    version text NOT NULL,
    queue_ids integer[] NOT NULL,
    slots integer NOT NULL,
    asleep boolean DEFAULT false NOT NULL,
    locked boolean DEFAULT false NOT NULL,
    timeout_seconds double precision NOT NULL,
    started_at timestamp with time zone NOT NULL,
    heartbeat_at timestamp with time zone NOT NULL,
    CONSTRAINT worker_timeout_seconds_check CHECK ((timeout_seconds > (0)::double precision))
)
WITH (fillfactor='20', autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='200');

CREATE SEQUENCE dibs.worker_id
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE dibs.worker_id OWNED BY dibs.worker.id;

ALTER TABLE ONLY dibs.batch ALTER COLUMN id SET DEFAULT nextval('dibs.batch_id'::regclass);

ALTER TABLE ONLY dibs.job ALTER COLUMN id SET DEFAULT nextval('dibs.job_id'::regclass);

ALTER TABLE ONLY dibs.worker ALTER COLUMN id SET DEFAULT nextval('dibs.worker_id'::regclass);

ALTER TABLE ONLY dibs.attempt_error
    ADD CONSTRAINT attempt_error_pkey PRIMARY KEY (id);

ALTER TABLE ONLY dibs.batch
    ADD CONSTRAINT batch_pkey PRIMARY KEY (id);

ALTER TABLE ONLY dibs.batch_watch
    ADD CONSTRAINT batch_watch_pkey PRIMARY KEY (batch_id, watcher);

ALTER TABLE ONLY dibs.cancel_request
    ADD CONSTRAINT cancel_request_pkey PRIMARY KEY (job_id);

ALTER TABLE ONLY dibs.done
    ADD CONSTRAINT done_pkey PRIMARY KEY (job_id);

ALTER TABLE ONLY dibs.job
    ADD CONSTRAINT job_pkey PRIMARY KEY (id);

ALTER TABLE ONLY dibs.lease
    ADD CONSTRAINT lease_pkey PRIMARY KEY (job_id);

ALTER TABLE ONLY dibs.migration
    ADD CONSTRAINT migration_pkey PRIMARY KEY (version);

ALTER TABLE ONLY dibs.progress
    ADD CONSTRAINT progress_pkey PRIMARY KEY (job_id);

ALTER TABLE ONLY dibs.pruner
    ADD CONSTRAINT pruner_pkey PRIMARY KEY (id);

ALTER TABLE ONLY dibs.queue
    ADD CONSTRAINT queue_name_key UNIQUE (name);

ALTER TABLE ONLY dibs.queue
    ADD CONSTRAINT queue_pkey PRIMARY KEY (id);

ALTER TABLE ONLY dibs.retention
    ADD CONSTRAINT retention_pkey PRIMARY KEY (finished_seconds, dead_letter_seconds);

ALTER TABLE ONLY dibs.scheduled
    ADD CONSTRAINT scheduled_pkey PRIMARY KEY (job_id);

ALTER TABLE ONLY dibs.worker
    ADD CONSTRAINT worker_pkey PRIMARY KEY (id);

CREATE INDEX attempt_error_by_job ON dibs.attempt_error USING btree (job_id, id);

CREATE INDEX batch_delta_by_batch ON dibs.batch_delta USING btree (batch_id);

CREATE INDEX done_dead_letters ON dibs.done USING btree (job_id) WHERE (outcome = 'f'::"char");

CREATE INDEX job_by_batch ON dibs.job USING btree (batch_id, id) WHERE (batch_id IS NOT NULL);

CREATE UNIQUE INDEX ready_in_claim_order ON dibs.ready USING btree (queue_id, priority DESC, job_id);

CREATE INDEX scheduled_by_time ON dibs.scheduled USING btree (run_at, job_id);
