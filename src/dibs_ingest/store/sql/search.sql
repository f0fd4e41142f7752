-- search: the $3 best chunks for a question, by words (BM25) and by meaning (vectors), fused by reciprocal rank (k = 60).
-- $1 the question with accents folded, $2 its vector as text, $3 how many, $4 how many each leg brings in
-- plan: `word` is MATERIALIZED, without which each posting is counted anew (2 ms against 74-200 ms);
--   the vector leg orders by the distance alone, or its index is not used.
-- ties: by document and position, so that the same question has the same answer every time.
with total as materialized (
  select greatest(sum(chunks), 1)::real as chunks, greatest(sum(terms) / greatest(sum(chunks), 1), 1)::real as length
  from /*schema.*/document where indexed_at is not null
),
word as materialized (
  select lexeme, (select count(*) from /*schema.*/posting p where p.lexeme = l.lexeme)::real as found_in
  from unnest(tsvector_to_array(to_tsvector('english', $1::text))) as l(lexeme)
),
by_text as materialized (
  select p.chunk_id as id,
         sum(ln(1 + (t.chunks - w.found_in + 0.5) / (w.found_in + 0.5))
             * p.frequency * 2.2 / (p.frequency + 1.2 * (0.25 + 0.75 * c.terms / t.length))) as weight
  from total t
  -- A word of every second chunk tells nothing apart, and its postings are the longest. In a small index it may stay.
  join word w on w.found_in <= greatest(t.chunks / 2, 200)
  join /*schema.*/posting p on p.lexeme = w.lexeme
  join /*schema.*/chunk c on c.id = p.chunk_id
  group by p.chunk_id order by weight desc, p.chunk_id limit $4
),
by_vector as materialized (
  select id, embedding <=> $2::text::halfvec as distance
  from /*schema.*/chunk order by embedding <=> $2::text::halfvec limit $4
),
ranked as (
  select id, rank() over (order by weight desc) as text_rank, null::bigint as vector_rank from by_text
  union all
  select id, null, rank() over (order by distance) from by_vector
),
fused as (
  select id, max(text_rank) as text_rank, max(vector_rank) as vector_rank,
         coalesce(1.0 / (60 + max(text_rank)), 0) + coalesce(1.0 / (60 + max(vector_rank)), 0) as score
  from ranked group by id
)
select c.document_id, d.filename, c.position, c.heading, c.body as text,
       f.score::float8 as score, f.text_rank, f.vector_rank
from fused f
join /*schema.*/chunk c on c.id = f.id
join /*schema.*/document d on d.id = c.document_id
order by f.score desc, c.document_id, c.position
limit $3;
