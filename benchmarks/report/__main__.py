"""`python -m benchmarks.report [FILE]`: tables and plots anew, from the newest results or those in FILE."""

import sys
from pathlib import Path

import click

from benchmarks.report import tables
from benchmarks.report.plots import draw
from benchmarks.report.results import newest, read

chosen = Path(sys.argv[1]) if len(sys.argv) > 1 else newest("dibs")
if chosen is None:
    raise SystemExit("there are no results yet: run `make bench`")
chosen.with_suffix(".md").write_text(tables.page(read(chosen)), "utf-8")
for path in draw(read(chosen), chosen.with_suffix("")):
    click.echo(path)
