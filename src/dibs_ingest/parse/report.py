"""What the parse process tells the worker."""

from dataclasses import dataclass

from dibs_ingest.errors import Reason
from dibs_ingest.parse.document import ParsedDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Either the document, or the reason why there is none."""

    document: ParsedDocument | None = None
    reason: Reason | None = None
    message: str = ""
