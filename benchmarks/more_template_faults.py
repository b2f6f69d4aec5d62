"""A second set of single faults, written when the first rules were done and before any rule was written for it."""

from __future__ import annotations

from typing import Any

from benchmarks.template_fault_cases import Fault
from tests.unit.faulty_templates import FaultyTemplates, Json


def _network(of: FaultyTemplates, kind: str, name: str) -> str:
    return next(each for each in of.ids("network", kind) if name in each)


def _secret_field(of: FaultyTemplates) -> None:
    secret = of.container("api")["Secrets"][0]
    secret["ValueFrom"] = {"Fn::Join": ["", [secret["ValueFrom"], ":password"]]}


def _same_address(of: FaultyTemplates) -> None:
    first = of.of("network", "EC2::NatGateway")
    of.of("network", "EC2::NatGateway", 1)["AllocationId"] = first["AllocationId"]


def _other_vpc_for_targets(of: FaultyTemplates) -> None:
    of.add("apex", "OtherVpc", "EC2::VPC", CidrBlock="10.1.0.0/16")
    of.of("apex", "TargetGroup")["VpcId"] = {"Ref": "OtherVpc"}


def _closed_to_the_world(of: FaultyTemplates) -> None:
    of.of("load-balancer", "EC2::SecurityGroup")["SecurityGroupIngress"].pop()


def _wrong_attribute(of: FaultyTemplates) -> None:
    of.of("api", "ECS::TaskDefinition")["TaskRoleArn"] = {"Fn::GetAtt": ["TaskRole30FC0FBB", "ARN"]}


def _policy(of: FaultyTemplates) -> Json:
    found: Json = of.of("api", "IAM::Policy")["PolicyDocument"]
    return found


def _managed(name: str) -> dict[str, Any]:
    return {"ManagedPolicyArns": [f"arn:aws:iam::aws:policy/{name}"]}


def _same_export(of: FaultyTemplates) -> None:
    of.templates["agora-dev-ecs"]["Outputs"]["Dns"] = {"Value": "x", "Export": {"Name": "agora-dev-load-balancer-dns"}}


