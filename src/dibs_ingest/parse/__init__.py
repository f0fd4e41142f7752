"""From a file to its sections of plain text, in a process of its own."""

from dibs_ingest.parse.document import ParsedDocument, Section
from dibs_ingest.parse.kind import Kind, detect
from dibs_ingest.parse.process import parse

__all__ = ["Kind", "ParsedDocument", "Section", "detect", "parse"]
