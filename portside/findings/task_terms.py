"""Terms of the rows about tasks: the image, the role, the subnet, and the commands of a fix."""

from __future__ import annotations

import re

from portside.commands import remark, tool
from portside.config.image_reference import parse_reference
from portside.findings import secret_terms
from portside.findings.rule_context import RuleContext, more_memory
from portside.findings.secret_terms import execution_role, grant, put_registry_login, registry_secret
from portside.findings.words import Groups, Terms

_IMAGE = re.compile(
    r"(?:\bref(?:erence)?|image|manifest for|cannot pull|pull access denied for|repository)[ :]+[\"'`]?"
    r"((?:[\w-]+(?:\.[\w-]+)*(?::\d+)?/)+[\w./-]+(?::[\w.-]+)?(?:@sha256:\w+)?)"
)
_SUBNET = re.compile(r"subnet-\w+")
_ROLE = re.compile(r"role[/ ]'?(?:arn:aws[\w-]*:iam::\d+:role/)?([\w+=,.@/-]+)")
_PROGRAM = re.compile(r"exec: \\*\"?([^\"\\:\s]+)|exec (/[^\s:]+)")
_ENDED = re.compile(r"\s*(?:: exit status \d+|: unknown|\(request ?id:?[^)]*\)|, request ?id:? \S+)[ .]*$", re.I)
# The vCPUs that run at once, on demand and on Spot:
# https://docs.aws.amazon.com/general/latest/gr/ecs-service.html#limits_fargate
_ON_DEMAND_QUOTA, _SPOT_QUOTA = "L-3032A538", "L-36FBB829"
_LONGEST_PART = 300
# A service event has the error of the failed call in brackets.
_INNER = re.compile(r"\((?:error|reason) (.+?)\)+\.?$", re.DOTALL)
_LAYERS = re.compile(
    r"(?:Cannot\w+Error|ResourceInitializationError|API error \(\d+\)|Error response from daemon"
    r"|failed to create new container runtime task|failed to create shim(?: task)?|failed to create task for container"
    r"|OCI runtime create failed|runc create failed|unable to start container process|error during container init"
    r"|unable to pull secrets or registry auth|execution resource retrieval failed): "
)


def image_of(context: RuleContext) -> str:
    """The image that could not be pulled: the service's own, unless AWS names another."""
    named = _IMAGE.search(context.words)
    name = named[1].rstrip(".:") if named else ""
    # A name that AWS truncated is still that of the service's image.
    return context.image if context.image.startswith(name) else name


def _package_settings(context: RuleContext, _: Groups) -> str:
    named = parse_reference(image_of(context))
    parts = named.name.split("/") if named else []
    if len(parts) > 2 and parts[0] == "ghcr.io":
        return f"https://github.com/orgs/{parts[1]}/packages/container/{'%2F'.join(parts[2:])}/settings"
    return image_of(context)


def _why_denied(context: RuleContext, _: Groups) -> str:
    secret = registry_secret(context)
    if not secret:
        return "it is private or does not exist, and tasks pull without credentials"
    if re.search(r"oauth token|incorrect username|\b401\b", context.words):
        return f"the user name or password in secret {secret} is wrong, or has no access to it"
    return f"the login in secret {secret} has no access to it, or it does not exist"


def _make_public(context: RuleContext, _: Groups) -> str:
    if registry_secret(context):
        return put_registry_login(context)
    if image_of(context).startswith("ghcr.io/"):
        return f"Make the package public there (or let it be read again), then: {context.start_again}"
    return f"Name an image that exists and is public (or make that one public), then: {context.deploy}"


def _look_up_image(context: RuleContext, _: Groups) -> str:
    version, is_released = context.service.asked.image.rpartition(":")[2], context.snapshot.is_released
    fix = tool("release", "pin", version, local=context.snapshot.is_local) if is_released else context.deploy
    why = "writes the lock again" if is_released else "looks the tag up again"
    return fix + remark(f"{why}; if it is not published either: GHCR_PACKAGE_VERSION in app.py")


def _registry_status(context: RuleContext, _: Groups) -> str:
    image = image_of(context)
    if image.startswith("ghcr.io/"):
        return "https://www.githubstatus.com"
    return context.events if "." in image.partition("/")[0] else "https://www.dockerstatus.com"


def _grant_ecr(context: RuleContext, _: Groups) -> str:
    role = execution_role(context)
    refused = re.search(r"perform: (ecr:\w+)", context.words)
    action = refused[1] if refused else ""
    named = re.search(r"(\d{12})\.dkr\.ecr[\w-]*\.([\w-]+)\.amazonaws\.com[\w.]*/([\w./-]+)", context.words)
    if action == "ecr:GetAuthorizationToken":
        # It has no resource: https://docs.aws.amazon.com/AmazonECR/latest/userguide/security_iam_id-based-policy-examples.html
        return grant(context, "LogInToEcr", [action], "*")
    arn = re.search(r"arn:aws[\w-]*:ecr:[\w-]+:\d{12}:repository/[\w./-]+", context.words)
    if action and arn:
        return grant(context, "PullImage", [action], arn[0])
    repository = f"repository {named[3]} of account {named[1]}" if named else "the repository"
    return (
        f"Allow {role} to pull: ecr:GetAuthorizationToken, and on {repository} ecr:BatchGetImage and "
        f"ecr:GetDownloadUrlForLayer (a repository of another account must allow it too), then: {context.start_again}"
    )


def _network_stack(context: RuleContext) -> str:
    return f"{context.snapshot.stack_prefix}-network"


def _role(context: RuleContext, _: Groups) -> str:
    found = _ROLE.search(context.words)
    return found[1].rpartition("/")[2] if found else "ROLE"


