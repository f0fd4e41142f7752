"""The tests on every Postgres that dibs promises to work with; `python -m matrix` is the way in."""
