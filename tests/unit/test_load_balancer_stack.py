from __future__ import annotations

from typing import Any

import pytest
from aws_cdk.assertions import Template

from tests.unit.stacks_support import ENVIRONMENTS, Parts, properties, stack


def attributes(name: str) -> dict[str, str]:
    listed = properties(stack(name, "load-balancer"), "AWS::ElasticLoadBalancingV2::LoadBalancer")[
        "LoadBalancerAttributes"
    ]
    return {each["Key"]: each["Value"] for each in listed}


def rules(name: str = "dev") -> dict[str, Any]:
    return {rule["Name"]: rule for rule in properties(stack(name, "load-balancer"), "AWS::WAFv2::WebACL")["Rules"]}


def test_a_load_balancer_is_made_from_a_network_alone() -> None:
    template = Template.from_stack(Parts().load_balancer)
    template.has_resource_properties("AWS::ElasticLoadBalancingV2::LoadBalancer", {"Scheme": "internet-facing"})
    template.has_output("LoadBalancerDNS", {"Export": {"Name": "LoadBalancer-dns"}})


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_name_for_dns_is_exported_under_the_name_that_others_read(name: str) -> None:
    output = stack(name, "load-balancer")["Outputs"]["LoadBalancerDNS"]
    assert output["Export"] == {"Name": f"agora-{name}-load-balancer-dns"}
    assert output["Value"] == {"Fn::GetAtt": ["AppLoadBalancer0268F95E", "DNSName"]}


def test_malformed_headers_are_dropped_and_only_prod_is_protected_from_deletion() -> None:
    assert {attributes(name)["routing.http.drop_invalid_header_fields.enabled"] for name in ENVIRONMENTS} == {"true"}
    assert [attributes(name)["deletion_protection.enabled"] for name in ENVIRONMENTS] == ["false", "false", "true"]


def test_the_internet_comes_in_by_http_and_https_and_nothing_else() -> None:
    group = properties(stack("dev", "load-balancer"), "AWS::EC2::SecurityGroup")
    assert [(rule["CidrIp"], rule["FromPort"], rule["ToPort"]) for rule in group["SecurityGroupIngress"]] == [
        ("0.0.0.0/0", 80, 80),
        ("0.0.0.0/0", 443, 443),
    ]
    assert "SecurityGroupEgress" not in group or group["SecurityGroupEgress"][0]["CidrIp"] == "255.255.255.255/32"


def test_the_firewall_stands_before_the_load_balancer_under_its_running_name() -> None:
    association = stack("dev", "load-balancer")["Resources"]["WeAclAssociation"]
    assert association["Properties"] == {
        "ResourceArn": {"Ref": "AppLoadBalancer0268F95E"},
        "WebACLArn": {"Fn::GetAtt": ["WebAcl", "Arn"]},
    }


def test_long_query_strings_are_counted_and_not_allowed_outright() -> None:
    statement = rules()["AWSManagedRulesCommonRuleSet"]["Statement"]["ManagedRuleGroupStatement"]
    assert statement["RuleActionOverrides"] == [{"Name": "SizeRestrictions_QUERYSTRING", "ActionToUse": {"Count": {}}}]


def test_known_bad_inputs_long_paths_and_floods_are_blocked() -> None:
    found = rules()
    assert found["AWSManagedRulesKnownBadInputsRuleSet"]["OverrideAction"] == {"None": {}}
    size = found["LimitURLLength"]["Statement"]["SizeConstraintStatement"]
    assert (size["ComparisonOperator"], size["Size"], size["FieldToMatch"]) == ("GT", 4000, {"UriPath": {}})
    rate = found["LimitRequestRate"]["Statement"]["RateBasedStatement"]
    assert (rate["AggregateKeyType"], rate["EvaluationWindowSec"], rate["Limit"]) == ("IP", 300, 5000)
    assert found["LimitURLLength"]["Action"] == found["LimitRequestRate"]["Action"] == {"Block": {}}


def test_what_the_firewall_stops_is_logged_without_credentials() -> None:
    template = stack("dev", "load-balancer")
    group = properties(template, "AWS::Logs::LogGroup")
    logging = properties(template, "AWS::WAFv2::LoggingConfiguration")
    assert group["LogGroupName"].startswith("aws-waf-logs-")
    assert logging["LogDestinationConfigs"][0].endswith(f":log-group:{group['LogGroupName']}")
    assert {field["SingleHeader"]["Name"] for field in logging["RedactedFields"]} == {"authorization", "cookie"}


def test_the_alarm_on_server_errors_is_quiet_without_traffic() -> None:
    alarm = properties(stack("dev", "load-balancer"), "AWS::CloudWatch::Alarm")
    assert (alarm["MetricName"], alarm["Statistic"], alarm["TreatMissingData"]) == (
        "HTTPCode_Target_5XX_Count",
        "Sum",
        "notBreaching",
    )
