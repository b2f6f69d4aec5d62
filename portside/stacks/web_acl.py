"""The load balancer's firewall."""

from __future__ import annotations

from collections.abc import Container

import aws_cdk as cdk
from aws_cdk import aws_logs as logs
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

from portside.config.load_balancer_values import LIMIT_REQUEST_RATE, LIMIT_URL_LENGTH, MANAGED_RULES

# Pages can carry long query strings, and the rules that follow decide. An Allow would end the evaluation.
_ALWAYS_COUNTED = ("SizeRestrictions_QUERYSTRING",)
LONGEST_PATH = 4000
# A university has one address: this is some fifty users who open a page every five seconds.
REQUESTS_PER_FIVE_MINUTES = 5000
_REDACTED_HEADERS = ("authorization", "cookie")

_Acl = wafv2.CfnWebACL


def protect(
    scope: Construct,
    load_balancer_arn: str,
    *,
    metric: str,
    log_group_name: str,
    log_retention_days: int,
    counted: Container[str] = (),
) -> wafv2.CfnWebACL:
    """Put a web ACL in front of a load balancer, and log blocked requests; `log_group_name` begins `aws-waf-logs-`.

    $9 a month with its four rules, $0.60 for each million requests, $0.50 for each GB of log:
    https://aws.amazon.com/waf/pricing/, https://aws.amazon.com/cloudwatch/pricing/.
    `metric` is its name in CloudWatch, which is unique in the account and region. Rules in `counted` don't block.
    """
    web_acl = wafv2.CfnWebACL(
        scope,
        "WebAcl",
        scope="REGIONAL",
        default_action=_Acl.DefaultActionProperty(allow={}),
        visibility_config=_visible_as(metric),
        rules=[
            *(_managed_rules(group, priority, counted) for priority, group in enumerate(MANAGED_RULES)),
            _own_rule(LIMIT_URL_LENGTH, 2, _path_longer_than(LONGEST_PATH), counted),
            _own_rule(LIMIT_REQUEST_RATE, 3, _more_requests_than(REQUESTS_PER_FIVE_MINUTES), counted),
        ],
    )
    # The running association has this spelling. With another name, a second one would be created for the same load
    # balancer, and deleting the first would remove the firewall.
    wafv2.CfnWebACLAssociation(scope, "WeAclAssociation", resource_arn=load_balancer_arn, web_acl_arn=web_acl.attr_arn)
    _log_blocked_requests(scope, web_acl, log_group_name, log_retention_days)
    return web_acl


def _log_blocked_requests(scope: Construct, web_acl: wafv2.CfnWebACL, log_group_name: str, retention_days: int) -> None:
    log_group = logs.CfnLogGroup(
        scope, "WebAclLogGroup", log_group_name=log_group_name, retention_in_days=retention_days
    )
    log_group.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
    logging = wafv2.CfnLoggingConfiguration(
        scope,
        "WebAclLogging",
        resource_arn=web_acl.attr_arn,
        # WAF requires the ARN without the ":*" at the end of a log group's ARN.
        log_destination_configs=[
            cdk.Stack.of(scope).format_arn(
                service="logs",
                resource="log-group",
                resource_name=log_group_name,
                arn_format=cdk.ArnFormat.COLON_RESOURCE_NAME,
            )
        ],
        redacted_fields=[
            wafv2.CfnLoggingConfiguration.FieldToMatchProperty(single_header={"Name": header})
            for header in _REDACTED_HEADERS
        ],
        # Without this, allowed requests would be logged too.
        logging_filter={
            "DefaultBehavior": "DROP",
            "Filters": [
                {
                    "Behavior": "KEEP",
                    "Requirement": "MEETS_ANY",
                    "Conditions": [{"ActionCondition": {"Action": action}} for action in ("BLOCK", "COUNT")],
                }
            ],
        },
    )
    logging.add_resource_dependency(log_group)


def _managed_rules(name: str, priority: int, counted: Container[str]) -> wafv2.CfnWebACL.RuleProperty:
    overrides = [
        _Acl.RuleActionOverrideProperty(name=rule, action_to_use=_Acl.RuleActionProperty(count={}))
        for rule in MANAGED_RULES[name]
        if rule in counted or rule in _ALWAYS_COUNTED
    ]
    return _Acl.RuleProperty(
        name=name,
        priority=priority,
        override_action=_Acl.OverrideActionProperty(none={}),
        statement=_Acl.StatementProperty(
            managed_rule_group_statement=_Acl.ManagedRuleGroupStatementProperty(
                vendor_name="AWS", name=name, rule_action_overrides=overrides or None
            )
        ),
        visibility_config=_visible_as(name),
    )


def _own_rule(
    name: str, priority: int, statement: wafv2.CfnWebACL.StatementProperty, counted: Container[str]
) -> wafv2.CfnWebACL.RuleProperty:
    return _Acl.RuleProperty(
        name=name,
        priority=priority,
        action=_Acl.RuleActionProperty(count={}) if name in counted else _Acl.RuleActionProperty(block={}),
        statement=statement,
        visibility_config=_visible_as(name),
    )


def _path_longer_than(characters: int) -> wafv2.CfnWebACL.StatementProperty:
    return _Acl.StatementProperty(
        size_constraint_statement=_Acl.SizeConstraintStatementProperty(
            comparison_operator="GT",
            size=characters,
            field_to_match=_Acl.FieldToMatchProperty(uri_path={}),
            text_transformations=[_Acl.TextTransformationProperty(priority=0, type="NONE")],
        )
    )


def _more_requests_than(limit: int) -> wafv2.CfnWebACL.StatementProperty:
    return _Acl.StatementProperty(
        rate_based_statement=_Acl.RateBasedStatementProperty(
            aggregate_key_type="IP", limit=limit, evaluation_window_sec=300
        )
    )


def _visible_as(metric: str) -> wafv2.CfnWebACL.VisibilityConfigProperty:
    return _Acl.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, sampled_requests_enabled=True, metric_name=metric
    )
