"""Layer 3, beside the worker: enqueue, watch and steer jobs from an application."""
