"""docs/reference/cli.md says all there is to say, and nothing that is not so."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path

import click
import pytest

from dibs import Job
from dibs.cli import main
from support.cli import Cli

TEXT = (Path(__file__).parents[3] / "docs/reference/cli.md").read_text()
SECTIONS = dict(re.findall(r"^## `(dibs.*?)`\n(.*?)(?=^## |\Z)", TEXT, re.MULTILINE | re.DOTALL))


def commands(group: click.Command = main, name: str = "dibs") -> Iterator[tuple[str, click.Command]]:
    """Each command with its full name."""
    yield name, group
    if isinstance(group, click.Group):
        for each, command in group.commands.items():
            yield from commands(command, f"{name} {each}")


COMMANDS = dict(commands())


def test_every_command_has_a_section_and_every_section_a_command():
    assert SECTIONS.keys() == COMMANDS.keys()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_documented_and_every_documented_option_exists(name: str):
    known = {option for parameter in COMMANDS[name].params for option in parameter.opts if option.startswith("--")}
    documented = set(re.findall(r"^\| `(--[a-z-]+)", SECTIONS[name], re.MULTILINE))
    assert documented == known - {"--version"}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_has_help(name: str):
    command = COMMANDS[name]
    assert command.help
    assert command.get_short_help_str(200).endswith(".")
    for option in command.params:
        assert not isinstance(option, click.Option) or option.help, option


@pytest.mark.parametrize("name", COMMANDS)
def test_every_default_is_documented(name: str):
    rows = dict(re.findall(r"^\| `(--[a-z-]+)[^|]*\|([^|]*)\|", SECTIONS[name], re.MULTILINE))
    for option in COMMANDS[name].params:
        if isinstance(option, click.Option) and option.show_default:
            assert f"`{option.default}`" in rows[option.opts[0]], option.name


def test_the_fields_of_a_job_are_documented():
    documented = re.findall(r"^\| `(\w+)` \|", SECTIONS["dibs jobs list"], re.MULTILINE)
    assert documented == [field.name for field in fields(Job)]


def test_the_fields_of_a_status_are_documented(dibs: Cli, arrange: Callable):
    async def make(engine):
        await engine.register("default")

    arrange(make)
    found = json.loads(dibs("status", "--json").stdout)
    for name in {*found, *found["queues"][0], *found["workers"][0]}:
        assert f"`{name}`" in SECTIONS["dibs status"], name
