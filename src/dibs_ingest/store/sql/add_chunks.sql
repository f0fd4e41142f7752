-- add_chunks: write chunks of document $1 and their postings; returns how many words they count for ranking.
-- $2 positions, $3 headings, $4 texts, $5 headings and texts with accents folded, $6 vectors as text
with chunk as (
  insert into /*schema.*/chunk (document_id, position, heading, body, words, terms, embedding)
  select $1::bigint, n.position, n.heading, n.body, n.words,
         (select coalesce(sum(cardinality(l.positions)), 0) from unnest(n.words) l),
         n.embedding::halfvec
  from (
    select position, heading, body, to_tsvector('english', folded) as words, embedding
    from unnest($2::integer[], $3::text[], $4::text[], $5::text[], $6::text[])
      as given(position, heading, body, folded, embedding)
  ) n
  returning id, words, terms
),
posted as (
  insert into /*schema.*/posting (lexeme, chunk_id, frequency)
  select l.lexeme, chunk.id, cardinality(l.positions) from chunk, unnest(chunk.words) l
)
select coalesce(sum(terms), 0)::bigint from chunk;