def _encrypted_logs(of: FaultyTemplates) -> None:
    rules = of.of("load-balancer", "S3::Bucket")["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    rules[0]["ServerSideEncryptionByDefault"] = {"SSEAlgorithm": "aws:kms"}


def _silent_topic(of: FaultyTemplates) -> None:
    policy = of.of("monitoring", "SNS::TopicPolicy")["PolicyDocument"]
    policy["Statement"] = [each for each in policy["Statement"] if "cloudwatch" not in str(each)]


def _alarms_elsewhere(of: FaultyTemplates) -> None:
    of.of("api", "CloudWatch::Alarm")["AlarmActions"] = ["arn:aws:sns:eu-west-1:607346494281:agora-dev-alarms"]


def _same_discovery_name(of: FaultyTemplates) -> None:
    for part in ("api", "app"):
        of.service(part)["ServiceConnectConfiguration"]["Services"][0]["DiscoveryName"] = "web"


def _pair(of: FaultyTemplates) -> None:
    of.of("api", "ECS::TaskDefinition").update(Cpu="256", Memory="4096")


SECOND = (
    Fault(
        "certificate with a space",
        lambda of: of.of("apex", "Listener").update(
            Certificates=[{"CertificateArn": "arn:aws:acm:us-east-1:607346494281:certificate/ e8093404"}]
        ),
    ),
    Fault("secret's field without its colons", _secret_field, False),
    Fault(
        "logs in another region",
        lambda of: of.container("api")["LogConfiguration"]["Options"].update({"awslogs-region": "us-west-2"}),
        False,
    ),
    Fault("load balancer closed on 443", _closed_to_the_world, False),
    Fault("policy of an unknown version", lambda of: _policy(of).update(Version="2012-10-18")),
    Fault("statement without a resource", lambda of: _policy(of)["Statement"][0].pop("Resource")),
    Fault("action without a service", lambda of: _policy(of)["Statement"][0].update(Action="OpenDataChannel")),
    Fault("two NAT gateways with one address", _same_address),
    Fault(
        "route to two gateways",
        lambda of: of.of("network", "EC2::Route").update(NatGatewayId={"Ref": of.ids("network", "EC2::NatGateway")[0]}),
    ),
    Fault("VPC without DNS", lambda of: of.of("network", "EC2::VPC").update(EnableDnsSupport=False), False),
    Fault("targets in another VPC", _other_vpc_for_targets),
    Fault("alarm that notifies another region", _alarms_elsewhere),
    Fault("percentile as a statistic", lambda of: of.of("api", "CloudWatch::Alarm").update(Statistic="p95")),
    Fault("unknown comparison", lambda of: of.of("api", "CloudWatch::Alarm").update(ComparisonOperator="Above")),
    Fault("unknown retention", lambda of: of.of("api", "Logs::LogGroup").update(RetentionInDays=100)),
    Fault("attribute that is none", _wrong_attribute),
    Fault("misspelt type", lambda of: of.resources("api")["ServiceD69D759B"].update(Type="AWS::ECS::Servce")),
    Fault(
        "misspelt deletion policy",
        lambda of: of.resources("docdb-v8")["DocDbClusterB46CF5D3"].update(DeletionPolicy="Retian"),
    ),
    Fault("misspelt property", lambda of: of.service("api").update(EnableExecuteComand=True)),
    Fault("task size that Fargate has not", _pair),
    Fault(
        "unknown processor",
        lambda of: of.of("api", "ECS::TaskDefinition").update(RuntimePlatform={"CpuArchitecture": "ARM"}),
    ),
    Fault(
        "misspelt group of WAF rules",
        lambda of: of.of("load-balancer", "WebACL")["Rules"][0]["Statement"]["ManagedRuleGroupStatement"].update(
            Name="AWSManagedRulesCommonRuleset"
        ),
    ),
    Fault("access logs with a key", _encrypted_logs),
    Fault("topic closed to alarms", _silent_topic, False),
    Fault("two services of one discovery name", _same_discovery_name),
    Fault("export of two stacks", _same_export),
    Fault(
        "missing Fn::Sub",
        lambda of: of.container("api")["Environment"].append({"Name": "REGION", "Value": "${AWS::Region}"}),
        False,
    ),
    Fault(
        "managed policy without its path",
        lambda of: of.of("api", "IAM::Role").update(_managed("AmazonECSTaskExecutionRolePolicy")),
    ),
    Fault("policy of no role", lambda of: of.of("api", "IAM::Policy").update(Roles=[])),
    Fault(
        "HTTP on port 443",
        lambda of: of.of("apex", "Listener").update(
            Protocol="HTTP", Certificates=[], SslPolicy={"Ref": "AWS::NoValue"}
        ),
        False,
    ),
    Fault("reserved master user", lambda of: of.of("docdb-v8", "DocDB::DBCluster").update(MasterUsername="admin")),
    Fault(
        "unknown instance class", lambda of: of.of("docdb-v8", "DocDB::DBInstance").update(DBInstanceClass="db.r5.larg")
    ),
    Fault("unknown engine version", lambda of: of.of("docdb-v8", "DocDB::DBCluster").update(EngineVersion="9.0.0")),
    Fault("subnet outside the VPC", lambda of: of.of("network", "EC2::Subnet").update(CidrBlock="10.254.180.0/26")),
    Fault(
        "internet gateway not attached",
        lambda of: of.drop("network", of.ids("network", "VPCGatewayAttachment")[0]),
        False,
    ),
    Fault(
        "tags propagated from nowhere",
        lambda of: of.service("api").update(PropagateTags="SERVICES"),
    ),
    Fault(
        "scaling of a dimension that is none",
        lambda of: of.of("api", "ScalableTarget").update(ScalableDimension="ecs:service:DesiredTasks"),
    ),
    Fault(
        "target group name too long",
        lambda of: of.of("apex", "TargetGroup").update(Name="agora-development-apex-target-group"),
    ),
    Fault(
        "description with an umlaut",
        lambda of: of.of("api", "EC2::SecurityGroup").update(GroupDescription="Für die Aufrufer"),
    ),
    Fault(
        "password of 5000 characters",
        lambda of: of.of("docdb-v8", "SecretsManager::Secret")["GenerateSecretString"].update(PasswordLength=5000),
    ),
)
