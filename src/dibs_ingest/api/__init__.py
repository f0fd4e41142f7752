"""The HTTP API."""

from dibs_ingest.api.app import create_app

__all__ = ["create_app"]
