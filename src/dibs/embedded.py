"""An embedded Postgres for your own development and tests: `start(folder)` gives a running server.

See `docs/decisions/0006-embedded-postgres.md` for what it promises.
"""

from dibs.storage.embedded import EmbeddedPostgres, bin_folder, start

__all__ = ["EmbeddedPostgres", "bin_folder", "start"]
