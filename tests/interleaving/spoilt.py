"""Statements that are broken on purpose."""

from dataclasses import dataclass

from dibs.storage.statement import Statement


@dataclass(frozen=True)
class Spoilt:
    """A statement, and what is changed in its text."""

    statement: Statement
    old: str
    new: str

    @property
    def text(self) -> dict[str, str]:
        """The broken text, by the name of the statement."""
        template = self.statement.template
        assert self.old in template, "the statement has changed: spoil it in another way"
        changed = Statement(self.statement.name, template.replace(self.old, self.new))
        return {changed.name: changed.text("dibs")}
