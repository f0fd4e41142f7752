-- tables: everything the service keeps. Run once under the advisory lock of `prepare`, so nothing here is conditional.
-- 384 stands for the dimensions of the embedder the index is made with.
create table /*schema.*/setting (
  name text primary key,
  value jsonb not null
);
create table /*schema.*/document (
  id bigint generated always as identity primary key,
  -- The same content is one document: a second upload finds the row of the first.
  sha256 text not null unique,
  filename text not null,
  media_type text not null,
  size_bytes bigint not null,
  uploaded_at timestamptz not null default now(),
  -- Null until all its chunks are there; set in the transaction that writes them.
  indexed_at timestamptz,
  chunks integer not null default 0,
  -- Words counted for ranking; kept here so that a search need not sum over all chunks.
  terms bigint not null default 0
);
create table /*schema.*/upload (
  -- Name of the file in the spool. The row goes when the file goes.
  name text primary key,
  document_id bigint not null references /*schema.*/document on delete cascade,
  job_id bigint not null,
  created_at timestamptz not null default now()
);
create index on /*schema.*/upload (document_id);
create table /*schema.*/chunk (
  id bigint generated always as identity primary key,
  document_id bigint not null references /*schema.*/document on delete cascade,
  position integer not null,
  heading text not null,
  body text not null,
  terms real not null,
  words tsvector not null,
  embedding halfvec(384) not null,
  unique (document_id, position)
);
create index chunk_by_meaning on /*schema.*/chunk using hnsw (embedding halfvec_cosine_ops);
create table /*schema.*/posting (
  lexeme text not null,
  chunk_id bigint not null,
  frequency real not null
);
create index posting_by_lexeme on /*schema.*/posting (lexeme) include (chunk_id, frequency);
