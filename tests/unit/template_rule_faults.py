"""A fault for each rule over templates, put into those of dev."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tests.unit.faulty_templates import FaultyTemplates, Json

Put = Callable[[FaultyTemplates], object]
_ROLE = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {}}]}


def _task(part: str, **changes: Any) -> Put:
    return lambda of: of.of(part, "ECS::TaskDefinition").update(changes)


def _container(part: str, **changes: Any) -> Put:
    return lambda of: of.container(part).update(changes)


def _service(part: str, **changes: Any) -> Put:
    return lambda of: of.service(part).update(changes)


def _deployment(part: str, **changes: Any) -> Put:
    return lambda of: of.service(part)["DeploymentConfiguration"].update(changes)


def _set(part: str, kind: str, index: int = 0, **changes: Any) -> Put:
    return lambda of: of.of(part, kind, index).update(changes)


def _all(*puts: Put) -> Put:
    return lambda of: [put(of) for put in puts]


def _health(*command: str) -> Put:
    return lambda of: of.container("api")["HealthCheck"].update(Command=list(command))


def _variable(part: str, name: str, value: Any) -> Put:
    def put(of: FaultyTemplates) -> None:
        variables = of.container(part)["Environment"]
        variables[:] = [each for each in variables if each["Name"] != name] + [{"Name": name, "Value": value}]

    return put


def _attribute(part: str, kind: str, key: str, value: str | None) -> Put:
    def put(of: FaultyTemplates) -> None:
        found = next(each for name, each in of.of(part, kind).items() if name.endswith("Attributes"))
        found[:] = [each for each in found if each["Key"] != key] + ([{"Key": key, "Value": value}] if value else [])

    return put


def _sidecar(**changes: Any) -> Put:
    sidecar = {"Name": "agent", "Image": "docker.io/library/busybox:1", "Essential": False, **changes}
    return lambda of: of.of("api", "ECS::TaskDefinition")["ContainerDefinitions"].append(sidecar)


def _denied(part: str, role: str, word: str) -> Put:
    def put(of: FaultyTemplates) -> None:
        statements = of.statements(part, role)
        statements[:] = [each for each in statements if word not in str(each["Action"])]

    return put


def _second_web_rule(**changes: Any) -> Put:
    return lambda of: of.of("load-balancer", "WebACL")["Rules"][1].update(changes)


def _no_longer_waits_for_the_listener(of: FaultyTemplates) -> None:
    service = of.resources("apex")["ServiceD69D759B"]
    service["DependsOn"] = [each for each in service["DependsOn"] if "Listener" not in each]


def _no_listener(of: FaultyTemplates) -> None:
    of.of("apex", "Listener")["DefaultActions"] = [
        {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}
    ]


def _rule(key: str, priority: int) -> Put:
    condition = {"Field": "path-pattern", "PathPatternConfig": {"Values": ["/old"]}}
    action = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
    listener = {"Ref": "HttpsListener1C292967"}
    return lambda of: of.add(
        "apex",
        key,
        "ElasticLoadBalancingV2::ListenerRule",
        ListenerArn=listener,
        Priority=priority,
        Conditions=[condition],
        Actions=[action],
    )


def _key(part: str, principal: str) -> Put:
    statement = {"Effect": "Allow", "Action": "kms:*", "Principal": {"AWS": principal}, "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    return lambda of: of.add(part, "OwnKey", "KMS::Key", KeyPolicy=policy)


def _secret_with_a_key(of: FaultyTemplates) -> None:
    _key("api", "arn:aws:iam::607346494281:root")(of)
    key = {"Fn::GetAtt": ["OwnKey", "Arn"]}
    of.add("api", "OwnSecret", "SecretsManager::Secret", KmsKeyId=key, GenerateSecretString={})
    of.container("api")["Secrets"].append({"Name": "OWN", "ValueFrom": {"Ref": "OwnSecret"}})
    of.statements("api", "Execution").append(
        {"Effect": "Allow", "Action": "secretsmanager:GetSecretValue", "Resource": {"Ref": "OwnSecret"}}
    )


def _closed(of: FaultyTemplates) -> None:
    groups = of.service("api")["NetworkConfiguration"]["AwsvpcConfiguration"]["SecurityGroups"]
    del groups[1:]
    of.of("api", "EC2::SecurityGroup")["SecurityGroupEgress"] = [
        {"IpProtocol": "tcp", "FromPort": 27017, "ToPort": 27017, "CidrIp": "10.0.0.0/8"}
    ]


def _another_vpc(of: FaultyTemplates) -> None:
    of.add("api", "OtherVpc", "EC2::VPC", CidrBlock="10.1.0.0/16")
    of.of("api", "EC2::SecurityGroup")["VpcId"] = {"Ref": "OtherVpc"}


def _private_route(of: FaultyTemplates) -> str:
    return next(each for each in of.ids("network", "EC2::Route") if "Private" in each)


def _nat_in_private(of: FaultyTemplates) -> None:
    private = next(each for each in of.ids("network", "EC2::Subnet") if "Private" in each)
    of.of("network", "EC2::NatGateway")["SubnetId"] = {"Ref": private}


def _balancer_in_private(of: FaultyTemplates) -> None:
    subnets = of.service("apex")["NetworkConfiguration"]["AwsvpcConfiguration"]["Subnets"]
    of.of("load-balancer", "V2::LoadBalancer")["Subnets"] = subnets


def _one_zone(of: FaultyTemplates) -> None:
    balancer = of.of("load-balancer", "V2::LoadBalancer")
    balancer["Subnets"] = [balancer["Subnets"][0], balancer["Subnets"][0]]


def _other_database_port(of: FaultyTemplates) -> None:
    of.of("docdb-v8", "SecurityGroupIngress").update(FromPort=27018, ToPort=27018)


def _circle(of: FaultyTemplates) -> None:
    of.resources("api")["TaskRole30FC0FBB"]["DependsOn"] = ["ServiceD69D759B"]


def _tracked_twice(of: FaultyTemplates) -> None:
    policy = of.of("api", "ScalingPolicy")
    of.add("api", "Second", "ApplicationAutoScaling::ScalingPolicy", **(policy | {"PolicyName": "second"}))


def _no_statement_for_logs(of: FaultyTemplates) -> None:
    policy = of.of("load-balancer", "S3::BucketPolicy")["PolicyDocument"]
    policy["Statement"] = [each for each in policy["Statement"] if "elasticloadbalancing" not in str(each)]


def _same_group_rule(of: FaultyTemplates) -> None:
    rule = of.of("api", "SecurityGroupIngress")
    of.add("api", "SameRule", "EC2::SecurityGroupIngress", **rule)


def _second_default_route(of: FaultyTemplates) -> None:
    of.add("network", "SecondRoute", "EC2::Route", **of.of("network", "EC2::Route"))


def _many_resources(of: FaultyTemplates) -> None:
    for number in range(501):
        of.add("api", f"Handle{number}", "CloudFormation::WaitConditionHandle")


def _without_connect(of: FaultyTemplates) -> None:
    of.service("apex")["ServiceConnectConfiguration"] = {"Enabled": False}


def _serverless(of: FaultyTemplates) -> None:
    of.of("docdb-v8", "DocDB::DBInstance")["DBInstanceClass"] = "db.serverless"


def _no_instance(of: FaultyTemplates) -> None:
    of.drop("docdb-v8", of.ids("docdb-v8", "DocDB::DBInstance")[0])


def _endpoint(of: FaultyTemplates) -> None:
    of.of("network", "EC2::VPC")["EnableDnsHostnames"] = False
    of.add(
        "network",
        "Endpoint",
        "EC2::VPCEndpoint",
        VpcId={"Ref": of.ids("network", "EC2::VPC")[0]},
        ServiceName="com.amazonaws.us-east-1.secretsmanager",
        VpcEndpointType="Interface",
        PrivateDnsEnabled=True,
    )


def _forget(resource: Json, *keys: str) -> None:
    for key in keys:
        resource.pop(key, None)


def _secret_field(of: FaultyTemplates) -> None:
    secret = of.container("api")["Secrets"][0]
    secret["ValueFrom"] = {"Fn::Join": ["", [secret["ValueFrom"], ":password"]]}


def _closed_on_443(of: FaultyTemplates) -> None:
    of.of("load-balancer", "EC2::SecurityGroup")["SecurityGroupIngress"].pop()


def _targets_in_another_vpc(of: FaultyTemplates) -> None:
    of.add("apex", "OtherVpc", "EC2::VPC", CidrBlock="10.1.0.0/16")
    of.of("apex", "TargetGroup")["VpcId"] = {"Ref": "OtherVpc"}


def _exported_twice(of: FaultyTemplates) -> None:
    export = {"Value": "x", "Export": {"Name": "agora-dev-load-balancer-dns"}}
    of.templates["agora-dev-ecs"]["Outputs"]["Again"] = export


def _topic_closed_to_alarms(of: FaultyTemplates) -> None:
    policy = of.of("monitoring", "SNS::TopicPolicy")["PolicyDocument"]
    policy["Statement"] = [each for each in policy["Statement"] if "cloudwatch" not in str(each)]


def _misspelt_group(of: FaultyTemplates) -> None:
    rule = of.of("load-balancer", "WebACL")["Rules"][0]
    rule["Statement"]["ManagedRuleGroupStatement"]["Name"] = "AWSManagedRulesCommonRuleset"


FAULTS: Mapping[str, Put] = {
    "FORM": lambda of: of.resources("api").update(Another=[]),
    "VALUE": _set("docdb-v8", "DocDB::DBCluster", BackupRetentionPeriod=36),
    "LIMIT": _container("api", StopTimeout=121),
    "TAGS": lambda of: of.of("api", "Logs::LogGroup")["Tags"].append({"Key": "Environment", "Value": "dev"}),
    "REFERENCE": _container("api", Image={"Ref": "Image"}),
    "OUTPUT": _service("api", Cluster={"Fn::GetStackOutput": {"StackName": "agora-dev-ecs", "OutputName": "Cluster"}}),
    "CIRCLE": _circle,
    "TEMPLATE_SIZE": _many_resources,
    "NAME_TWICE": lambda of: of.container("api")["Secrets"].append({"Name": "NODE_ENV", "ValueFrom": "/node/env"}),
    "NAME_TAKEN": _set("app", "CloudWatch::Alarm", AlarmName="agora-dev-api-too-few-tasks"),
    "SIZE": _variable("api", "RULES", "x" * 65_536),
    "VARIABLES": _container("api", Environment=[{"Name": f"V{n}", "Value": "1"} for n in range(100)]),
    "VOLUME": lambda of: of.container("apex")["MountPoints"][0].update(SourceVolume="data"),
    "DEPENDENCY": _container("api", DependsOn=[{"ContainerName": "migrate", "Condition": "SUCCESS"}]),
    "MEMORY": _container("api", MemoryReservation=2049),
    "HOST_PORT": lambda of: of.container("api")["PortMappings"][0].update(HostPort=80),
    "PORT_TWICE": _sidecar(PortMappings=[{"ContainerPort": 3333}]),
    "FARGATE": _container("api", Privileged=True),
    "AWSVPC": _all(
        _task("api", RequiresCompatibilities=["EC2"]),
        _container("api", Links=["other"]),
    ),
    "LOG_DRIVER": lambda of: of.container("api")["LogConfiguration"]["Options"].pop("awslogs-stream-prefix"),
    "HEALTH_COMMAND": _health("curl", "-f", "http://localhost:3333/health"),
    "HEALTH_COMMAND_WORD": _health("CMD", "curl -f http://localhost:3333/health"),
    "HEALTH_PORT": _health("CMD-SHELL", "curl -f http://localhost:4200/health || exit 1"),
    "IMAGE": _container("api", Image="ghcr.io/Sage-Bionetworks/agora-api:1.0"),
    "BALANCED_PORT": lambda of: of.service("apex")["LoadBalancers"][0].update(ContainerPort=8080),
    "CONNECT_PORT": lambda of: of.service("api")["ServiceConnectConfiguration"]["Services"][0].update(PortName="http"),
    "CONNECT_TAKEN": lambda of: of.service("app")["ServiceConnectConfiguration"]["Services"][0].update(
        ClientAliases=[{"DnsName": "agora-api", "Port": 3333}]
    ),
    "CONNECT_NAMESPACE": lambda of: of.service("api")["ServiceConnectConfiguration"].update(
        Namespace="agora-dev.adknowledgportal.org"
    ),
    "CAPACITY": _service("api", LaunchType="FARGATE"),
    "CAPACITY_MISSING": _set("ecs", "ClusterCapacityProviderAssociations", CapacityProviders=["FARGATE_SPOT"]),
    "NO_ROOM": _all(_service("api", AvailabilityZoneRebalancing="DISABLED"), _deployment("api", MaximumPercent=100)),
    "REBALANCING": _all(
        _service("api", AvailabilityZoneRebalancing="ENABLED"),
        _deployment("api", MaximumPercent=100, MinimumHealthyPercent=0),
    ),
    "ALARM_MISSING": lambda of: of.service("api")["DeploymentConfiguration"]["Alarms"].update(
        AlarmNames=["agora-dev-api-errors"]
    ),
    "AWSVPC_NETWORK": lambda of: _forget(of.service("api"), "NetworkConfiguration"),
    "TWO_VPCS": _another_vpc,
    "EXEC_ROLE": lambda of: _forget(of.of("api", "ECS::TaskDefinition"), "TaskRoleArn"),
    "EXEC_READ_ONLY": _container("api", MountPoints=[]),
    "TRUST": _set("api", "IAM::Role", AssumeRolePolicyDocument=_ROLE),
    "EXECUTION_ROLE": lambda of: _forget(of.of("api", "ECS::TaskDefinition"), "ExecutionRoleArn"),
    "RIGHT_IMAGE": _container("api", Image="607346494281.dkr.ecr.us-east-1.amazonaws.com/agora/api:1.0"),
    "RIGHT_SECRET": _denied("api", "Execution", "secretsmanager"),
    "RIGHT_KEY": _secret_with_a_key,
    "RIGHT_LOGS": _denied("api", "Execution", "logs:"),
    "RIGHT_EXEC": _denied("api", "TaskRole", "ssmmessages"),
    "KEY_POLICY": _all(
        _key("api", "arn:aws:iam::607346494281:root"),
        _set("api", "Logs::LogGroup", KmsKeyId={"Fn::GetAtt": ["OwnKey", "Arn"]}),
    ),
    "KEY_ALARMS": _all(
        _key("monitoring", "arn:aws:iam::607346494281:root"),
        _set("monitoring", "SNS::Topic", KmsMasterKeyId={"Ref": "OwnKey"}),
    ),
    "REACH_TARGET": _set("apex", "SecurityGroupIngress", FromPort=8080, ToPort=8080),
    "CALL_PORT": _variable("apex", "API_PORT", "3334"),
    "CALL_NAME": _without_connect,
    "REACH_CALLEE": _set("api", "SecurityGroupIngress", FromPort=3334, ToPort=3334),
    "REACH_DATABASE": _other_database_port,
    "NO_WAY_OUT": lambda of: of.drop("network", _private_route(of)),
    "NOT_PUBLIC": _balancer_in_private,
    "NAT_ADDRESS": lambda of: _forget(of.of("network", "EC2::NatGateway"), "AllocationId"),
    "NAT_SUBNET": _nat_in_private,
    "EGRESS": _closed,
    "HEALTH_TIMEOUT": _set("apex", "TargetGroup", HealthCheckTimeoutSeconds=10),
    "HEALTH_PATH": _set("apex", "TargetGroup", HealthCheckProtocol="TCP"),
    "TARGET_TYPE": _set("apex", "TargetGroup", TargetType="instance"),
    "NO_LISTENER": _no_listener,
    "LISTENER_AWAITED": _no_longer_waits_for_the_listener,
    "PROTOCOL": _set("apex", "TargetGroup", Protocol="TCP"),
    "CERTIFICATE": _set("apex", "Listener", Certificates=[]),
    "TLS_POLICY": _set("apex", "Listener", SslPolicy="ELBSecurityPolicy-TLS13-1-2-2021"),
    "LISTENER_PORT": _set("apex", "Listener", 1, Port=443),
    "REDIRECT_LOOP": lambda of: of.of("apex", "Listener", 1)["DefaultActions"][0]["RedirectConfig"].update(
        Port="80", Protocol="HTTP"
    ),
    "RULE_PRIORITY": _all(_rule("First", 10), _rule("Second", 10)),
    "ACTION": _set("apex", "Listener", DefaultActions=[{"Type": "forward"}]),
    "ONE_ZONE": _one_zone,
    "ACCESS_LOGS": _no_statement_for_logs,
    "WAF_PRIORITY": _second_web_rule(Priority=0),
    "WAF_ACTION": _second_web_rule(Action={"Block": {}}),
    "WAF_SCOPE": _set("load-balancer", "WAFv2::WebACL", Scope="CLOUDFRONT"),
    "WAF_LOGS": _set(
        "load-balancer",
        "WAFv2::LoggingConfiguration",
        LogDestinationConfigs=["arn:aws:logs:us-east-1:607346494281:log-group:agora-waf"],
    ),
    "ALARM_PERIOD": _set("api", "CloudWatch::Alarm", Period=45),
    "ALARM_METRIC": _set("api", "CloudWatch::Alarm", ExtendedStatistic="p95"),
    "SCALING_BOUNDS": _set("api", "ScalableTarget", MinCapacity=3),
    "SCALING_GOAL": lambda of: of.of("api", "ScalingPolicy")["TargetTrackingScalingPolicyConfiguration"].update(
        TargetValue=101
    ),
    "SCALING_TARGET": _set("api", "ScalableTarget", ResourceId="agora/agora-api"),
    "SCALING_TWICE": _tracked_twice,
    "FAMILY": _set("docdb-v8", "DBClusterParameterGroup", Family="docdb5.0"),
    "SERVERLESS": _serverless,
    "MASTER_USER": lambda of: _forget(of.of("docdb-v8", "DocDB::DBCluster"), "MasterUserPassword"),
    "BACKUP_WINDOW": _set("docdb-v8", "DocDB::DBCluster", PreferredBackupWindow="23:50-00:19"),
    "NO_INSTANCE": _no_instance,
    "RANGE": _set("network", "EC2::Subnet", CidrBlock="10.254.172.64/26"),
    "GROUP_RULE": _set("api", "SecurityGroupIngress", FromPort=3334),
    "GROUP_RULE_TWICE": _same_group_rule,
    "ROUTE_TWICE": _second_default_route,
    "PRIVATE_DNS": _endpoint,
    "ATTRIBUTE": _task("api", TaskRoleArn={"Fn::GetAtt": ["TaskRole30FC0FBB", "ARN"]}),
    "TYPE": lambda of: of.resources("api")["ServiceD69D759B"].update(Type="AWS::ECS::Servce"),
    "DELETION_POLICY": lambda of: of.resources("docdb-v8")["DocDbClusterB46CF5D3"].update(DeletionPolicy="Retian"),
    "EXPORT": _exported_twice,
    "SUBSTITUTION": _variable("api", "REGION", "${AWS::Region}"),
    "POLICY": lambda of: of.of("api", "IAM::Policy")["PolicyDocument"].update(Version="2012-10-18"),
    "MANAGED_POLICY": _set(
        "api", "IAM::Role", ManagedPolicyArns=["arn:aws:iam::aws:policy/AmazonECSTaskExecutionRolePolicy"]
    ),
    "SECRET_FIELD": _secret_field,
    "LOG_REGION": lambda of: of.container("api")["LogConfiguration"]["Options"].update({"awslogs-region": "us-west-2"}),
    "LISTENER_CLOSED": _closed_on_443,
    "PLAIN_HTTPS": _set("apex", "Listener", Protocol="HTTP"),
    "TARGET_VPC": _targets_in_another_vpc,
    "ROUTE_TARGET": _set("network", "EC2::Route", VpcEndpointId="vpce-0123456789abcdef0"),
    "VPC_DNS": _set("network", "EC2::VPC", EnableDnsSupport=False),
    "WAF_GROUP": _misspelt_group,
    "ALARM_ACTION": _set("api", "CloudWatch::Alarm", AlarmActions=["arn:aws:sns:eu-west-1:607346494281:alarms"]),
    "TOPIC_POLICY": _topic_closed_to_alarms,
    "GRACE_PERIOD": _service("api", HealthCheckGracePeriodSeconds=60),
    "ATTRIBUTE_NAME": _attribute("load-balancer", "LoadBalancer", "deletion_protection.enable", "true"),
}
