"""The bad days: what a queue meets in production, beside clean runs of as many jobs.

Each is a small file with one function `measure(site)`; `days.py` lists them.
"""
