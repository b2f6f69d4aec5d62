"""Why a task could not start, in the words of ECS and Fargate.

https://docs.aws.amazon.com/AmazonECS/latest/developerguide/stopped-task-error-codes.html
"""

from __future__ import annotations

import json
import re

from portside.commands import remark, tool
from portside.findings import secret_rules
from portside.findings.finding import Finding
from portside.findings.rule_context import Rule, RuleContext
from portside.findings.secret_rules import ROLE
from src.image import parse_reference

_SUBNET = re.compile(r"subnet-\w+")
# The vCPUs that run at once, on demand and on Spot:
# https://docs.aws.amazon.com/general/latest/gr/ecs-service.html#limits_fargate
_ON_DEMAND_QUOTA, _SPOT_QUOTA = "L-3032A538", "L-36FBB829"


def pull(context: RuleContext) -> Finding | None:
    """The image."""
    words = context.words
    if "CannotPull" not in words and "pull image manifest" not in words and "failed to pull" not in words.lower():
        return None
    for signs, rule in _PULL.items():
        if re.search(signs, words, re.I):
            return rule(context)
    return context.found(
        "UNKNOWN", f"its image {context.image} can't be pulled", look=context.image, fix=context.deploy
    )


def _image_platform(context: RuleContext) -> Finding:
    return context.found(
        "IMAGE_PLATFORM",
        f"its image {context.image} was not built for linux/amd64, on which Fargate runs it",
        look=context.image,
        fix=f"Publish it for linux/amd64 (docker buildx build --platform linux/amd64), then: {context.deploy}",
    )


def _registry_limit(context: RuleContext) -> Finding:
    return context.found(
        "REGISTRY_LIMIT",
        f"the registry refuses to hand out {context.image} because it was asked too often",
        look=context.events,
        fix=f"Wait some minutes, then: {context.start_again}",
    )


def _image_denied(context: RuleContext) -> Finding:
    named = parse_reference(context.image)
    parts = named.name.split("/") if named else []
    settings = (
        f"https://github.com/orgs/{parts[1]}/packages/container/{'%2F'.join(parts[2:])}/settings"
        if len(parts) > 2 and parts[0] == "ghcr.io"
        else context.image
    )
    return context.found(
        "IMAGE_DENIED",
        f"the registry does not let Fargate read {context.image}; tasks pull without credentials",
        look=settings,
        fix=f"Make the package public there (or let it be read again), then: {context.start_again}",
    )


def _image_missing(context: RuleContext) -> Finding:
    version, is_released = context.service.asked.image.rpartition(":")[2], context.snapshot.is_released
    fix = tool("release", "pin", version, local=context.snapshot.is_local) if is_released else context.deploy
    why = "writes the lock again" if is_released else "looks the tag up again"
    return context.found(
        "IMAGE_MISSING",
        f"the registry has no image {context.image}; it was deleted, or never published",
        look=context.image,
        fix=fix + remark(f"{why}; if it is not published either: GHCR_PACKAGE_VERSION in app.py"),
    )


def _registry_slow(context: RuleContext) -> Finding:
    return context.found(
        "REGISTRY_SLOW",
        f"the registry did not answer in time when Fargate pulled {context.image}",
        look="https://www.githubstatus.com" if "ghcr.io" in context.image else context.events,
        fix=f"{context.start_again}  # again, later; if all services have it: the NAT gateways of the network stack",
    )


def _storage_full(context: RuleContext) -> Finding:
    return context.found(
        "REFUSED",
        "its image does not fit into the task's storage",
        look=context.field("container_volumes"),
        fix="Make the image smaller, or the volume's size in app.py larger",
    )


_PULL = {
    r"descriptor matching platform|no matching manifest|does not match the specified platform": _image_platform,
    r"toomanyrequests|too many requests|\b429\b|rate limit": _registry_limit,
    r"\b40[13]\b|denied|unauthorized|no basic auth|not authorized|forbidden": _image_denied,
    r"no space left": _storage_full,
    r"timeout|deadline exceeded|canceled|connection (?:refused|reset)|no such host|dial tcp|\b50[0234]\b|EOF": (
        _registry_slow
    ),
    r"not found|manifest unknown|name unknown|does not exist|\b404\b": _image_missing,
}


def log_group(context: RuleContext) -> Finding | None:
    """Where the container is to write."""
    if not re.search(r"log group|logger args|log stream|logging driver", context.words, re.I):
        return None
    group = context.task.log_group if context.task else ""
    if re.search(r"AccessDenied|not authorized", context.words):
        role = context.definition.execution_role.rpartition("/")[2] if context.definition else "its execution role"
        return context.found(
            "ROLE_UNUSABLE",
            f"{role} may not write to the log group {group}",
            look=f"IAM role {role}",
            fix=f"Let {role} do logs:CreateLogStream and logs:PutLogEvents; its stack grants them",
        )
    if "does not exist" not in context.words and "ResourceNotFound" not in context.words:
        return None
    return context.found(
        "LOG_GROUP_MISSING",
        f"its log group {group or '(unknown)'} was deleted, and no task starts without it",
        look=f"log group {group}",
        fix=context.commands.fix(
            context.commands.aws("logs", "create-log-group", log_group_name=group or "GROUP"),
            then=f"then: {context.start_again}",
        ),
    )