def _log_group(context: RuleContext, _: Groups) -> str:
    return context.task.log_group if context.task and context.task.log_group else "(unknown)"


def _grant_logs(context: RuleContext, _: Groups) -> str:
    named = re.search(r"not authorized to perform: (logs:\w+)", context.words)
    actions = [named[1]] if named else ["logs:CreateLogStream", "logs:PutLogEvents"]
    group = context.task.log_group if context.task else ""
    if not group:
        return f"Allow {execution_role(context)} {' and '.join(actions)} on the log group, then: {context.start_again}"
    return grant(context, "WriteLog", actions, context.commands.arn("logs", f"log-group:{group}:*"))


def _fargate_quota(context: RuleContext, _: Groups) -> str:
    return _SPOT_QUOTA if "spot" in context.words.lower() else _ON_DEMAND_QUOTA


def _subnet_place(context: RuleContext, _: Groups) -> str:
    named = _SUBNET.search(context.words)
    return f"subnet {named[0]}" if named else "the subnets of the network stack"


def _subnet(context: RuleContext, _: Groups) -> str:
    named = _SUBNET.search(context.words)
    known = next((each for each in context.snapshot.subnets if named and each.id == named[0]), None)
    return f"{named[0]}{f' ({known.cidr}, {known.zone}, {known.free} free)' if known else ''}" if named else ""


def _free_addresses(context: RuleContext, _: Groups) -> str:
    named = _SUBNET.search(context.words)
    users = context.commands.aws(
        "ec2", "describe-network-interfaces", filters=f"Name=subnet-id,Values={named[0] if named else '…'}"
    )
    return f"Fewer tasks at once: AUTO_SCALE_CAPACITY in app.py; or free the addresses that others use there: {users}"


def _program(context: RuleContext, _: Groups) -> str:
    named = _PROGRAM.search(context.words)
    return f'"{(named[1] or named[2]).strip()}"' if named else "its program"


def _asked_command(context: RuleContext, _: Groups) -> str:
    return f" (container_command asks for {' '.join(context.command)})" if context.command else ""


def _command_place(context: RuleContext, _: Groups) -> str:
    return context.field("container_command") if context.command else f"the entry point of {context.image}"


def _fix_command(context: RuleContext, _: Groups) -> str:
    if context.command:
        return f"Correct container_command of {context.name} in app.py, then: {context.deploy}"
    return context.fix_program


def _make_executable(context: RuleContext, found: Groups) -> str:
    if context.command:
        return (
            f"Correct container_command of {context.name} in app.py: a program that may be run; then: {context.deploy}"
        )
    return f"Make the program executable in the image (RUN chmod +x {_program(context, found)}); {context.fix_program}"


def last_part(context: RuleContext, _: Groups) -> str:
    """The innermost message of AWS, without prefixes of other components and request IDs."""
    said = context.task.stopped_reason if context.task else context.said
    reasons = [each.reason for each in context.task.containers if each.reason] if context.task else []
    text = next(iter(reasons), said) if ":" not in said else said
    if inner := _INNER.search(text):
        text = inner[1]
    return _ENDED.sub("", _LAYERS.sub("", text)).strip(" .")[:_LONGEST_PART]


def _load_balancer(context: RuleContext, _: Groups) -> str:
    return f"load balancer of stack {context.snapshot.stack_prefix}-load-balancer, its listeners"


def _without_spot(context: RuleContext, _: Groups) -> str:
    return f"; or spot_weight=0 of {context.name} in app.py" if context.service.asked.spot_weight else ""


def _definition(context: RuleContext, _: Groups) -> str:
    return context.definition.arn.rpartition("/")[2] if context.definition else f"of {context.name}"


TERMS: Terms[RuleContext] = {
    **secret_terms.TERMS,
    "account": lambda context, _: context.snapshot.account,
    "region": lambda context, _: context.snapshot.region,
    "publish": lambda context, _: f"then publish it, and: {context.deploy}",
    "logs": lambda context, _: context.commands.tool("logs", context.name),
    "memory": lambda context, _: str(context.memory),
    "more_memory": lambda context, _: str(more_memory(context)),
    "field_memory": lambda context, _: context.field("memory"),
    "field_spot": lambda context, _: context.field("spot_weight"),
    "field_volumes": lambda context, _: context.field("container_volumes"),
    "field_durable": lambda context, _: context.field("durable_volumes"),
    "image": lambda context, _: image_of(context),
    "package_settings": _package_settings,
    "why_denied": _why_denied,
    "make_public": _make_public,
    "look_up_image": _look_up_image,
    "registry_status": _registry_status,
    "grant_ecr": _grant_ecr,
    "network": lambda context, _: f"routes and NAT gateways of stack {_network_stack(context)}",
    "role": _role,
    "network_stack": lambda context, _: _network_stack(context),
    "stack": lambda context, _: context.service.stack,
    "log_group": _log_group,
    "log_group_name": lambda context, _: (context.task.log_group if context.task else "") or "GROUP",
    "grant_logs": _grant_logs,
    "spot": lambda context, _: "Spot " if "spot" in context.words.lower() else "",
    "fargate_quota": _fargate_quota,
    "subnet": _subnet,
    "subnet_place": _subnet_place,
    "free_addresses": _free_addresses,
    "program": _program,
    "asked_command": _asked_command,
    "command_place": _command_place,
    "fix_command": _fix_command,
    "make_executable": _make_executable,
    "user_or_empty": lambda _, found: f"{found['user'].strip(':.')} " if found.get("user") else "",
    "last_part": last_part,
    "definition": _definition,
    "load_balancer": _load_balancer,
    "without_spot": _without_spot,
}
