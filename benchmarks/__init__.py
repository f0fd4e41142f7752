"""The benchmarks of this repository; `python -m benchmarks.run` is the way in."""
