"""Real worker processes on a database of the benchmark's, and the counting of what they ran."""