def role(context: RuleContext) -> Finding | None:
    """The roles that ECS takes on for the task."""
    if "unable to assume the role" not in context.words:
        return None
    found = ROLE.search(context.words)
    name = found[1].rpartition("/")[2] if found else "ROLE"
    trust = {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    return context.found(
        "ROLE_UNUSABLE",
        f"ECS can't act as the role {name}: it was deleted, or does not trust ecs-tasks",
        look=f"IAM role {name}",
        fix=context.commands.fix(
            context.commands.aws("iam", "create-role", role_name=name, assume_role_policy_document=policy),
            then="or update-assume-role-policy, where it is there; then its policies as the stack has them",
        ),
    )


def placement(context: RuleContext) -> Finding | None:
    """Room for the task: capacity, addresses, Spot, quotas."""
    words = context.words
    if re.search(r"reached the limit on the number|vCPU limit|limit on the number of (?:tasks|vCPUs)", words, re.I):
        spot = "spot" in words.lower()
        quota = _SPOT_QUOTA if spot else _ON_DEMAND_QUOTA
        return context.found(
            "QUOTA",
            f"the account's quota of Fargate {'Spot ' if spot else ''}vCPUs is used up",
            look=f"quota {quota} of fargate in Service Quotas, account {context.snapshot.account}",
            fix=context.commands.fix(
                context.commands.aws(
                    *("service-quotas", "request-service-quota-increase"),
                    service_code="fargate",
                    quota_code=quota,
                    desired_value="NUMBER",
                )
            ),
        )
    if re.search(r"InsufficientFreeAddresses|free addresses|free IP", words, re.I):
        return _no_address(context)
    if re.search(
        r"SpotInterruption|Spot (?:Task|Instance) was (?:interrupted|reclaimed)|spot interruption", words, re.I
    ):
        return context.found(
            "SPOT_RECLAIMED",
            "AWS took the Spot capacity back that its task ran on",
            look=context.field("spot_weight"),
            fix=f"spot_weight=0 of {context.name} in app.py, then: {context.deploy}",
        )
    if re.search(r"capacity is unavailable|insufficient capacity|no capacity", words, re.I):
        return context.found(
            "NO_CAPACITY",
            "Fargate has no capacity for its task at the moment",
            look=context.events,
            fix=f"{context.start_again}  # again, later"
            + (f"; or spot_weight=0 of {context.name} in app.py" if context.service.asked.spot_weight else ""),
        )
    return None


def _no_address(context: RuleContext) -> Finding:
    named = _SUBNET.search(context.words)
    known = next((each for each in context.snapshot.subnets if named and each.id == named[0]), None)
    which = f"{named[0]}{f' ({known.cidr}, {known.zone}, {known.free} free)' if known else ''}" if named else ""
    users = context.commands.aws(
        "ec2", "describe-network-interfaces", filters=f"Name=subnet-id,Values={named[0] if named else '…'}"
    )
    free = "; ".join(f"{each.id} {each.cidr}: {each.free} free" for each in context.snapshot.subnets)
    return context.found(
        "NO_ADDRESS",
        f"its subnet {which} has no free address for another task",
        look=f"subnet {named[0]}" if named else "the subnets of the network stack",
        fix=f"Fewer tasks at once: AUTO_SCALE_CAPACITY in app.py; or free the addresses that others use there: {users}",
        evidence=(*context.told, f"subnets: {free}") if free else context.told,
    )


def start(context: RuleContext) -> Finding | None:
    """The program that the container is to run."""
    words = context.words
    if re.search(r"exec format error", words, re.I):
        return exec_format(context)
    if not re.search(r"CannotStartContainer|CannotCreateContainer|runc create failed|OCI runtime", words):
        return None
    named = re.search(r'exec: \\?"([^"\\]+)', words)
    program = f'"{named[1]}"' if named else "its program"
    given = context.definition.command if context.definition else ()
    if given:
        return context.found(
            "BAD_COMMAND",
            f"{program} can't be run in its image; container_command asks for {' '.join(given)}",
            look=context.field("container_command"),
            fix=f"Mend container_command of {context.name} in app.py, then: {context.deploy}",
        )
    return context.found(
        "BAD_COMMAND",
        f"{program}, which its image is to start with, can't be run in it",
        look=f"the entry point of {context.image}",
        fix=context.mend,
    )


def exec_format(context: RuleContext) -> Finding:
    """A program of another architecture."""
    return context.found(
        "EXEC_FORMAT",
        f"the program in its image {context.image} is for another processor than linux/amd64",
        look=context.image,
        fix="Build and publish it for linux/amd64 (docker buildx build --platform linux/amd64), "
        f"then: {context.deploy}",
    )


def trouble_of_aws(context: RuleContext) -> Finding | None:
    """What is nobody's fault here."""
    if not re.search(
        r"InternalError|Timeout waiting for (?:network interface|EphemeralStorage)|Task provisioning failed|"
        r"ContainerRuntimeTimeout|DockerTimeout|internal (?:server )?error",
        context.words,
        re.I,
    ):
        return None
    return context.found(
        "AWS_TROUBLE",
        "Fargate failed to start its task for a reason of its own",
        look="https://health.aws.amazon.com",
        fix=f"{context.start_again}  # again",
    )


RULES: tuple[Rule, ...] = (pull, secret_rules.secrets, log_group, role, placement, start, trouble_of_aws)
