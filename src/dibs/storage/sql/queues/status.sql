-- status: how many jobs stand where, for each queue, and for how long the oldest has been in line.
select q.name,
       (select count(*) from /*schema.*/ready r where r.queue_id = q.id),
       coalesce(s.n, 0), coalesce(l.n, 0), coalesce(d.failed, 0),
       (select extract(epoch from /*schema.*/clock() - min(j.enqueued_at))::float8
        from (select job_id from /*schema.*/ready r where r.queue_id = q.id order by job_id limit 1) h
        join /*schema.*/job j on j.id = h.job_id)
from /*schema.*/queue q
left join (select j.queue_id, count(*) n from /*schema.*/scheduled s join /*schema.*/job j on j.id = s.job_id
           group by 1) s on s.queue_id = q.id
left join (select j.queue_id, count(*) n from /*schema.*/lease l join /*schema.*/job j on j.id = l.job_id
           group by 1) l on l.queue_id = q.id
left join (select j.queue_id, count(*) failed from /*schema.*/done d join /*schema.*/job j on j.id = d.job_id
           where d.outcome = 'f' group by 1) d on d.queue_id = q.id
order by q.name;
