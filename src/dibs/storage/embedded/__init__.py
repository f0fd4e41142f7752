"""A real Postgres for development, tests and demos: from a wheel, in a folder, shared by processes.

`start(folder)` answers with a running server, whoever started it. The server stops when its last user has
left, however that user left. The reasons are in docs/decisions/0006-embedded-postgres.md.
"""

from dibs.storage.embedded.programs import bin_folder
from dibs.storage.embedded.server import EmbeddedPostgres, start
from dibs.storage.embedded.settings import DEFAULT_SETTINGS

__all__ = ["DEFAULT_SETTINGS", "EmbeddedPostgres", "bin_folder", "start"]
