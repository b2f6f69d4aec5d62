"""Why CloudFormation could not do what was asked, or can't go on."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

from portside.aws.model import Stack, StackFailure
from portside.aws.reader import Snapshot
from portside.aws.stack_status import status_of
from portside.findings.finding import Finding

# CloudFormation itself waits that long for a service: what takes longer does not come to an end by itself.
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-resource-ecs-service.html
LONGEST_OPERATION = timedelta(hours=3)

_EXPORT = re.compile(r"xport (\S+) (?:cannot|can't|can not) be (?:deleted|updated)\D*in use by ([^\s]+.*)", re.I)
_EXPORT_DELETED = re.compile(r"annot delete export (\S+) as it is in use by ([^\s]+.*)", re.I)
_NO_EXPORT = re.compile(r"No export named (\S+) found", re.I)
_QUOTA = re.compile(
    r"LimitExceeded|maximum number of|quota|TooMany(?!Requests)|reached the limit"
    r"|limit (?:of|on) .*(?:reached|exceeded)",
    re.I,
)
_DENIED = re.compile(r"not authorized to perform:? ([\w-]+:\w+)|AccessDenied|UnauthorizedOperation|403", re.I)
_EXISTS = re.compile(r"already exists|AlreadyExists", re.I)
_CERTIFICATE = re.compile(r"certificate", re.I)


def state(snapshot: Snapshot, stack: Stack) -> Finding | None:
    """A stack that can't be deployed as it stands, and how to free it."""
    if not stack.status:
        return None
    name, status, commands = stack.name, status_of(stack.status), snapshot.commands
    deploy = commands.tool("deploy")

    def stuck(what: str, fix: str) -> Finding:
        return Finding("STACK_STUCK", what, _evidence(stack), _events_of(stack), fix)

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
    """A stack that is not as it was deployed, or not known to be, where nothing says why."""
    if not stack.status:
        return None
    status, commands = status_of(stack.status), snapshot.commands
    wait = f"Wait, then: {commands.tool('diagnose')}"
    if status.has_failed:
        what = f"{status.meaning}; why is no longer known"
        fix = wait if status.is_in_progress else commands.tool("deploy")
        return Finding("UNKNOWN", what, _evidence(stack), _events_of(stack), fix)
    if status.is_in_progress:
        return Finding("GOING_ON", status.meaning, _evidence(stack), _events_of(stack), wait)
    return None


def _evidence(stack: Stack) -> tuple[str, ...]:
    return (f"stack: {stack.status} {stack.reason}".rstrip(), *_failures(stack))


def _events_of(stack: Stack) -> str:
    return f"events of stack {stack.name} in CloudFormation"


def _to_skip(stack: Stack) -> str:
    failed = dict.fromkeys(each.logical_id for each in stack.failures if each.status.startswith("UPDATE_FAILED"))
    return f"if it fails again: --resources-to-skip {' '.join(failed)}" if failed else "wait for its end"


def _failures(stack: Stack) -> tuple[str, ...]:
    return tuple(f"{each.logical_id} ({each.kind}): {each.reason}" for each in stack.failures[:3])


def failure(snapshot: Snapshot, stack: Stack, failed: StackFailure) -> Finding | None:
    """A resource that AWS refused. A service whose tasks did not start is left to the rules about tasks."""
    reason, look = failed.reason, f"events of stack {stack.name} in CloudFormation"
    told = (f"{failed.logical_id} ({failed.kind}): {reason}",)
    environment = snapshot.environment
    commands = snapshot.commands
    deploy = commands.tool("deploy")
    if used := (_EXPORT.search(reason) or _EXPORT_DELETED.search(reason)):
        users = used[2].rstrip(". ")
        return Finding(
            "EXPORT_IN_USE",
            f"it can't change its export {used[1]}, because {users} imports it",
            told,
            f'app.py, ENVIRONMENTS["{environment}"]["KEEP_EXPORTS"]',
            f'In two steps: "KEEP_EXPORTS": True of {environment} in app.py, then {deploy}, after which {users} '
            "imports nothing more; then False, and deploy again",
        )
    if _QUOTA.search(reason):
        return Finding(
            "QUOTA",
            f"{failed.kind} {failed.logical_id} would exceed a quota of account {snapshot.account}",
            told,
            f"Service Quotas of account {snapshot.account}, region {snapshot.region}",
            commands.fix(
                commands.aws("service-quotas", "list-service-quotas", service_code=_service_code(failed.kind)),
                then="then request-service-quota-increase, or remove what is not used",
            ),
        )
    if failed.kind.startswith("AWS::ElasticLoadBalancingV2::Listener") and _CERTIFICATE.search(reason):
        return Finding(
            "CERTIFICATE",
            "the load balancer can't use the certificate that app.py names",
            told,
            f'app.py, ENVIRONMENTS["{environment}"]["CERTIFICATE_ID"]',
            f"CERTIFICATE_ID of {environment} in app.py: an issued certificate of account {snapshot.account} in "
            f"{snapshot.region}; then: {deploy}. They are listed by: {commands.aws('acm', 'list-certificates')}",
        )
    if failed.kind == "AWS::ECS::Service" and _is_about_tasks(reason):
        return None
    if denied := _DENIED.search(reason):
        what = f" ({denied[1]})" if denied[1] else ""
        return Finding(
            "DEPLOY_DENIED",
            f"the role that deploys may not make {failed.kind} {failed.logical_id}{what}",
            told,
            f"the CDK's cfn-exec role of account {snapshot.account} in IAM",
            f"Grant it{f' {denied[1]}' if denied[1] else ' the right'}, then: {deploy}",
        )
    if _EXISTS.search(reason):
        return Finding(
            "ALREADY_EXISTS",
            f"{failed.kind} {failed.logical_id} is there already, outside the stack",
            told,
            look,
            f"Delete or rename what has that name, then: {deploy}",
        )
    if missing := _NO_EXPORT.search(reason):
        return Finding(
            "REFUSED",
            f"it imports {missing[1]}, which no stack exports",
            told,
            look,
            f'"KEEP_EXPORTS": True of {environment} in app.py, then: {deploy}',
        )
    return Finding(
        "REFUSED",
        f"AWS refused {failed.kind} {failed.logical_id}: {reason}",
        told,
        look,
        f"Mend what the reason names in app.py, then: {deploy}",
    )


def _is_about_tasks(reason: str) -> bool:
    return bool(re.search(r"circuit breaker|stabili[sz]e|Exceeded attempts|deployment (?:alarm|failed)", reason, re.I))


def _service_code(kind: str) -> str:
    """The name by which Service Quotas knows a service; an elastic address is EC2's, what else a network has is not."""
    service, _, part = kind.removeprefix("AWS::").lower().partition("::")
    if service == "ec2" and part not in ("eip", "instance"):
        return "vpc"
    return {"elasticloadbalancingv2": "elasticloadbalancing", "docdb": "rds"}.get(service, service)


def verdict(stack: Stack, found: Finding, service: str) -> Finding:
    """A finding about a stack, as a verdict."""
    since = stack.failures[0].at if stack.failures else stack.updated
    return replace(found, service=service, stack=stack.name, since=since)
