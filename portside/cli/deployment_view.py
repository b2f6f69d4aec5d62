"""The output of commands that deploy: the plan, the pre-flight checks and the result."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

from portside.commands import tool
from portside.config.stacks import service_stack
from portside.terminal import console
from portside.terminal.console import say
from portside.terminal.summary import MOST_LISTED, named, summarized

if TYPE_CHECKING:
    from portside.aws.target import Target
    from portside.config.service_props import ServiceProps
    from portside.deploy.deploy import Deployment
    from portside.plan.plan import StackChange
    from portside.preflight.run import Verification


def show_changes(changes: Sequence[StackChange], *, with_difference: Target | None) -> None:
    """Print the changes of a plan."""
    from portside.plan.plan import LEAVE, NOTHING
    from portside.synthesis import cdk_cli

    if with_difference is not None and any(change.is_deployed for change in changes):
        cdk_cli.diff(with_difference, to_stderr=True)
    for line in _lines_of(changes):
        say(line)
    if all(change.action in (NOTHING, LEAVE) for change in changes):
        say("No stack needs a change.")


def _lines_of(changes: Sequence[StackChange]) -> Iterator[str]:
    """A line for each change or, of too many with the same summary, one for all of them."""
    from portside.plan.plan import NOTHING

    stacks_by_change: dict[tuple[str, str], list[str]] = {}
    for change in changes:
        stacks_by_change.setdefault((change.action, change.summary), []).append(change.stack)
    for (action, summary), stacks in stacks_by_change.items():
        if len(stacks) > MOST_LISTED and action == NOTHING:
            yield f"{'':>8}  {len(stacks)} stacks do not change"
        elif len(stacks) > MOST_LISTED:
            yield f"{action:>8}  {len(stacks)} stacks, each {summary}: {named(stacks)}"
    for change in changes:
        if change.action != NOTHING and len(stacks_by_change[change.action, change.summary]) <= MOST_LISTED:
            yield f"{change.action:>8}  {change.stack}  {change.summary}"


def show_idle_faults(
    target: Target, changes: Sequence[StackChange], faults: Sequence[str], services: Sequence[ServiceProps]
) -> None:
    """Warn about faults that have no effect because no task of their service starts."""
    from portside.plan.plan import NOTHING

    unchanged = {change.stack for change in changes if change.action == NOTHING}
    # A job can start unchanged: in this deployment, if it failed in the last one, or later.
    jobs = {target.environment.short_name(props.container_name) for props in services if not props.is_service}
    for fault in faults:
        service = fault.partition("=")[0]
        if (
            target.environment.short_name(service) not in jobs
            and service_stack(target.environment, service).name in unchanged
        ):
            say(f"--fault {fault}: no effect, because {service} does not change and starts no task.", "yellow")


def show_open_ports(target: Target, found: Verification) -> None:
    """Warn during the first step of an adoption, in which every service accepts its whole network."""
    from portside.preflight.earlier import ADOPTION, NEW

    environment = target.environment
    adoption = next((check.what for check in found.checks if check.subject == ADOPTION), "")
    if not target.is_local and environment.keep_exports and adoption and not adoption.endswith(NEW):
        say(
            f"KEEP_EXPORTS is on for {environment.name}: services accept all of {environment.vpc_cidr}. "
            f"Adoption: {adoption}",
            "yellow",
        )


def show_verification(found: Verification) -> None:
    """Print the summary, the skipped checks with the reasons, and last the failures with their fixes."""

    say(found.summary)
    for reason, subjects in found.skipped.items():
        say(f"  SKIP {', '.join(subjects)}: {reason}")
    for check in found.failed:
        say(f"  FAIL {check.subject}: {check.what}", "red" if check in found.in_the_way else "yellow")
        if check.fix:
            say("\n".join(f"       {line}" for line in check.fix.split("\n")))


def show_deployment(done: Deployment, short_name: Callable[[str], str]) -> None:
    """Print the running versions, the addresses to open, and the next step."""

    by_reference = {image.reference: image for image in done.images.images.values()}
    rows: list[Sequence[str]] = []
    for state in done.services:
        image = by_reference.get(state.image)
        version = [image.tag, image.short_commit or "unknown"] if image else [state.image.rpartition("/")[2], "-"]
        rows.append([short_name(state.name), *version, str(state.desired), str(state.running), state.health])
    rows = summarized(rows, "services", state=5, ignored=[2])
    console.print_table(["Service", "Version", "Commit", "Desired", "Running", "Health"], rows, states=[5])
    if done.load_balancer_dns:
        console.print_lines(f"\nLoad balancer  {done.load_balancer_dns}\nExport         {done.load_balancer_export}")
    for name, url in done.urls.items():
        # The key in the JSON output is older than the word.
        console.print_lines(f"{name.replace('Stand-in', 'Stub').ljust(15)}{url}")
    say(f"{done.environment} is deployed and healthy ({console.elapsed_seconds():.0f} s in all).", "green")
    say(f"Next: {tool('status', done.environment, local=done.local)}")
