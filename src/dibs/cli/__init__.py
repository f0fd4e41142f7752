"""The command line: one file for each group of commands."""

from dibs.cli.main import main

__all__ = ["main"]
