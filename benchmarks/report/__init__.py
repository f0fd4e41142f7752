"""From measurements to a file of results, and from that to tables, plots and the page in the docs."""
