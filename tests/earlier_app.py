"""The templates of the app that deployed the running environments, made from the record of its deployments.

The record has the exports, and of each resource what decides about replacement. What a template needs in addition to be
deployed is added as the CDK makes it of the same constructs, logical IDs included: a route under another ID would be
a second default route.
"""

from __future__ import annotations

import copy
import functools
import hashlib
import ipaddress
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from src.environment import Environment
from src.late_values import DatabaseHost, DatabasePort, DatabaseSecret, ImageCommit, ImageVersion
from src.service_props import DATABASE, ServiceProps

Json = dict[str, Any]

RECORD = Path(__file__).parent / "unit" / "deployed-resources.json"
BASTION, KEY_NAME, AMI_ID = "bastion", "agora-access", "ami-074a6fac5773fe883"
COMMIT = "0a1b2c3"

_ANYWHERE = "0.0.0.0/0"
_VPC = "Vpc8378EB38"
_SECRET, _CLUSTER = "DocDbMasterPasswordFFA2183A", "DocDbClusterB46CF5D3"
_DATABASE_GROUP, _SERVICE_GROUP = "DocDbClusterSecurityGroupD0D4993E", "ServiceSecurityGroupC96ED6A7"
_BALANCER, _BALANCER_GROUP = "AppLoadBalancer0268F95E", "AppLoadBalancerSecurityGroupC44CD584"
_SERVICE, _TASK_DEFINITION = "ServiceD69D759B", "TaskDef54694570"
_TARGET_GROUP = "HttpsListenerHttpsTargetGroupC1FAA79B"
_HTTPS, _HTTP = "HttpsListener1C292967", "HttpListenerC38EAD1B"
_BASTION_GROUP = "BastionHostInstanceSecurityGroupE1AD2D4E"


def templates(environment: Environment, services: Sequence[ServiceProps]) -> dict[str, Json]:
    """By stack name, those that others import from first. Services that the record does not have are omitted."""
    recorded = _recorded(environment)
    completed = {
        "network": _network(),
        environment.database_stack: _database(),
        "ecs": _cluster(),
        "load-balancer": _load_balancer(recorded),
    }
    for props in services:
        part = environment.short_name(props.container_name)
        if environment.stack_name(part) in recorded:
            completed[part] = _service(environment, props, recorded)
    completed[BASTION] = _bastion(environment, recorded)
    made = {}
    for part, more in completed.items():
        name = environment.stack_name(part)
        made[name] = {"Resources": _merged(recorded[name]["Resources"], more), "Outputs": recorded[name]["Outputs"]}
    made[environment.stack_name(BASTION)]["Mappings"] = {
        "BastionHostAmiMapC062C513": {environment.region: {"ami": AMI_ID}}
    }
    return made


def recorded_resources(environment: Environment) -> dict[str, dict[str, Json]]:
    """By stack name and logical ID the recorded resources, as `Type` and `Properties`, for one environment."""
    return {name: template["Resources"] for name, template in _recorded(environment).items()}


def exported(template: Mapping[str, Any]) -> dict[str, Any]:
    """The exports of a template, by name."""
    outputs = template.get("Outputs", {}).values()
    return {each["Export"]["Name"]: each["Value"] for each in outputs if "Export" in each}


def imported(node: object) -> set[str]:
    """The names of the exports that something in a template imports."""
    if isinstance(node, list):
        return {name for each in node for name in imported(each)}
    if not isinstance(node, dict):
        return set()
    own = {node["Fn::ImportValue"]} if isinstance(node.get("Fn::ImportValue"), str) else set()
    return own | {name for each in node.values() for name in imported(each)}


def logical_id(*path: str) -> str:
    """The ID that the CDK gives to what is at a path in a stack.

    https://docs.aws.amazon.com/cdk/v2/guide/identifiers.html
    """
    reported: list[str] = []
    for part in path:
        if part != "Resource" and not (reported and reported[-1].endswith(part)):
            reported.append(part)
    made = hashlib.md5("/".join(path).encode(), usedforsecurity=False).hexdigest()[:8].upper()
    return re.sub(r"[^A-Za-z0-9]", "", "".join(reported)) + made


@functools.cache
def _record() -> Json:
    record: Json = json.loads(RECORD.read_text(encoding="utf-8"))
    del record["note"]
    return record


