"""What people see of plans, deployments and their history."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from portside.commands import tool
from portside.config.stacks import service_stack
from portside.terminal import console

if TYPE_CHECKING:
    from portside.aws.target import Target
    from portside.deploy.deploy import Deployment
    from portside.deploy.destroy import DestructionPlan
    from portside.plan.plan import StackChange
    from portside.plan.rollback import RollbackPlan
    from portside.preflight.run import Verification
    from portside.records.deployment_record import DeploymentRecord


def show_changes(changes: Sequence[StackChange], *, with_difference: Target | None) -> None:
    """Tell a person what a plan changes."""
    from portside.plan.plan import LEAVE, NOTHING
    from portside.synthesis import cdk_cli
    from portside.terminal.console import say

    if with_difference is not None and any(change.is_deployed for change in changes):
        cdk_cli.diff(with_difference, to_stderr=True)
    for change in changes:
        if change.action != NOTHING:
            say(f"{change.action:>8}  {change.stack}  {change.summary}")
    if all(change.action in (NOTHING, LEAVE) for change in changes):
        say("No stack needs a change.")


def show_idle_faults(target: Target, changes: Sequence[StackChange], faults: Sequence[str]) -> None:
    """A fault acts on tasks that start; say so where none will."""
    from portside.plan.plan import NOTHING
    from portside.terminal.console import say

    unchanged = {change.stack for change in changes if change.action == NOTHING}
    for fault in faults:
        service = fault.partition("=")[0]
        if service_stack(target.environment, service).name in unchanged:
            say(f"--fault {fault}: {service} does not change, so no task starts that it could act on.", "yellow")


def show_open_ports(target: Target, found: Verification) -> None:
    """Remind of the first step of an adoption: as long as it lasts, every service is open to its whole network."""
    from portside.preflight.earlier import ADOPTION, NEW
    from portside.terminal.console import say

    environment = target.environment
    adoption = next((check.what for check in found.checks if check.subject == ADOPTION), "")
    if not target.is_local and environment.keep_exports and adoption and not adoption.endswith(NEW):
        say(
            f"KEEP_EXPORTS is on for {environment.name}: services accept all of {environment.vpc_cidr}. "
            f"Adoption: {adoption}",
            "yellow",
        )


def show_verification(found: Verification) -> None:
    """Show the summary, what was skipped and why, and last the failures with what to do."""
    from portside.terminal.console import say

    say(found.summary)
    for reason, subjects in found.skipped.items():
        say(f"  SKIP {', '.join(subjects)}: {reason}")
    for check in found.failed:
        say(f"  FAIL {check.subject}: {check.what}", "red" if check in found.in_the_way else "yellow")
        if check.fix:
            say(f"       {check.fix}")


def show_deployment(done: Deployment) -> None:
    """Tell a person what runs now, and where to look at it."""
    from portside.terminal.console import print_table, say

    by_reference = {image.reference: image for image in done.images.images.values()}
    rows = []
    for state in done.services:
        image = by_reference.get(state.image)
        version = [image.tag, image.short_commit or "unknown"] if image else [state.image.rpartition("/")[2], "-"]
        rows.append([state.name, *version, str(state.desired), str(state.running), state.health])
    print_table(["Service", "Version", "Commit", "Desired", "Running", "Health"], rows, states=[5])
    console.print_lines(f"\nLoad balancer  {done.load_balancer_dns}\nExport         {done.load_balancer_export}")
    for name, url in done.urls.items():
        # The key in the JSON output is older than the word.
        console.print_lines(f"{name.replace('Stand-in', 'Stub').ljust(15)}{url}")
    say(f"{done.environment} is deployed and healthy ({console.elapsed_seconds():.0f} s in all).", "green")
    say(f"Next: {tool('status', done.environment, local=done.local)}")


def show_rollback(plan: RollbackPlan) -> None:
    from portside.terminal.console import say

    record = plan.to
    say(f"Back to {record.images.version}, deployment {record.number} of {record.began[:16].replace('T', ' ')} UTC:")
    for service, before, after in plan.changes:
        was = f"{before.tag} {before.digest[7:19]}" if before else "nothing"
        say(f"  {service}: {was} -> {after.tag} {after.digest[7:19]} (commit {after.short_commit or 'unknown'})")
    if not plan.changes:
        say("  every service runs these images already")
    for service in plan.left_out:
        say(f"  {service} was not part of that deployment: it is left out, and keeps what it runs.", "yellow")


def show_destruction(target: Target, planned: DestructionPlan, unknown: Sequence[str]) -> None:
    from portside.terminal.console import say

    if not planned.going and not planned.buckets:
        say(f"Nothing of {target.environment.name} is deployed that would go.")
    for stack in planned.going:
        say(f"    goes  {stack}")
    for bucket in planned.buckets:
        say(f"    goes  {bucket}, with the access logs in it")
    for stack, resources in planned.staying.items():
        say(f"   stays  {f'of {stack}' if stack in planned.going else stack}")
        for resource in resources:
            say(f"          {resource}")
    for stack in unknown:
        say(f"   stays  {stack} (not in app.py)")


def history_row(record: DeploymentRecord) -> list[str]:
    """A deployment in a line."""
    what = f"{record.kind} (synthetic)" if record.synthetic else record.kind
    what += f" (unproven: {record.unproven})" if record.unproven else ""
    commit = (record.commit or "unknown").partition("+")
    began = record.began[:16].replace("T", " ")
    ended = f"{record.result}: {record.reason}" if record.reason else record.result
    source = f"{commit[0][:7]}{'+' if commit[1] else ''}"
    return [str(record.number), began, what, record.images.version, ended, f"{record.seconds:.0f}", source, record.who]
