"""Policy documents, and the names of AWS managed policies in roles."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from typing import Any

from portside.findings.finding import Finding
from portside.findings.templates.assembly import Assembly, Resource
from portside.findings.templates.grants import MANAGED, managed_name
from portside.findings.templates.rule import over, over_assembly, wrong
from portside.findings.templates.values import is_open, many, objects, text

_VERSIONS = ("2008-10-17", "2012-10-17")
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
_ACTION = re.compile(r"^(\*|[A-Za-z0-9-]+:[A-Za-z0-9*?]+)$")
# A letter in thirty: names of others, such as of SNS and SQS, differ in one of twenty.
_SIMILARITY = 0.96
# Where documents stand that say what a role or user may do, and those that say who may use a resource.
_OF_IDENTITIES = (("IAM::Policy", "PolicyDocument"), ("IAM::ManagedPolicy", "PolicyDocument"))
_OF_RESOURCES = (
    *(("IAM::Role", "AssumeRolePolicyDocument"), ("KMS::Key", "KeyPolicy"), ("S3::BucketPolicy", "PolicyDocument")),
    *(("SNS::TopicPolicy", "PolicyDocument"), ("SQS::QueuePolicy", "PolicyDocument")),
)


@over_assembly
def documents(assembly: Assembly) -> Iterator[Finding]:
    """Documents that IAM calls malformed."""
    for kind, key in _OF_IDENTITIES:
        for resource in assembly.of_type(kind):
            yield from _document(resource, key, resource.get(key), of_identity=True)
    for role in assembly.of_type("IAM::Role"):
        for each in objects(role.get("Policies")):
            yield from _document(role, "Policies", each.get("PolicyDocument"), of_identity=True)
    for kind, key in _OF_RESOURCES:
        for resource in assembly.of_type(kind):
            yield from _document(resource, key, resource.get(key), of_identity=False)


def _document(resource: Resource, at: str, document: Any, *, of_identity: bool) -> Iterator[Finding]:
    if not isinstance(document, dict):
        return
    version = document.get("Version")
    if text(version) is not None and version not in _VERSIONS:
        yield wrong("POLICY", resource, f"Version must be {' or '.join(_VERSIONS)}, got {version}", at=at)
    statements = document.get("Statement")
    if statements in (None, []):
        yield wrong("POLICY", resource, "lacks a Statement", at=at)
    trust = at == "AssumeRolePolicyDocument"
    for each in objects(statements):
        for sentence in _statement(each, of_identity=of_identity, trust=trust):
            yield wrong("POLICY", resource, f"a statement {sentence}", at=at)


def _statement(statement: dict[str, Any], *, of_identity: bool, trust: bool) -> Iterator[str]:
    effect = statement.get("Effect")
    if not is_open(effect) and effect not in ("Allow", "Deny"):
        yield f"has the Effect {effect}: it is Allow or Deny"
    if not {"Action", "NotAction"} & set(statement):
        yield "has no Action"
    if not trust and not {"Resource", "NotResource"} & set(statement):
        yield "has no Resource"
    if trust and "Resource" in statement:
        yield "of a role's trust has no Resource"
    if of_identity and {"Principal", "NotPrincipal"} & set(statement):
        yield "of a role's policy has no Principal"
    if not of_identity and not {"Principal", "NotPrincipal"} & set(statement):
        yield "has no Principal"
    for action in many(statement.get("Action")):
        if text(action) is not None and not _ACTION.match(action):
            yield f"has the Action {action}: it is written service:Action"


@over("IAM::Role")
def managed(assembly: Assembly, role: Resource) -> Iterator[Finding]:
    """Policies of AWS that roles name, and that AWS does not have."""
    last = {each.rpartition("/")[2]: each for each in MANAGED}
    for value in many(role.get("ManagedPolicyArns")):
        name = managed_name(value)
        if not name or name in MANAGED:
            continue
        similar = difflib.get_close_matches(name, MANAGED, 1, _SIMILARITY)
        if same := last.get(name.rpartition("/")[2]) or next(iter(similar), None):
            yield wrong("MANAGED_POLICY", role, f"AWS has no policy {name}; it has {same}", at="ManagedPolicyArns")