def _recorded(environment: Environment) -> dict[str, Json]:
    """The recorded stacks as templates: nothing in them but what is recorded."""
    found: dict[str, Json] = {}
    for name, stack in _record().items():
        resources = {key: _resource(key, each) for key, each in stack["resources"].items()}
        outputs = {
            key: {"Value": _exported_value(key, resources), "Export": {"Name": export}}
            for key, export in stack["exports"].items()
        }
        found |= _filled_in({name: {"Resources": resources, "Outputs": outputs}}, environment)
    balancers = found[environment.stack_name("load-balancer")]["Resources"]
    # Its last digits are derived from the stack's name, and the record's are those of a sibling.
    description = f"Automatically created Security Group for ELB {_unique_id(environment, 'load-balancer', _ALB)}"
    balancers[_BALANCER_GROUP]["Properties"]["GroupDescription"] = description
    return found


_ALB = "AppLoadBalancer"


def _resource(key: str, recorded: Mapping[str, Any]) -> Json:
    properties = {name: copy.deepcopy(value) for name, value in recorded.items() if name != "Type"}
    kind = recorded["Type"]
    # The record of a load balancer has its property Type in the place of the resource's.
    if "::" not in kind:
        assert key == _BALANCER
        return {"Type": "AWS::ElasticLoadBalancingV2::LoadBalancer", "Properties": properties | {"Type": kind}}
    return {"Type": kind, "Properties": properties}


def _exported_value(output: str, resources: Mapping[str, Any]) -> Json:
    """The value behind an output, from which its name is made."""
    if output == "LoadBalancerDns":
        return {"Fn::GetAtt": [_BALANCER, "DNSName"]}
    digits = 8
    for key in resources:
        if output.startswith(f"ExportsOutputRef{key}"):
            return {"Ref": key}
        if output.startswith(f"ExportsOutputFnGetAtt{key}"):
            return {"Fn::GetAtt": [key, output.removeprefix(f"ExportsOutputFnGetAtt{key}")[:-digits]]}
    raise AssertionError(f"{output} is of no recorded resource")


def _filled_in(value: Any, environment: Environment) -> Any:
    """{env}, {fqdn}, and {cidr+64}/26 counted on from the network's address; the names of stacks and the engine."""
    if isinstance(value, dict):
        return {_filled_in(key, environment): _filled_in(item, environment) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled_in(item, environment) for item in value]
    if not isinstance(value, str):
        return value
    first = ipaddress.IPv4Network(environment.vpc_cidr).network_address
    value = re.sub(r"\{cidr\+(\d+)\}", lambda match: str(first + int(match[1])), value)
    version = environment.database_engine_version
    for recorded, here in {
        "agora-{env}-docdb-v8": environment.stack_name(environment.database_stack),
        "agora-{env}": environment.stack_prefix,
        "{env}": environment.name,
        "{fqdn}": environment.fqdn,
        "docdb8.0": f"docdb{version.removesuffix('.0')}",
        "8.0.0": version,
    }.items():
        value = value.replace(recorded, here)
    containers = {f"agora-{end}": name for name, end in environment.service_stacks.items()}
    return containers.get(value, value)


def _merged(recorded: Mapping[str, Json], more: Mapping[str, Json]) -> dict[str, Json]:
    merged = copy.deepcopy(dict(recorded))
    for key, each in more.items():
        known = merged.setdefault(key, {"Type": each.get("Type"), "Properties": {}})
        assert not known["Properties"].keys() & each["Properties"].keys(), f"{key} is recorded otherwise"
        known["Properties"] |= each["Properties"]
        known |= {name: value for name, value in each.items() if name not in ("Type", "Properties")}
    return merged


def _new(kind: str, properties: Json, **more: Any) -> Json:
    return {"Type": kind, "Properties": properties, **more}


def _also(**properties: Any) -> Json:
    """Properties of a resource that the record has."""
    return {"Properties": properties}


def _ref(key: str) -> Json:
    return {"Ref": key}


def _attribute(key: str, name: str) -> Json:
    return {"Fn::GetAtt": [key, name]}


