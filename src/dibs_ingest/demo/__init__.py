"""The main job, end to end: real documents, a real Postgres, a worker of its own; cleaned up afterwards."""

from dibs_ingest.demo.demo import run_demo

__all__ = ["run_demo"]
