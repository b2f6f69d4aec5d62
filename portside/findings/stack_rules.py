"""Why an operation of CloudFormation failed, or is stuck."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from portside.aws.model import Stack, StackFailure, UnconfiguredStack
from portside.aws.snapshot import Snapshot
from portside.aws.stack_status import status_of
from portside.findings.finding import Finding
from portside.findings.stack_terms import TERMS, StackContext
from portside.findings.words import finding_of, first_row

# CloudFormation itself waits that long for a service: what takes longer does not end without help.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-ecs-service.html
LONGEST_OPERATION = timedelta(hours=3)

FILE = "stack_words.toml"
OF_ITS_TASKS = "UNKNOWN.TASKS"


def state(snapshot: Snapshot, stack: Stack) -> Finding | None:
    """A stuck stack, and how to free it."""
    if not stack.status:
        return None
    name, status, commands = stack.name, status_of(stack.status), snapshot.commands
    deploy = commands.tool("deploy")

    def stuck(sentence: str, fix: str) -> Finding:
        return Finding("STACK_STUCK", sentence, _evidence(stack), _events_of(stack), fix)

    kept = list(dict.fromkeys(each.logical_id for each in stack.failures)) if stack.status == "DELETE_FAILED" else []
    if way_out := status.way_out:
        command = commands.aws(
            "cloudformation", way_out.operation, stack_name=name, **({"retain_resources": kept} if kept else {})
        )
        note = way_out.note
        if stack.status == "UPDATE_ROLLBACK_FAILED":
            note = _to_skip(stack)
        elif kept:
            note = f"deletes the rest of {name}, and leaves {', '.join(kept)} in the account"
        return stuck(status.meaning, commands.fix(command, then=f"{note}; then: {deploy}".removeprefix("; ")))
    began = stack.began or stack.updated
    if stack.is_moving and began and snapshot.at - began > LONGEST_OPERATION:
        hours = round((snapshot.at - began).total_seconds() / 3600)
        cancel = commands.fix(commands.aws("cloudformation", "cancel-update-stack", stack_name=name))
        wait = commands.fix(
            commands.aws("cloudformation", "describe-stack-events", stack_name=name),
            then="see what it waits for, and correct that",
        )
        return stuck(
            f"it has been {stack.status} for {hours} hours", cancel if stack.status == "UPDATE_IN_PROGRESS" else wait
        )
    return None


def unexplained(snapshot: Snapshot, stack: Stack) -> Finding | None:
    """A failed or unfinished stack without a known reason."""
    if not stack.status:
        return None
    status, commands = status_of(stack.status), snapshot.commands
    wait = f"Wait, then: {commands.tool('diagnose')}"
    if status.has_failed:
        sentence = f"{status.meaning}; why is no longer known"
        fix = wait if status.is_in_progress else commands.tool("deploy")
        return Finding("UNKNOWN", sentence, _evidence(stack), _events_of(stack), fix)
    if status.is_in_progress:
        return Finding("GOING_ON", status.meaning, _evidence(stack), _events_of(stack), wait)
    return None


def unconfigured(stack: UnconfiguredStack) -> Finding:
    """A stack that is deployed and not configured, which costs something."""
    evidence, look = (f"stack: {stack.status}",), "app.py"
    return Finding("NOT_CONFIGURED", stack.sentence, evidence, look, stack.advice, stack=stack.name)


def _evidence(stack: Stack) -> tuple[str, ...]:
    return (f"stack: {stack.status} {stack.reason}".rstrip(), *_failures(stack))


def _events_of(stack: Stack) -> str:
    return f"events of stack {stack.name} in CloudFormation"


def _to_skip(stack: Stack) -> str:
    failed = dict.fromkeys(each.logical_id for each in stack.failures if each.status.startswith("UPDATE_FAILED"))
    return f"if it fails again: --resources-to-skip {' '.join(failed)}" if failed else "wait until it finishes"


def _failures(stack: Stack) -> tuple[str, ...]:
    return tuple(f"{each.logical_id} ({each.kind}): {each.reason}" for each in stack.failures[:3])


def failure(snapshot: Snapshot, stack: Stack, failed: StackFailure) -> Finding | None:
    """A resource that AWS refused. A service whose tasks did not start is left to the rules about tasks."""
    # "Not found" means something else when a resource is created than when it is updated.
    matched = first_row(FILE, f"{failed.reason}\n{failed.status}", failed.kind)
    if matched is None or matched[0].code == OF_ITS_TASKS:
        return None
    row, found = matched
    context = StackContext(snapshot, stack, failed)
    evidence = (f"{failed.logical_id} ({failed.kind}) {failed.status}: {failed.reason}",)
    return replace(finding_of(row, TERMS, context, found), evidence=evidence)


def verdict(stack: Stack, found: Finding, service: str) -> Finding:
    """A finding about a stack, as a verdict."""
    since = stack.failures[0].at if stack.failures else stack.updated
    return replace(found, service=service, stack=stack.name, since=since)
