"""The tables as they come out, compared with a file that reviewers read."""

import os
import re
import subprocess
from pathlib import Path

from dibs.storage.embedded import bin_folder

GOLDEN = Path(__file__).with_name("schema.sql")
HEADER = "-- What the migrations make. Written by DIBS_WRITE_GOLDEN=1 make test ARGS=tests/integration/migrations\n"


def dump(url: str) -> str:
    """The schema as pg_dump sees it, without what differs between runs and versions."""
    command = [str(bin_folder() / "pg_dump"), "--schema-only", "--no-owner", "--no-privileges", "--schema=dibs", url]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    lines = [
        line
        for line in said.splitlines()
        if line.strip() and not line.startswith(("--", "SET ", "\\restrict", "\\unrestrict", "SELECT pg_catalog.set_"))
    ]
    return HEADER + re.sub(r";\n(?=\S)", ";\n\n", "\n".join(lines)) + "\n"


def test_the_tables_are_those_of_the_golden_file(database_url: str):
    found = dump(database_url)
    if os.environ.get("DIBS_WRITE_GOLDEN"):
        GOLDEN.write_text(found)
    assert found == GOLDEN.read_text(), "if you meant it: run this test with DIBS_WRITE_GOLDEN=1 and commit the file"