def _import(recorded: Mapping[str, Json], value: Json) -> Json:
    """A reference to what another stack exports."""
    for template in recorded.values():
        for name, each in exported(template).items():
            if each == value and ":" in name:
                return {"Fn::ImportValue": name}
    raise AssertionError(f"no stack exports {value}")


def _unique_id(environment: Environment, part: str, *path: str) -> str:
    return logical_id(environment.stack_name(part), *path)


def _subnets(kind: str, recorded: Mapping[str, Json]) -> list[Json]:
    return [_import(recorded, _ref(logical_id("Vpc", f"{kind}Subnet{zone}", "Subnet"))) for zone in (1, 2)]


def _network() -> dict[str, Json]:
    gateway, attachment = logical_id("Vpc", "IGW"), logical_id("Vpc", "VPCGW")
    made = {
        _VPC: _also(EnableDnsHostnames=True, EnableDnsSupport=True),
        attachment: _new("AWS::EC2::VPCGatewayAttachment", {"InternetGatewayId": _ref(gateway), "VpcId": _ref(_VPC)}),
    }
    for zone in (1, 2):
        nat = logical_id("Vpc", f"PublicSubnet{zone}", "NATGateway")
        made |= _routed(f"PublicSubnet{zone}", {"GatewayId": _ref(gateway)}, [attachment])
        made |= _routed(f"PrivateSubnet{zone}", {"NatGatewayId": _ref(nat)}, [])
    return made


def _routed(subnet: str, way_out: Json, after: list[str]) -> dict[str, Json]:
    table = _ref(logical_id("Vpc", subnet, "RouteTable"))
    route = {"RouteTableId": table, "DestinationCidrBlock": _ANYWHERE, **way_out}
    return {
        table["Ref"]: _new("AWS::EC2::RouteTable", {"VpcId": _ref(_VPC)}),
        logical_id("Vpc", subnet, "RouteTableAssociation"): _new(
            "AWS::EC2::SubnetRouteTableAssociation",
            {"RouteTableId": table, "SubnetId": _ref(logical_id("Vpc", subnet, "Subnet"))},
        ),
        logical_id("Vpc", subnet, "DefaultRoute"): _new("AWS::EC2::Route", route, DependsOn=after),
    }


def _database() -> dict[str, Json]:
    return {
        "DocDbClusterParameterGroup9B4F63DA": _also(
            Parameters={"audit_logs": "disabled", "profiler": "enabled", "tls": "disabled"}
        ),
        _DATABASE_GROUP: _also(SecurityGroupEgress=[_everything_out()]),
        _CLUSTER: _also(
            DBClusterParameterGroupName=_ref("DocDbClusterParameterGroup9B4F63DA"),
            EnableCloudwatchLogsExports=["profiler"],
            VpcSecurityGroupIds=[_attribute(_DATABASE_GROUP, "GroupId")],
        ),
    }


def _cluster() -> dict[str, Json]:
    association = {
        "Cluster": _ref("ClusterEB0386A7"),
        "CapacityProviders": ["FARGATE", "FARGATE_SPOT"],
        "DefaultCapacityProviderStrategy": [],
    }
    namespace = _attribute(logical_id("Cluster", "DefaultServiceDiscoveryNamespace", "Resource"), "Arn")
    return {
        "ClusterEB0386A7": _also(ServiceConnectDefaults={"Namespace": namespace}),
        logical_id("Cluster", "Cluster"): _new("AWS::ECS::ClusterCapacityProviderAssociations", association),
    }


def _load_balancer(recorded: Mapping[str, Json]) -> dict[str, Json]:
    return {
        _BALANCER: _also(
            SecurityGroups=[_attribute(_BALANCER_GROUP, "GroupId")],
            Subnets=_subnets("Public", recorded),
            LoadBalancerAttributes=[{"Key": "deletion_protection.enabled", "Value": "false"}],
        ),
        _BALANCER_GROUP: _also(SecurityGroupIngress=[_from_anywhere(port) for port in (443, 80)]),
        "WebAcl": _also(
            DefaultAction={"Allow": {}},
            Rules=[],
            VisibilityConfig={
                "CloudWatchMetricsEnabled": True,
                "MetricName": "WebAclMetrics",
                "SampledRequestsEnabled": True,
            },
        ),
        "WeAclAssociation": _new(
            "AWS::WAFv2::WebACLAssociation",
            {"ResourceArn": _ref(_BALANCER), "WebACLArn": _attribute("WebAcl", "Arn")},
        ),
    }


