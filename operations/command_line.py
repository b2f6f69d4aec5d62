"""The command line: parses, calls, prints. What it calls is loaded only when it is called."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import click

from src.errors import AgoraError, UsageError
from src.report import suggestion

if TYPE_CHECKING:
    from operations.deploy import Deployment
    from operations.destroy import DestructionPlan
    from operations.plan import StackChange
    from operations.target import Target
    from src.service_props import ServiceProps

INTERRUPTED = 130


class _Suggesting(click.Group):
    """A group of commands that names the one that was probably meant."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            raise UsageError(f"no command {args[0]!r}", suggestion(args[0], self.list_commands(ctx)))
        return super().resolve_command(ctx, args)


@click.group(
    cls=_Suggesting,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 failed or found wanting, 2 wrong use. NO_COLOR switches colours off.",
)
@click.option("--debug", is_flag=True, help="Show where in the code an error came from.")
def agora(debug: bool) -> None:
    """Deploy Agora's infrastructure to AWS, or rehearse it on this machine with --local."""


_local = click.option("--local", is_flag=True, help="Act on the embedded AWS of this machine, which needs no account.")
_yes = click.option("--yes", "-y", is_flag=True, help="Do not ask before changing anything.")
_dry_run = click.option("--dry-run", is_flag=True, help="Show what would be done, and do nothing.")
_json = click.option("--json", "as_json", is_flag=True, help="Answer in JSON on stdout.")
_environment = click.argument("environment", metavar="ENV")


@agora.command()
@_environment
@_local
@_yes
@_dry_run
@_json
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="SERVICE=FAULT[:VALUE]",
    help="Rehearse a failure, such as agora-app=slow-start:20; see: local faults. Only with --local.",
)
def deploy(environment: str, local: bool, yes: bool, dry_run: bool, as_json: bool, faults: tuple[str, ...]) -> None:
    """Deploy the environment ENV and wait until all of it runs.

    Shows what will change and asks first; a rehearsal with --local does not ask. Starts the embedded AWS if needed.
    """
    if faults and not local:
        raise UsageError("--fault: only with --local", "Faults are rehearsed on this machine, never in AWS.")
    from operations import console
    from operations.deploy import anything_to_do
    from operations.deploy import deploy as deploy_to

    with _target(environment, local=local) as (target, services):
        if local:
            from operations.rehearsal import switch_faults

            switch_faults(target, services, faults)

        def may_go_on(changes: Sequence[StackChange]) -> bool:
            if dry_run:
                return False
            if local or yes or not anything_to_do(changes):
                return True
            return _may_change(target, f"Deploy this to {target.environment.name} {target.place}?")

        if not local:
            console.say(f"This acts on {target.environment.name} {target.place}.")
        planned: list[StackChange] = []

        def show(changes: Sequence[StackChange]) -> None:
            planned.extend(changes)
            _show_changes(changes, with_difference=None if local or dry_run or yes else target)
            _show_idle_faults(target, changes, faults)

        done = deploy_to(target, services, show=show, may_go_on=may_go_on)
        if as_json:
            plan = [change.as_json() for change in planned]
            console.print_json({"plan": plan} | ({"deployment": done.as_json()} if done else {}))
        elif done:
            _show_deployment(done)
        if done is None and not dry_run:
            raise AgoraError("not deployed: no go-ahead was given", "Answer the question, or pass --yes.")


@agora.command()
@_environment
@_local
@_json
def diff(environment: str, local: bool, as_json: bool) -> None:
    """Show how what is deployed differs from what app.py says."""
    from operations import cdk_cli, console
    from operations import deploy as deployment

    with _target(environment, local=local) as (target, services):
        _, changes = deployment.plan(target, services)
        if as_json:
            console.print_json([change.as_json() for change in changes])
        else:
            cdk_cli.diff(target)


@agora.command()
@_environment
@_local
@click.option("--with-data", is_flag=True, help="Delete the database and its network too; never in prod on AWS.")
@_yes
@_dry_run
@_json
def destroy(environment: str, local: bool, with_data: bool, yes: bool, dry_run: bool, as_json: bool) -> None:
    """Take the environment ENV down. The database and its network stay, unless --with-data is given."""
    from operations import console
    from operations import destroy as destruction

    with _target(environment, local=local, only_if_running=True) as (target, _):
        stacks, planned = destruction.plan(target, with_data=with_data)
        _show_destruction(target, planned, destruction.unknown_stacks(target, stacks))
        if planned.going and not dry_run:
            name = target.environment.name
            question = f"Destroy {name} {target.place}{', data included' if with_data else ''}?"
            if not (local or yes or _may_change(target, question, expected=name)):
                raise AgoraError("nothing was destroyed: no go-ahead was given", "Answer the question, or pass --yes.")
            destruction.carry_out(target, planned, with_data=with_data)
        if as_json:
            console.print_json(planned.as_json())


