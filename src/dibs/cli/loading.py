"""Find the app that a command is about."""

import importlib
import sys
import traceback
from pathlib import Path

import click

from dibs.app import Dibs
from dibs.cli.target import ConfigurationError


def load_app(name: str) -> Dibs:
    """Import `module:attribute`; without an attribute, `app`. The current folder is importable."""
    module_name, _, attribute = name.partition(":")
    attribute = attribute or "app"
    if "/" in module_name or Path(module_name).is_file():
        meant = ".".join(Path(module_name).with_suffix("").parts)
        raise click.UsageError(
            f"expected a module as Python imports it, got the file {module_name!r}; did you mean {meant}:{attribute}?"
        )
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name and (module_name == error.name or module_name.startswith(f"{error.name}.")):
            raise click.UsageError(f"there is no module {module_name!r} to import from {folder}") from error
        raise _broken(module_name) from error  # the module is there; something that it imports is not
    except Exception as error:
        raise _broken(module_name) from error
    found = getattr(module, attribute, None)
    if not isinstance(found, Dibs):
        got = f"got a {type(found).__name__}" if hasattr(module, attribute) else "there is nothing of that name"
        apps = [f"{module_name}:{key}" for key, value in vars(module).items() if isinstance(value, Dibs)]
        hint = f"; did you mean {' or '.join(apps)}?" if apps else ""
        raise click.UsageError(f"expected {module_name}:{attribute} to be a Dibs app, {got}{hint}")
    return found


def _broken(module_name: str) -> ConfigurationError:
    return ConfigurationError(f"module {module_name!r} can not be imported\n\n{traceback.format_exc().rstrip()}")
