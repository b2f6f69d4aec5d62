"""Terms of the rows about CloudFormation: the resource, AWS's reason, the missing right, and the commands."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from portside.aws.model import Service, Stack, StackFailure
from portside.aws.snapshot import Snapshot
from portside.commands import Commands
from portside.findings.words import Groups, Terms

# CloudFormation wraps the service's message; the request ID does not help the user.
_WRAPPED = re.compile(
    r"^Resource handler returned message: [\"'](?P<said>.+?)[\"']? ?(?:\(RequestToken|\(HandlerErrorCode|$)", re.S
)
_REQUEST = re.compile(
    r"\s*\((?:Service: [^;,]+[;,] Status Code|RequestToken|Request ID|HandlerErrorCode)[^)]*\)(?: \(SDK [^)]*\))?", re.I
)
_PRINCIPAL = re.compile(r":(assumed-role|role)/(\S+) is not authorized")
_RESOURCE = re.compile(r"on (?:the )?(?:following )?resources?:? ?\[?\"?'?(arn:[^\s\",'\]]+|\*)")
_LONGEST_REASON = 300
# Policies that can deny although a role has the right, and who can change them.
_POLICIES = {
    "service control policy": "Ask who manages the organization to allow",
    "resource control policy": "Ask who manages the organization to allow",
    "permissions boundary": "Ask who manages the role's permissions boundary to allow",
    "session policy": "Start the deployment with a session that allows",
    "vpc endpoint policy": "Let the policy of the VPC endpoint allow",
}
_USED_BY_INTERFACES = {
    "AWS::EC2::VPC": ("vpc-id", r"vpc-\w+"),
    "AWS::EC2::Subnet": ("subnet-id", r"subnet-\w+"),
    "AWS::EC2::SecurityGroup": ("group-id", r"sg-\w+"),
    "AWS::EC2::InternetGateway": ("vpc-id", r"vpc-\w+"),
    "AWS::EC2::VPCGatewayAttachment": ("vpc-id", r"vpc-\w+"),
}


@dataclass(frozen=True)
class StackContext:
    """A resource that failed in a stack."""

    snapshot: Snapshot
    stack: Stack
    failure: StackFailure

    @property
    def commands(self) -> Commands:
        """How to write commands that act on the environment."""
        return self.snapshot.commands

    @property
    def deploy(self) -> str:
        """The command that deploys the environment."""
        return self.commands.tool("deploy")

    @property
    def service(self) -> Service | None:
        """The service of the stack, if it is a service's."""
        return next((each for each in self.snapshot.services if each.stack == self.stack.name), None)

    @property
    def events(self) -> str:
        """Where CloudFormation says what it did."""
        return f"events of stack {self.stack.name} in CloudFormation"

    @property
    def resource(self) -> str:
        """The resource by its type and its name in the template."""
        return f"{self.failure.kind} {self.failure.logical_id}"


def reason_of(text: str) -> str:
    """The service's message, without CloudFormation's wrapping and the request IDs."""
    wrapped = _WRAPPED.search(text)
    said = _REQUEST.sub("", wrapped["said"] if wrapped else text).strip().rstrip(".")
    return said if len(said) <= _LONGEST_REASON else f"{said[:_LONGEST_REASON]}…"


def _two_steps(context: StackContext, found: Groups) -> str:
    return (
        f'Deploy twice: "KEEP_EXPORTS": True of {context.snapshot.environment} in app.py, then {context.deploy}, '
        f"after which {found['users'].rstrip('. ')} no longer imports it; then False, and deploy again"
    )


def _principal(context: StackContext, _: Groups) -> str:
    name = _role_of_deployment(context)
    return f"the role {name}" if name else "the role that deploys"


def _role_of_deployment(context: StackContext) -> str:
    named = _PRINCIPAL.search(context.failure.reason)
    if named is None:
        return ""
    parts = named[2].split("/")
    return parts[0] if named[1] == "assumed-role" else parts[-1]


def _policy(context: StackContext, _: Groups) -> str:
    return next((each for each in _POLICIES if each in context.failure.reason.lower()), "a statement")


def _policy_owner(context: StackContext, found: Groups) -> str:
    return _POLICIES.get(
        _policy(context, found), "Remove the statement with the explicit deny, or limit it so that it allows"
    )


def _deploy_role_place(context: StackContext, _: Groups) -> str:
    name = _role_of_deployment(context)
    account = context.snapshot.account
    return f"IAM role {name} of account {account}" if name else f"the CDK's cfn-exec role of account {account} in IAM"


def _denied_resource(context: StackContext, _: Groups) -> str:
    named = _RESOURCE.search(context.failure.reason)
    return named[1] if named else context.resource