@agora.group(cls=_Suggesting)
def local() -> None:
    """The embedded AWS that rehearsals run on."""


@local.command()
@_json
def up(as_json: bool) -> None:
    """Start it, or say where it runs already."""
    from local_aws import process
    from operations import console
    from operations.target import local_state_dir

    running = process.up(local_state_dir(), announce=console.say)
    _answer({"url": running.url, "pid": running.pid}, f"The embedded AWS runs at {running.url}.", as_json=as_json)


@local.command()
def down() -> None:
    """Stop it; what was deployed is there again after the next start."""
    from local_aws import process
    from operations import console
    from operations.target import local_state_dir

    if not process.down(local_state_dir(), console.say):
        console.say("The embedded AWS did not run.")


@local.command()
def reset() -> None:
    """Empty it: no stacks, no data, no faults."""
    from local_aws import process
    from operations import console
    from operations.target import local_state_dir

    process.reset(local_state_dir())
    console.say("The embedded AWS is empty.")


@local.command()
@_json
def status(as_json: bool) -> None:
    """Say whether it runs, where, and what is deployed on it. Exit code 1 when it does not run."""
    from operations.local_status import read_status

    found = read_status()
    if as_json:
        _answer(found.as_json(), "", as_json=True)
    else:
        _show_status(found)
    if not found.running:
        sys.exit(1)


@local.command()
@click.argument("environment", metavar="[ENV]", default="dev")
def env(environment: str) -> None:
    """Print exports with which cdk, aws and boto3 use it by hand: eval "$(./agora local env dev)"."""
    import shlex

    from local_aws import process
    from operations.target import local_state_dir
    from src.form import load_form

    chosen = load_form().environment(environment)
    running = process.running(local_state_dir())
    if running is None:
        raise AgoraError("the embedded AWS does not run", "Start it with: ./agora local up")
    variables = process.client_environment(running, chosen.account, chosen.region, local_state_dir())
    click.echo(f"unset {' '.join(process.CLEARED_VARIABLES)}")
    for name, value in sorted((variables | {"ENV": chosen.name}).items()):
        click.echo(f"export {name}={shlex.quote(value)}")


@local.command()
@_json
def faults(as_json: bool) -> None:
    """List the failures that can be rehearsed with: deploy ENV --local --fault SERVICE=FAULT."""
    from local_aws.faults import FAULTS
    from operations import console

    if as_json:
        console.print_json(dict(FAULTS))
    else:
        console.print_table(["Fault", "Value"], [[name, value or "-"] for name, value in FAULTS.items()])


@agora.command(context_settings={"ignore_unknown_options": True})
@click.option("--quick", is_flag=True, help="Only the unit tests.")
@click.argument("pytest_arguments", nargs=-1, type=click.UNPROCESSED)
def test(quick: bool, pytest_arguments: tuple[str, ...]) -> None:
    """Run all tests, or the quick ones. Further arguments go to pytest."""
    import subprocess

    from src.form import ROOT

    where = ["tests/unit", "-m", "not slow"] if quick else ["tests"]
    sys.exit(subprocess.call([sys.executable, "-m", "pytest", *where, *pytest_arguments], cwd=ROOT))


@contextlib.contextmanager
def _target(
    name: str, *, local: bool, only_if_running: bool = False
) -> Iterator[tuple[Target, tuple[ServiceProps, ...]]]:
    """The place to act on, and the services of the form. What a rehearsal started is stopped when it is interrupted."""
    from operations import target
    from operations.clone_lock import holding
    from src.form import load_form

    form = load_form()
    environment, services = form.environment(name), form.services_of(name)
    if not local:
        with holding(environment.name):
            yield target.aws_target(environment), services
        return
    from local_aws import process
    from operations.rehearsal import prepare

    was_running = process.running(target.local_state_dir()) is not None
    try:
        with holding(f"{environment.name}-local"):
            yield target.local_target(environment) if only_if_running else prepare(environment, services), services
    except KeyboardInterrupt:
        if not was_running:
            process.down(target.local_state_dir(), lambda _: None)
        raise


