"""`completion bash|zsh`: completes commands, options, environments and services."""

from __future__ import annotations

from pathlib import PurePath

import click
from click.shell_completion import CompletionItem, get_completion_class

from portside.program import PROGRAM

NAME = PurePath(PROGRAM).name
VARIABLE = f"_{NAME.replace('-', '_').upper()}_COMPLETE"
# click's script for bash leaves the program unquoted, and a folder's name can contain a space. Its script for zsh runs
# a program on the PATH, even if the line has the path of another.
_CORRECTIONS = (
    ("=bash_complete $1)", '=bash_complete "$1")'),
    (f"    (( ! $+commands[{NAME}] )) && return 1\n", ""),
    (f"=zsh_complete {NAME})", "=zsh_complete ${(Q)~words[1]})"),
)


@click.command()
@click.argument("shell", type=click.Choice(["bash", "zsh"]))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print the script for shell completion.

    Add it to this shell: eval "$({program} completion bash)". It also completes the command without ./, if that is on
    the PATH.
    """
    from portside.terminal import console

    found = get_completion_class(shell)
    assert found is not None, f"click completes no {shell}"
    script = found(ctx.find_root().command, {}, NAME, VARIABLE).source()
    for of_click, ours in _CORRECTIONS:
        script = script.replace(of_click, ours)
    console.print_lines(script)


completion.help = (completion.help or "").replace("{program}", PROGRAM)


def environments(_: click.Context, __: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The environments of `app.py`; none if it can't be read, because a message would disturb the line."""
    from portside.config.configuration import load_configuration

    try:
        names = list(load_configuration(acting_on=()).environments)
    except Exception:
        return []
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]


def services(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """The services of the environment in the line, or of all; short names unless a whole name is typed."""
    from portside.cli.targets import all_services
    from portside.config.configuration import load_configuration

    try:
        configuration = load_configuration(acting_on=())
        environment = ctx.params.get("environment")
        is_known = environment in configuration.environments
        found = configuration.services_of(str(environment)) if is_known else all_services(configuration)
        names = [props.container_name for props in found]
        short = [configuration.environment(configuration.first).short_name(name) for name in names]
    except Exception:
        return []
    return [CompletionItem(name) for name in [*short, *(names if incomplete else [])] if name.startswith(incomplete)]
