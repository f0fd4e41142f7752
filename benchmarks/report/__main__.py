"""`python -m benchmarks.report`: tables and plots anew, from the newest results."""

import click

from benchmarks.report import tables
from benchmarks.report.plots import draw, draw_peers
from benchmarks.report.results import newest, read

own, peers = newest("dibs"), newest("peers")
if own is None and peers is None:
    raise SystemExit("there are no results yet: run `make bench`")
drawn = []
if own is not None:
    own.with_suffix(".md").write_text(tables.page(read(own)), "utf-8")
    drawn += draw(read(own), own.with_suffix(""))
if peers is not None:
    drawn += draw_peers(read(peers), peers.with_suffix(""))
for path in drawn:
    click.echo(path)
