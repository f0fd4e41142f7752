"""Layer 3: the running worker. `worker.py` puts the parts together; every other file is one part."""
