"""One session for each way of talking to Postgres."""