def _service(environment: Environment, props: ServiceProps, recorded: Mapping[str, Json]) -> dict[str, Json]:
    logs = logical_id("TaskDef", props.container_name, "LogGroup", "Resource")
    made = _roles(props, recorded, logs) | {
        logs: _new("AWS::Logs::LogGroup", {"RetentionInDays": 120}, DeletionPolicy="Retain"),
        logical_id("Service", "LogGroup", "Resource"): _new("AWS::Logs::LogGroup", {}, DeletionPolicy="Retain"),
        _TASK_DEFINITION: _task_definition(environment, props, recorded, logs),
        _SERVICE: _running(props, recorded),
        _SERVICE_GROUP: _also(
            SecurityGroupEgress=[_everything_out()], SecurityGroupIngress=[_from_anywhere(props.container_port)]
        ),
    }
    made |= _scaling(environment, props, recorded)
    if any(call.service == DATABASE for call in props.calls):
        made |= _let_into_database(environment, recorded, ("Service", "SecurityGroup"), "{IndirectPort}", None)
    return made | (_served(environment, props, recorded) if props.public else {})


def _roles(props: ServiceProps, recorded: Mapping[str, Json], logs: str) -> dict[str, Json]:
    role, execution = logical_id("TaskRole", "Resource"), logical_id("TaskDef", "ExecutionRole", "Resource")
    storage = {"Fn::Join": ["", ["arn:", _ref("AWS::Partition"), ":iam::aws:policy/AmazonS3FullAccess"]]}
    secrets = [_secret(each.secret_name, recorded) for each in props.container_secrets]
    statements = [
        _allowed(["logs:CreateLogStream", "logs:PutLogEvents"], _attribute(logs, "Arn")),
        # The log driver of Service Connect's proxy asks for the same right on its own group.
        _allowed(
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            _attribute(logical_id("Service", "LogGroup", "Resource"), "Arn"),
        ),
        *(_allowed(["secretsmanager:GetSecretValue"], secret) for secret in secrets),
    ]
    return {
        role: _new(
            "AWS::IAM::Role", {"AssumeRolePolicyDocument": _trusts("ecs-tasks"), "ManagedPolicyArns": [storage]}
        ),
        execution: _new("AWS::IAM::Role", {"AssumeRolePolicyDocument": _trusts("ecs-tasks")}),
        **_policy(role, _allowed(["ssmmessages:*"], "*"), path="TaskRole"),
        **_policy(execution, *statements, path="TaskDef/ExecutionRole"),
    }


def _policy(role: str, *statements: Json, path: str) -> dict[str, Json]:
    name = logical_id(*path.split("/"), "DefaultPolicy", "Resource")
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return {name: _new("AWS::IAM::Policy", {"PolicyName": name, "Roles": [_ref(role)], "PolicyDocument": document})}


def _allowed(actions: list[str], resource: Any) -> Json:
    return {"Effect": "Allow", "Action": actions, "Resource": resource}


def _trusts(service: str) -> Json:
    principal = {"Service": f"{service}.amazonaws.com"}
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": principal}
    return {"Version": "2012-10-17", "Statement": [statement]}


def _secret(name: object, recorded: Mapping[str, Json]) -> Json:
    if isinstance(name, DatabaseSecret):
        return _import(recorded, _ref(_SECRET))
    place = ["arn:aws:secretsmanager:", _ref("AWS::Region"), ":", _ref("AWS::AccountId"), f":secret:{name}"]
    return {"Fn::Join": ["", place]}


