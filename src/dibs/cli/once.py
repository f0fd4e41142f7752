"""Options that are given once: of two values, one would silently be lost."""

import click


class Once(click.Command):
    """A command that refuses an option which is given twice."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse as ever, after a look at what was given."""
        given = self.make_parser(ctx).parse_args(list(args))[2]
        for option in given:
            takes_one = isinstance(option, click.Option) and not option.is_flag and not option.multiple
            if takes_one and given.count(option) > 1:
                raise click.UsageError(
                    f"{option.opts[0]} is given {given.count(option)} times; it takes one value", ctx
                )
        return super().parse_args(ctx, args)
