"""Every statement, by the name of its file."""

from dibs.storage.statement import read

JOBS_CANCEL = read("jobs/cancel")
JOBS_CLAIM = read("jobs/claim")
JOBS_DISOWN = read("jobs/disown")
JOBS_ENQUEUE = read("jobs/enqueue")
JOBS_ENQUEUE_ONE = read("jobs/enqueue_one")
JOBS_FINISH = read("jobs/finish")
JOBS_GET = read("jobs/get")
JOBS_LIST = read("jobs/list")
JOBS_LIST_IDS = read("jobs/list_ids")
JOBS_MISSED_CANCELS = read("jobs/missed_cancels")
JOBS_PROMOTE = read("jobs/promote")
JOBS_REPORT_PROGRESS = read("jobs/report_progress")
JOBS_RESCUE = read("jobs/rescue")
JOBS_RESERVE_IDS = read("jobs/reserve_ids")
JOBS_RETRY = read("jobs/retry")
JOBS_SUCCEED_AND_CLAIM = read("jobs/succeed_and_claim")

QUEUES_ENSURE = read("queues/ensure")
QUEUES_STATUS = read("queues/status")
QUEUES_WAKE = read("queues/wake")

BATCHES_CREATE = read("batches/create")
BATCHES_FOLD = read("batches/fold")
BATCHES_PROGRESS = read("batches/progress")
BATCHES_UNWATCH = read("batches/unwatch")
BATCHES_WATCH = read("batches/watch")

WORKERS_DEREGISTER = read("workers/deregister")
WORKERS_HEARTBEAT = read("workers/heartbeat")
WORKERS_HOLD = read("workers/hold")
WORKERS_LIST = read("workers/list")
WORKERS_REGISTER = read("workers/register")
WORKERS_SET_ASLEEP = read("workers/set_asleep")
WORKERS_TIDY = read("workers/tidy")