def _task_definition(environment: Environment, props: ServiceProps, recorded: Mapping[str, Json], logs: str) -> Json:
    part = environment.short_name(props.container_name)
    variables = {
        key: _late(value, props, recorded)
        for key, value in props.container_env_vars.items()
        # There was no api-docs.
        if not key.startswith("API_DOCS_")
    }
    container = {
        "Name": props.container_name,
        "Image": props.container_location,
        "Essential": True,
        "MemoryReservation": props.container_memory_reservation,
        "Environment": [{"Name": key, "Value": value} for key, value in variables.items()],
        "Secrets": [
            {"Name": each.environment_key, "ValueFrom": _secret(each.secret_name, recorded)}
            for each in props.container_secrets
        ],
        "PortMappings": [{"Name": props.container_name, "ContainerPort": props.container_port, "Protocol": "tcp"}],
        "LogConfiguration": {
            "LogDriver": "awslogs",
            "Options": {
                "awslogs-group": _ref(logs),
                "awslogs-stream-prefix": environment.stack_name(part),
                "awslogs-region": _ref("AWS::Region"),
            },
        },
    }
    return _also(
        ContainerDefinitions=[container],
        Family=_unique_id(environment, part, "TaskDef"),
        NetworkMode="awsvpc",
        RequiresCompatibilities=["FARGATE"],
        TaskRoleArn=_attribute(logical_id("TaskRole", "Resource"), "Arn"),
        ExecutionRoleArn=_attribute(logical_id("TaskDef", "ExecutionRole", "Resource"), "Arn"),
    )


def _late(value: object, props: ServiceProps, recorded: Mapping[str, Json]) -> Any:
    match value:
        case DatabaseHost():
            return _import(recorded, _attribute(_CLUSTER, "Endpoint"))
        case DatabasePort():
            return _import(recorded, _attribute(_CLUSTER, "Port"))
        case ImageVersion():
            return props.container_location.rpartition(":")[2]
        case ImageCommit():
            return COMMIT
    return value


def _running(props: ServiceProps, recorded: Mapping[str, Json]) -> Json:
    made = _also(
        Cluster=_import(recorded, _ref("ClusterEB0386A7")),
        TaskDefinition=_ref(_TASK_DEFINITION),
        DeploymentConfiguration={
            "DeploymentCircuitBreaker": {"Enable": True, "Rollback": True},
            "MaximumPercent": 200,
            "MinimumHealthyPercent": 50,
        },
        EnableECSManagedTags=False,
        EnableExecuteCommand=True,
        NetworkConfiguration={
            "AwsvpcConfiguration": {
                "AssignPublicIp": "DISABLED",
                "SecurityGroups": [_attribute(_SERVICE_GROUP, "GroupId")],
                "Subnets": _subnets("Private", recorded),
            }
        },
    )
    if props.public:
        target = {"ContainerName": props.container_name, "ContainerPort": props.container_port}
        made["Properties"] |= {
            "HealthCheckGracePeriodSeconds": 60,
            "LoadBalancers": [target | {"TargetGroupArn": _ref(_TARGET_GROUP)}],
        }
        made["DependsOn"] = [_TARGET_GROUP, _HTTPS]
    return made


def _scaling(environment: Environment, props: ServiceProps, recorded: Mapping[str, Json]) -> dict[str, Json]:
    part = environment.short_name(props.container_name)
    cluster, name = _import(recorded, _ref("ClusterEB0386A7")), _attribute(_SERVICE, "Name")
    target = logical_id("Service", "TaskCount", "Target", "Resource")
    role = "role/aws-service-role/ecs.application-autoscaling.amazonaws.com/AWSServiceRoleForApplicationAutoScaling_"
    made = {
        target: _new(
            "AWS::ApplicationAutoScaling::ScalableTarget",
            {
                "MinCapacity": props.auto_scale_min_capacity,
                "MaxCapacity": props.auto_scale_max_capacity,
                "ResourceId": {"Fn::Join": ["/", ["service", cluster, name]]},
                "RoleARN": {"Fn::Join": ["", ["arn:aws:iam::", _ref("AWS::AccountId"), f":{role}ECSService"]]},
                "ScalableDimension": "ecs:service:DesiredCount",
                "ServiceNamespace": "ecs",
            },
        )
    }
    for metric, scaling in (("CPU", "CpuScaling"), ("Memory", "MemoryScaling")):
        path = ("Service", "TaskCount", "Target", scaling)
        made[logical_id(*path, "Resource")] = _new(
            "AWS::ApplicationAutoScaling::ScalingPolicy",
            {
                "PolicyName": _unique_id(environment, part, *path),
                "PolicyType": "TargetTrackingScaling",
                "ScalingTargetId": _ref(target),
                "TargetTrackingScalingPolicyConfiguration": {
                    "PredefinedMetricSpecification": {"PredefinedMetricType": f"ECSServiceAverage{metric}Utilization"},
                    "TargetValue": 50,
                },
            },
        )
    return made


