"""The benchmark harness: it measures dibs, and other job queues by the same rules, and counts what they ran."""
