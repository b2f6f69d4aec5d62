"""Web ACLs: priorities, actions and logs."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any

from portside.findings.finding import Finding
from portside.findings.templates.assembly import Assembly, Resource
from portside.findings.templates.rule import doubles, known, over, over_assembly, wrong
from portside.findings.templates.values import Text, fields, is_open, many, objects, text, whole

# https://docs.aws.amazon.com/waf/latest/developerguide/aws-waf-capacity-units.html
_MOST_CAPACITY = 5000
_OF_GROUPS = ("ManagedRuleGroupStatement", "RuleGroupReferenceStatement")
_LOGS_PREFIX = "aws-waf-logs-"


@over("WAFv2::WebACL", "WAFv2::RuleGroup")
def rules(assembly: Assembly, acl: Resource) -> Iterator[Finding]:
    """Rules with a priority or name that another has, and rules without the action that their kind needs."""
    taken: dict[Any, Any] = {}
    names: set[str] = set()
    for rule in objects(acl.get("Rules")):
        priority, name = whole(rule.get("Priority")), rule.get("Name")
        if priority is not None and priority in taken:
            yield wrong("WAF_PRIORITY", acl, f"the rules {taken[priority]} and {name} both have priority {priority}")
        taken[priority] = name
        if text(name) and name in names:
            yield wrong("WAF_PRIORITY", acl, f"two rules have the name {name}")
        names.add(str(name))
        yield from _action(acl, rule)


def _action(acl: Resource, rule: dict[str, Any]) -> Iterator[Finding]:
    statement = rule.get("Statement")
    if not isinstance(statement, dict) or not statement:
        return
    is_group = any(key in statement for key in _OF_GROUPS)
    expected, other = ("OverrideAction", "Action") if is_group else ("Action", "OverrideAction")
    if expected not in rule or (other in rule and not is_open(rule[other])):
        yield wrong("WAF_ACTION", acl, f"the rule {rule.get('Name')} must have {expected}, and not {other}")
    if len(statement) > 1 and not any(map(is_open, statement.values())):
        yield wrong("WAF_ACTION", acl, f"the rule {rule.get('Name')} has {len(statement)} statements, one is accepted")
    for kind in ("AndStatement", "OrStatement"):
        nested = fields(statement.get(kind)).get("Statements")
        if isinstance(nested, list) and len(nested) < 2 and not any(map(is_open, nested)):
            yield wrong("WAF_ACTION", acl, f"the rule {rule.get('Name')} has an {kind} of {len(nested)}: it takes two")


# https://docs.aws.amazon.com/waf/latest/developerguide/aws-managed-rule-groups-list.html
_GROUPS = frozenset(
    {
        *("AWSManagedRulesACFPRuleSet", "AWSManagedRulesATPRuleSet", "AWSManagedRulesAdminProtectionRuleSet"),
        *("AWSManagedRulesAmazonIpReputationList", "AWSManagedRulesAnonymousIpList", "AWSManagedRulesAntiDDoSRuleSet"),
        *("AWSManagedRulesBotControlRuleSet", "AWSManagedRulesCommonRuleSet", "AWSManagedRulesKnownBadInputsRuleSet"),
        *("AWSManagedRulesLinuxRuleSet", "AWSManagedRulesPHPRuleSet", "AWSManagedRulesSQLiRuleSet"),
        *("AWSManagedRulesUnixRuleSet", "AWSManagedRulesWindowsRuleSet", "AWSManagedRulesWordPressRuleSet"),
    }
)
_SIMILARITY = 0.9


@over("WAFv2::WebACL")
def managed_groups(assembly: Assembly, acl: Resource) -> Iterator[Finding]:
    """Groups of AWS's rules whose name is misspelt."""
    for rule in objects(acl.get("Rules")):
        group = fields(fields(rule.get("Statement")).get("ManagedRuleGroupStatement"))
        name = text(group.get("Name"))
        if group.get("VendorName") == "AWS" and name and name not in _GROUPS:
            similar = difflib.get_close_matches(name, _GROUPS, 1, _SIMILARITY)
            if similar:
                yield wrong("WAF_GROUP", acl, f"AWS has no group of rules {name}; it has {similar[0]}")


@over("WAFv2::WebACL")
def default_actions(assembly: Assembly, acl: Resource) -> Iterator[Finding]:
    """Web ACLs whose default is both, or neither."""
    default = acl.get("DefaultAction")
    if isinstance(default, dict) and len(default) != 1:
        yield wrong("WAF_ACTION", acl, "DefaultAction must be one of Allow and Block")
    if acl.get("Scope") == "CLOUDFRONT" and assembly.file(acl.stack).region not in ("", "us-east-1"):
        yield wrong("WAF_SCOPE", acl, "a web ACL for CLOUDFRONT must be in us-east-1")


@over_assembly
def associations(assembly: Assembly) -> Iterator[Finding]:
    """Web ACLs for CloudFront on a load balancer, and two on one."""
    found = assembly.of_type("WAFv2::WebACLAssociation")
    for each in found:
        acl = assembly.resource(each.get("WebACLArn"), "WAFv2::WebACL")
        if acl is not None and acl.get("Scope") == "CLOUDFRONT":
            yield wrong("WAF_SCOPE", each, f"{acl.logical_id} has the scope CLOUDFRONT, a load balancer needs REGIONAL")
    for each, to, other in doubles(found, known("ResourceArn")):
        yield wrong("WAF_SCOPE", each, f"{to.logical_id} has the web ACL of {other.logical_id} already")


@over("WAFv2::LoggingConfiguration")
def log_destinations(assembly: Assembly, each: Resource) -> Iterator[Finding]:
    """Logs to a place whose name does not begin as WAF demands."""
    for value in many(each.get("LogDestinationConfigs")):
        name = _name_of(assembly, value)
        if name is not None and not name.startswith(_LOGS_PREFIX):
            sentence = f"the name of its destination must begin with {_LOGS_PREFIX}, got {name}"
            yield wrong("WAF_LOGS", each, sentence, at="LogDestinationConfigs")


def _name_of(assembly: Assembly, value: Any) -> str | None:
    group = assembly.resource(value, "Logs::LogGroup", "S3::Bucket", "KinesisFirehose::DeliveryStream")
    if group is not None:
        keys = {"LogGroup": "LogGroupName", "Bucket": "BucketName", "DeliveryStream": "DeliveryStreamName"}
        return text(group.get(keys[group.type.rpartition("::")[2]]))
    last = value.parts[-1] if isinstance(value, Text) else value
    for mark in (":log-group:", ":deliverystream/", ":s3:::"):
        if isinstance(last, str) and mark in last:
            return last.rpartition(mark)[2] or None
    return None