def _let_into_database(
    environment: Environment,
    recorded: Mapping[str, Json],
    group: tuple[str, str],
    ports: str,
    last_port: int | None,
) -> dict[str, Json]:
    """A rule of the database's group in the stack of the service that it allows."""
    database = _unique_id(environment, environment.database_stack, "DocDbCluster", "SecurityGroup")
    port: Any = _import(recorded, _attribute(_CLUSTER, "Port")) if last_port is None else environment.database_port
    rule = {
        "GroupId": _import(recorded, _attribute(_DATABASE_GROUP, "GroupId")),
        "SourceSecurityGroupId": _attribute(logical_id(*group, "Resource"), "GroupId"),
        "IpProtocol": "tcp",
        "FromPort": port,
        "ToPort": port if last_port is None else last_port,
    }
    return {logical_id(*group, f"{database}:{ports} to"): _new("AWS::EC2::SecurityGroupIngress", rule)}


def _served(environment: Environment, props: ServiceProps, recorded: Mapping[str, Json]) -> dict[str, Json]:
    balancer = _import(recorded, _ref(_BALANCER))
    between = {"IpProtocol": "tcp", "FromPort": props.container_port, "ToPort": props.container_port}
    ours = _attribute(_SERVICE_GROUP, "GroupId")
    theirs = _import(recorded, _attribute(_BALANCER_GROUP, "GroupId"))
    peer = f"{_unique_id(environment, 'load-balancer', _ALB, 'SecurityGroup')}:{props.container_port}"
    return {
        _TARGET_GROUP: _also(HealthCheckPath=props.health_check_path, HealthCheckIntervalSeconds=60),
        _HTTPS: _also(
            LoadBalancerArn=balancer,
            Certificates=[{"CertificateArn": environment.certificate_arn}],
            DefaultActions=[{"Type": "forward", "TargetGroupArn": _ref(_TARGET_GROUP)}],
        ),
        _HTTP: _also(
            LoadBalancerArn=balancer,
            DefaultActions=[
                {
                    "Type": "redirect",
                    "RedirectConfig": {"Protocol": "HTTPS", "Port": "443", "StatusCode": "HTTP_301"},
                }
            ],
        ),
        logical_id("Service", "SecurityGroup", f"from {peer}"): _new(
            "AWS::EC2::SecurityGroupIngress", between | {"GroupId": ours, "SourceSecurityGroupId": theirs}
        ),
        logical_id("Service", "SecurityGroup", f"{peer} from"): _new(
            "AWS::EC2::SecurityGroupEgress", between | {"GroupId": theirs, "DestinationSecurityGroupId": ours}
        ),
    }


def _bastion(environment: Environment, recorded: Mapping[str, Json]) -> dict[str, Json]:
    role, profile = logical_id("BastionRole", "Resource"), logical_id("BastionInstanceProfile", "Resource")
    managed = {"Fn::Join": ["", ["arn:", _ref("AWS::Partition"), ":iam::aws:policy/AmazonSSMManagedInstanceCore"]]}
    return {
        role: _new("AWS::IAM::Role", {"AssumeRolePolicyDocument": _trusts("ec2"), "ManagedPolicyArns": [managed]}),
        profile: _new("AWS::IAM::InstanceProfile", {"Roles": [_ref(role)]}),
        _BASTION_GROUP: _also(SecurityGroupEgress=[_everything_out()]),
        "BastionHost04D516A6": _also(
            IamInstanceProfile=_ref(profile),
            PropagateTagsToVolumeOnCreation=True,
            SecurityGroupIds=[_attribute(_BASTION_GROUP, "GroupId")],
            UserData={"Fn::Base64": "#!/bin/bash"},
        ),
        **_let_into_database(
            environment, recorded, ("BastionHost", "InstanceSecurityGroup"), f"{environment.database_port}-27030", 27030
        ),
    }


def _from_anywhere(port: int | None) -> Json:
    return {"CidrIp": _ANYWHERE, "IpProtocol": "tcp", "FromPort": port, "ToPort": port}


def _everything_out() -> Json:
    return {"CidrIp": _ANYWHERE, "IpProtocol": "-1", "Description": "Allow all outbound traffic by default"}
