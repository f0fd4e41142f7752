"""Documents, their chunks, the search over them, and the files they came from."""

from dibs_ingest.store.files import Files
from dibs_ingest.store.rows import Document, Hit, NewUpload, Upload
from dibs_ingest.store.schema import prepare
from dibs_ingest.store.store import Store, open_store

__all__ = ["Document", "Files", "Hit", "NewUpload", "Store", "Upload", "open_store", "prepare"]
