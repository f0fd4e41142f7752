"""Find the app that a command is about."""

import importlib
import os
import sys

import click

from dibs.app import Dibs


def load_app(name: str) -> Dibs:
    """Import `module:attribute`; without an attribute, `app`. The current folder is importable."""
    module_name, _, attribute = name.partition(":")
    sys.path.insert(0, os.getcwd())  # noqa: PTH109 - sys.path holds strings
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and not (module_name == error.name or module_name.startswith(f"{error.name}.")):
            raise  # the module is there; something that it imports is not
        raise click.UsageError(f"there is no module {module_name!r} to import from {os.getcwd()}") from error  # noqa: PTH109
    app = getattr(module, attribute or "app", None)
    if not isinstance(app, Dibs):
        raise click.UsageError(f"expected {module_name}:{attribute or 'app'} to be a Dibs, got {app!r}")
    return app