def _grant_action(context: StackContext, found: Groups) -> str:
    """The action that was refused, on the resource that was named, for the role that was named: nothing more."""
    action, role, named = found["action"], _role_of_deployment(context), _RESOURCE.search(context.failure.reason)
    if not role or not named:
        where = f" on {named[1]}" if named else f" for {context.resource} alone"
        return f"Grant it {action}{where}, then: {context.deploy}"
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": named[1]}]}
    put = context.commands.aws(
        "iam",
        "put-role-policy",
        role_name=role,
        policy_name=f"Allow{action.partition(':')[2]}",
        policy_document=json.dumps(policy),
    )
    return context.commands.fix(
        put, then=f"grants {action}, which was refused, and nothing else; then: {context.deploy}"
    )


def _decode_denial(context: StackContext, found: Groups) -> str:
    if "Encoded authorization failure message" in context.failure.reason:
        decode = context.commands.aws("sts", "decode-authorization-message", encoded_message="MESSAGE")
        return context.commands.fix(
            decode,
            then="shows action and resource: grant that alone, or remove the statement that denies it; then: "
            f"{context.deploy}",
        )
    return f"Grant it {_action(context, found)} for {context.resource} alone, then: {context.deploy}"


def _action(_: StackContext, found: Groups) -> str:
    return found.get("action") or "this"


def _service_code(kind: str) -> str:
    """The service code of Service Quotas; elastic IPs belong to EC2, other network resources to VPC."""
    service, _, part = kind.removeprefix("AWS::").lower().partition("::")
    if service == "ec2" and part not in ("eip", "instance"):
        return "vpc"
    return {
        "elasticloadbalancingv2": "elasticloadbalancing",
        "docdb": "rds",
        "servicediscovery": "cloudmap",
        "certificatemanager": "acm",
    }.get(service, service)


def _service_principal(context: StackContext) -> str:
    service = context.failure.kind.removeprefix("AWS::").lower().partition("::")[0]
    return {
        "elasticloadbalancingv2": "elasticloadbalancing.amazonaws.com",
        "applicationautoscaling": "ecs.application-autoscaling.amazonaws.com",
        "docdb": "rds.amazonaws.com",
    }.get(service, f"{service}.amazonaws.com")


def _choose_certificate(context: StackContext, _: Groups) -> str:
    snapshot = context.snapshot
    listed = context.commands.aws("acm", "list-certificates")
    return (
        f"CERTIFICATE_ID of {snapshot.environment} in app.py: an issued certificate of account {snapshot.account} in "
        f"{snapshot.region}; then: {context.deploy}. They are listed by: {listed}"
    )


def _list_users(context: StackContext, _: Groups) -> str:
    listed = _USED_BY_INTERFACES.get(context.failure.kind)
    if listed and (named := re.search(listed[1], context.failure.reason)):
        command = context.commands.aws(
            "ec2", "describe-network-interfaces", filters=f"Name={listed[0]},Values={named[0]}"
        )
        return context.commands.fix(
            command, then=f"shows what still uses it: remove that if it is not needed, then: {again(context)}"
        )
    return f"Remove what still uses it, if that is not needed, or keep the resource; then: {again(context)}"


def again(context: StackContext) -> str:
    """The command to repeat after the fix: the failed deletion, or the deployment."""
    if context.stack.status.startswith("DELETE") or context.failure.status == "DELETE_FAILED":
        return context.commands.aws("cloudformation", "delete-stack", stack_name=context.stack.name)
    return context.deploy


TERMS: Terms[StackContext] = {
    "account": lambda context, _: context.snapshot.account,
    "region": lambda context, _: context.snapshot.region,
    "environment": lambda context, _: context.snapshot.environment,
    "reason": lambda context, _: reason_of(context.failure.reason),
    "network_stack": lambda context, _: f"{context.snapshot.stack_prefix}-network",
    "keep_exports_place": lambda context, _: f'app.py, ENVIRONMENTS["{context.snapshot.environment}"]["KEEP_EXPORTS"]',
    "certificate_place": lambda context, _: f'app.py, ENVIRONMENTS["{context.snapshot.environment}"]["CERTIFICATE_ID"]',
    "vpc_cidr_place": lambda context, _: f'app.py, ENVIRONMENTS["{context.snapshot.environment}"]["VPC_CIDR"]',
    "stack": lambda context, _: context.stack.name,
    "cluster": lambda context, _: context.service.cluster if context.service else "CLUSTER",
    "service": lambda context, _: context.service.ecs_name if context.service else "SERVICE",
    "database_cluster": lambda context, _: context.snapshot.database.id or "CLUSTER",
    "quota_service": lambda context, _: _service_code(context.failure.kind),
    "service_principal": lambda context, _: _service_principal(context),
    "two_steps": _two_steps,
    "principal": _principal,
    "deploy_role_place": _deploy_role_place,
    "denied_resource": _denied_resource,
    "policy": lambda context, found: (
        f"a {_policy(context, found)}" if _policy(context, found) in _POLICIES else "an explicit deny"
    ),
    "policy_owner": _policy_owner,
    "grant_action": _grant_action,
    "decode_denial": _decode_denial,
    "action_or_this": _action,
    "list_users": _list_users,
    "choose_certificate": _choose_certificate,
}
