"""The bad days: what a queue meets in production, beside a clean run of the same minute.

Each is a small file with one function `measure(site)`; `days.py` lists them.
"""