def _may_change(target: Target, question: str, *, expected: str = "yes") -> bool:
    from operations.console import confirm

    expected = target.environment.name if target.environment.name == "prod" else expected
    return confirm(question, expected=expected)


def _answer(value: Any, sentence: str, *, as_json: bool) -> None:
    from operations import console

    if as_json:
        console.print_json(value)
    else:
        click.echo(sentence)


def _show_changes(changes: Sequence[StackChange], *, with_difference: Target | None) -> None:
    from operations import cdk_cli
    from operations.console import say
    from operations.plan import NOTHING

    if with_difference is not None and any(change.action != NOTHING for change in changes):
        cdk_cli.diff(with_difference, to_stderr=True)
    for change in changes:
        if change.action != NOTHING:
            say(f"{change.action:>8}  {change.stack}  {change.summary}")
    if all(change.action == NOTHING for change in changes):
        say("No stack needs a change.")


def _show_idle_faults(target: Target, changes: Sequence[StackChange], faults: Sequence[str]) -> None:
    """A fault acts on tasks that start; say so where none will."""
    from operations.console import say
    from operations.plan import NOTHING
    from src.form import stack_part

    unchanged = {change.stack for change in changes if change.action == NOTHING}
    for fault in faults:
        service = fault.partition("=")[0]
        if target.environment.stack_name(stack_part(service)) in unchanged:
            say(f"--fault {fault}: {service} does not change, so no task starts that it could act on.", "yellow")


def _show_deployment(done: Deployment) -> None:
    from operations.console import print_table, say

    rows = [
        # The last part of an image's name is what differs, and fits; --json has all of it.
        [state.name, state.image.rpartition("/")[2], str(state.desired), str(state.running), state.health]
        for state in done.services
    ]
    print_table(["Service", "Image", "Desired", "Running", "Health"], rows, states=[4])
    click.echo(f"\nLoad balancer  {done.load_balancer_dns}\nExport         {done.load_balancer_export}")
    for name, url in done.urls.items():
        click.echo(f"{name.ljust(15)}{url}")
    say(f"{done.environment} is deployed: {done.seconds:.0f} s.")


def _show_destruction(target: Target, planned: DestructionPlan, unknown: Sequence[str]) -> None:
    from operations.console import say

    if not planned.going:
        say(f"Nothing of {target.environment.name} is deployed that would go.")
    for stack in planned.going:
        say(f"    goes  {stack}")
    for stack, resources in planned.staying.items():
        say(f"   stays  {stack}")
        for resource in resources:
            say(f"          {resource}")
    for stack in unknown:
        say(f"   stays  {stack} (not in app.py)")


def _show_status(found: Any) -> None:
    from operations.console import print_table

    if not found.running:
        click.echo("The embedded AWS does not run. Start it with: ./agora local up")
        return
    click.echo(f"The embedded AWS runs at {found.url} (process {found.pid}, up {found.up_seconds:.0f} s).")
    if found.stacks:
        click.echo("")
        print_table(["Stack", "Account", "Status"], [[each.name, each.account, each.status] for each in found.stacks])
    if found.faults:
        click.echo("")
        print_table(["Account", "Service", "Fault"], [[*each] for each in found.faults])


def main() -> NoReturn:
    """Run what the command line of this process asks for, and leave with its exit code."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run a command; what goes wrong is told in words and becomes the exit code."""
    debug = "--debug" in arguments
    try:
        agora.main(list(arguments), prog_name="./agora", standalone_mode=False)
        return 0
    except AgoraError as error:
        if debug:
            raise
        _complain(error.message, error.hint)
        return error.exit_code
    except click.ClickException as error:
        _complain(error.format_message(), _usage_hint(error))
        return 2
    except (KeyboardInterrupt, click.Abort):
        _complain("interrupted", "What CloudFormation was doing goes on there; the same command picks it up again.")
        return INTERRUPTED
    except BrokenPipeError:
        sys.stderr.close()
        return 1
    except Exception as error:
        if debug or not _comes_from_aws(error):
            raise
        _complain(f"AWS: {error}", "Run ./agora --debug with the same command to see where this came from.")
        return 1


def _comes_from_aws(error: Exception) -> bool:
    return type(error).__module__.partition(".")[0] in ("botocore", "boto3")


def _usage_hint(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    return f"See: {context.command_path} --help" if context else "See: ./agora --help"


def _complain(message: str, hint: str) -> None:
    click.secho("✗ ", fg="red", nl=False, err=True)
    click.echo(message, err=True)
    if hint:
        click.echo(hint, err=True)
