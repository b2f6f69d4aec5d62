"""The rights of an assembly's roles. A doubtful right counts as granted."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from portside.findings.templates.assembly import Assembly, Resource
from portside.findings.templates.values import Handle, Text, Unknown, fields, is_open, many, objects, text

Statement = Mapping[str, Any]

_PULL = ("ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer")
# https://docs.aws.amazon.com/AmazonECS/latest/developerguide/ecs-exec.html
EXEC = (
    *("ssmmessages:CreateControlChannel", "ssmmessages:CreateDataChannel"),
    *("ssmmessages:OpenControlChannel", "ssmmessages:OpenDataChannel"),
)
# The relevant rights in AWS managed policies. A role with another managed policy may do anything.
# https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html
MANAGED: Mapping[str, tuple[str, ...]] = {
    "service-role/AmazonECSTaskExecutionRolePolicy": (
        *("ecr:GetAuthorizationToken", *_PULL, "logs:CreateLogStream", "logs:PutLogEvents"),
    ),
    "AmazonEC2ContainerRegistryReadOnly": ("ecr:GetAuthorizationToken", *_PULL),
    "AmazonS3FullAccess": ("s3:*",),
    "AmazonS3ReadOnlyAccess": ("s3:Get*", "s3:List*"),
    "AmazonDynamoDBFullAccess": ("dynamodb:*",),
    "AmazonSQSFullAccess": ("sqs:*",),
    "AWSXRayDaemonWriteAccess": ("xray:*",),
    "CloudWatchLogsFullAccess": ("logs:*",),
    "AmazonSSMManagedInstanceCore": ("ssm:GetParameter", "ssm:GetParameters", *EXEC),
    "AmazonSSMReadOnlyAccess": ("ssm:Describe*", "ssm:Get*", "ssm:List*"),
    "SecretsManagerReadWrite": ("secretsmanager:*",),
}


@dataclass(frozen=True)
class Rights:
    """The rights of a role; `is_known` is False if it has policies that are not in the templates."""

    statements: tuple[Statement, ...]
    is_known: bool

    def lacking(self, assembly: Assembly, actions: Sequence[str], resource: Any) -> list[str]:
        """The actions that are certainly not allowed on a resource."""
        if not self.is_known:
            return []
        return [each for each in actions if not any(_allows(one, assembly, each, resource) for one in self.statements)]


def rights_of(assembly: Assembly, role: Resource) -> Rights:
    """The rights in a role's inline and separate policies."""
    documents = [each.get("PolicyDocument") for each in objects(role.get("Policies"))]
    is_known = not _has_unknown(role.get("Policies"))
    for each in assembly.of_type("IAM::Policy", "IAM::ManagedPolicy", "IAM::RolePolicy"):
        roles = many(each.get("Roles")) + many(each.get("RoleName") if each.type.endswith("RolePolicy") else None)
        named = role.get("RoleName")
        if any(role.is_of(one) or (one == named and named is not None) for one in roles):
            documents.append(each.get("PolicyDocument"))
        elif any(isinstance(one, Unknown) for one in roles):
            is_known = False
    statements: list[Statement] = []
    for value in many(role.get("ManagedPolicyArns")):
        own = assembly.resource(value, "IAM::ManagedPolicy")
        managed = MANAGED.get(managed_name(value))
        if own is not None:
            documents.append(own.get("PolicyDocument"))
        elif managed is not None:
            statements.append({"Effect": "Allow", "Action": list(managed), "Resource": "*"})
        else:
            is_known = False
    for document in documents:
        found = many(fields(document).get("Statement")) if isinstance(document, Mapping) else [None]
        statements += [each for each in found if isinstance(each, Mapping)]
        is_known &= all(isinstance(each, Mapping) for each in found)
    return Rights(tuple(statements), is_known)


def _has_unknown(value: Any) -> bool:
    return isinstance(value, Unknown) or any(isinstance(each, Unknown) for each in many(value))


def managed_name(value: Any) -> str:
    """The name of a policy that AWS manages, from its ARN; the partition may be open."""
    last = value.parts[-1] if isinstance(value, Text) else value
    return last.rpartition(":policy/")[2] if isinstance(last, str) else ""


def trusts(role: Resource, service: str) -> bool:
    """Whether a role may be assumed by a service, or that is not known."""
    document = role.get("AssumeRolePolicyDocument")
    if not isinstance(document, Mapping):
        return True
    for each in many(document.get("Statement")):
        if not isinstance(each, Mapping):
            return True
        principal = each.get("Principal")
        names = many(principal.get("Service")) if isinstance(principal, Mapping) else [principal]
        actions = many(each.get("Action"))
        may_assume = any(is_open(one) or str(one).lower() in ("sts:assumerole", "sts:*", "*") for one in actions)
        if each.get("Effect") == "Allow" and may_assume and any(is_open(one) or one in (service, "*") for one in names):
            return True
    return False


def principals(statement: Statement) -> list[Any]:
    """The principals of a statement of a resource's policy."""
    found = statement.get("Principal")
    return [one for each in found.values() for one in many(each)] if isinstance(found, Mapping) else [found]


def _allows(statement: Statement, assembly: Assembly, action: str, resource: Any) -> bool:
    if statement.get("Effect") != "Allow":
        return isinstance(statement.get("Effect"), Unknown)
    if "NotAction" in statement or "NotResource" in statement:
        return True
    actions = many(statement.get("Action"))
    if not any(is_open(each) or fnmatch.fnmatchcase(action.lower(), str(each).lower()) for each in actions):
        return False
    return any(_covers(each, assembly, resource) for each in many(statement.get("Resource")))


def _covers(pattern: Any, assembly: Assembly, expected: Any) -> bool:
    """Whether a statement's resource may match `resource`."""
    if pattern == "*" or expected is None or isinstance(pattern, Unknown) or isinstance(expected, Unknown):
        return True
    ours, theirs = _resources_in(pattern, assembly), _resources_in(expected, assembly)
    if ours and theirs:
        return bool({each.name for each in ours} & {each.name for each in theirs})
    if isinstance(pattern, str) and isinstance(expected, str):
        # A secret's ARN has a suffix of six random characters, which a name does not have.
        return fnmatch.fnmatchcase(expected, pattern) or fnmatch.fnmatchcase(f"{expected}-??????", pattern)
    if isinstance(pattern, str) and theirs and text(name := _name_in_arn(theirs[0])):
        return _service_in(pattern) == theirs[0].type.split("::")[1].lower() and _is_named(str(name), pattern)
    return True


def _resources_in(value: Any, assembly: Assembly) -> list[Resource]:
    parts = value.parts if isinstance(value, Text) else (value,)
    return [found for each in parts if isinstance(each, Handle) and (found := assembly.resource(each))]


def _name_in_arn(resource: Resource) -> Any:
    return resource.get({"AWS::Logs::LogGroup": "LogGroupName"}.get(resource.type, "Name"))


def _service_in(arn: str) -> str:
    return arn.split(":")[2].lower() if arn.count(":") > 2 else ""


def _is_named(name: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(name, f"*{pattern.split(':', 5)[-1].partition(':')[2]}*") or name in pattern
