"""A group of commands: sections, help without an error, and a suggestion for a mistyped command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import click

from portside.config.mistakes import suggestion
from portside.errors import UsageError


class CommandGroup(click.Group):
    """`sections` maps a title to the names of its commands; commands of no section come last."""

    sections: ClassVar[Mapping[str, Sequence[str]]] = {}

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Print the help for a call without arguments, which is not an error."""
        if not args and not ctx.resilient_parsing:
            from portside.terminal import console

            console.print_lines(ctx.get_help())
            ctx.exit()
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command of the first argument. Raises `UsageError` with a similar one for an unknown command."""
        # Completion parses what is typed so far, where an error message would appear in the middle of the line.
        is_unknown = args and not args[0].startswith("-") and self.get_command(ctx, args[0]) is None
        if is_unknown and not ctx.resilient_parsing:
            raise UsageError(f"no command {args[0]!r}", suggestion(args[0], self.list_commands(ctx)))
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands section by section, each with its first sentence."""
        names = self.list_commands(ctx)
        in_sections = {name for section in self.sections.values() for name in section}
        rest = [name for name in names if name not in in_sections]
        width = max(map(len, names), default=0)
        for title, section in {**self.sections, "Commands" if not self.sections else "Other": rest}.items():
            rows = [(name.ljust(width), first_sentence(self.commands[name])) for name in section if name in names]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


def first_sentence(command: click.Command) -> str:
    """The sentence that describes a command in a list, without its full stop."""
    return (command.help or "").partition("\n\n")[0].replace("\n", " ").partition(". ")[0].rstrip(".")
