from __future__ import annotations

import json
from typing import Any

import pytest
from aws_cdk.assertions import Template

from tests.unit.stacks_support import ENVIRONMENTS, Parts, environment, of_type, properties, stack


def attributes(name: str) -> dict[str, Any]:
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


def test_the_firewall_protects_the_load_balancer_under_its_running_name() -> None:
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


def alarms(name: str = "dev") -> dict[str, Any]:
    found = of_type(stack(name, "load-balancer"), "AWS::CloudWatch::Alarm").values()
    return {
        each["Properties"]["AlarmName"].removeprefix(f"agora-{name}-load-balancer-"): each["Properties"]
        for each in found
    }


def test_errors_of_services_and_of_the_load_balancer_itself_count_together() -> None:
    metrics = {each["Id"]: each for each in alarms()["server-errors"]["Metrics"]}
    measured = [each["MetricStat"]["Metric"]["MetricName"] for each in metrics.values() if "MetricStat" in each]
    assert sorted(measured) == ["HTTPCode_ELB_5XX_Count", "HTTPCode_Target_5XX_Count"]
    [expression] = [each["Expression"] for each in metrics.values() if "Expression" in each]
    assert expression == "FILL(services, 0) + FILL(balancer, 0)"


def test_answers_are_slow_when_one_in_twenty_is_and_one_alone_is_no_problem() -> None:
    alarm = alarms()["slow-answers"]
    assert (alarm["MetricName"], alarm["ExtendedStatistic"], alarm["Threshold"]) == ("TargetResponseTime", "p95", 3)
    assert alarm["EvaluateLowSampleCountPercentile"] == "ignore"


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_its_alarms_are_quiet_without_traffic_quick_enough_for_a_deployment_and_tell_the_topic(name: str) -> None:
    for alarm in alarms(name).values():
        assert (alarm["TreatMissingData"], alarm["EvaluationPeriods"]) == ("notBreaching", 2)
        assert alarm["AlarmActions"] == alarm["OKActions"] == [environment(name).alarm_topic_arn]


def test_every_request_is_written_into_a_bucket_that_only_the_load_balancer_and_its_own_log_write() -> None:
    template = stack("dev", "load-balancer")
    assert attributes("dev")["access_logs.s3.enabled"] == "true"
    assert attributes("dev")["access_logs.s3.bucket"] == {"Ref": "AccessLogs8B620ECA"}
    statements = properties(template, "AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"]
    allowed, of_readers = [each for each in statements if each["Effect"] == "Allow"]
    assert of_readers["Principal"] == {"Service": "logging.s3.amazonaws.com"}
    assert "/readers/*" in json.dumps(of_readers["Resource"])
    assert (allowed["Action"], allowed["Principal"]) == (
        "s3:PutObject",
        {"Service": "logdelivery.elasticloadbalancing.amazonaws.com"},
    )
    assert "/AWSLogs/" in json.dumps(allowed["Resource"])
    [refused] = [each for each in statements if each["Effect"] == "Deny"]
    assert refused["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    balancer = template["Resources"]["AppLoadBalancer0268F95E"]
    assert "AccessLogsPolicyABDC4D2D" in balancer["DependsOn"], "it writes as soon as the bucket is set"


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_access_logs_are_encrypted_private_kept_when_the_stack_goes_and_deleted_in_time(name: str) -> None:
    [bucket] = of_type(stack(name, "load-balancer"), "AWS::S3::Bucket").values()
    assert (bucket["DeletionPolicy"], bucket["UpdateReplacePolicy"]) == ("Retain", "Retain")
    found = bucket["Properties"]
    assert set(found["PublicAccessBlockConfiguration"].values()) == {True}
    assert "AES256" in json.dumps(found["BucketEncryption"])
    [rule] = found["LifecycleConfiguration"]["Rules"]
    assert (rule["ExpirationInDays"], rule["Status"]) == (environment(name).log_retention_days, "Enabled")
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 1}


def test_environments_of_one_account_are_distinguished_in_the_firewalls_metrics() -> None:
    visible = [
        properties(stack(name, "load-balancer"), "AWS::WAFv2::WebACL")["VisibilityConfig"] for name in ENVIRONMENTS
    ]
    assert [each["MetricName"] for each in visible] == [f"agora-{name}-load-balancer" for name in ENVIRONMENTS]
