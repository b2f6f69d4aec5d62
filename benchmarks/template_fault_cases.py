"""Single faults in dev's templates, each refused by AWS or failing at run time: what `template_faults.py` measures on.

They were written before the rules. Those in `HELD_BACK` were drawn at random and left alone while rules were written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.unit.faulty_templates import FaultyTemplates, Json


@dataclass(frozen=True)
class Fault:
    """A change that makes sound templates wrong. `refused` where AWS refuses it immediately; otherwise it fails at
    run time.
    """

    name: str
    put_into: Callable[[FaultyTemplates], object]
    refused: bool = True


def _health_command(assembly: FaultyTemplates, **changes: object) -> None:
    assembly.container("api")["HealthCheck"].update(changes)


def _attribute(properties: Json, key: str, value: str) -> None:
    attributes = next(each for name, each in properties.items() if name.endswith("Attributes"))
    attributes[:] = [each for each in attributes if each["Key"] != key] + [{"Key": key, "Value": value}]


def _without(statements: list[Json], word: str) -> None:
    statements[:] = [each for each in statements if word not in str(each["Action"])]


def _nat_in_a_private_subnet(assembly: FaultyTemplates) -> None:
    gateway = assembly.of("network", "EC2::NatGateway")
    gateway["SubnetId"] = {"Ref": next(each for each in assembly.ids("network", "EC2::Subnet") if "Private" in each)}


def _no_default_route(assembly: FaultyTemplates) -> None:
    assembly.drop("network", next(each for each in assembly.ids("network", "EC2::Route") if "Private" in each))


def _without_database_group(assembly: FaultyTemplates) -> None:
    groups = assembly.service("api")["NetworkConfiguration"]["AwsvpcConfiguration"]["SecurityGroups"]
    groups[:] = [each for each in groups if "docdb" not in str(each)]


def _without_callee_group(assembly: FaultyTemplates) -> None:
    groups = assembly.service("apex")["NetworkConfiguration"]["AwsvpcConfiguration"]["SecurityGroups"]
    groups[:] = [each for each in groups if "CallersOfagoraapp" not in str(each)]


def _two_of_a_name(assembly: FaultyTemplates) -> None:
    containers = assembly.of("api", "ECS::TaskDefinition")["ContainerDefinitions"]
    containers.append({"Name": containers[0]["Name"], "Image": "docker.io/library/busybox:1", "Essential": False})


def _waits_for_no_one(assembly: FaultyTemplates) -> None:
    assembly.container("api")["DependsOn"] = [{"ContainerName": "migrate", "Condition": "SUCCESS"}]


def _ecr(assembly: FaultyTemplates) -> None:
    assembly.container("app")["Image"] = "607346494281.dkr.ecr.us-east-1.amazonaws.com/agora/app:1.0"


def _rule(port: int, kind: str) -> Callable[[FaultyTemplates], None]:
    return lambda assembly: assembly.of("apex", kind).update(FromPort=port, ToPort=port)


FAULTS = (
    Fault("Service Connect names no port", lambda a: a.container("api")["PortMappings"][0].update(Name="http")),
    Fault("balancer's port is not mapped", lambda a: a.service("apex")["LoadBalancers"][0].update(ContainerPort=8080)),
    Fault("balancer's container is unknown", lambda a: a.service("apex")["LoadBalancers"][0].update(ContainerName="x")),
    Fault("stop timeout over the limit", lambda a: a.container("api").update(StopTimeout=180)),
    Fault(
        "ephemeral storage too small",
        lambda a: a.of("api", "ECS::TaskDefinition").update(EphemeralStorage={"SizeInGiB": 20}),
    ),
    Fault("health check every 2 s", lambda a: _health_command(a, Interval=2)),
    Fault("start period of 10 min", lambda a: _health_command(a, StartPeriod=600)),
    Fault("mount of an undeclared volume", lambda a: a.of("apex", "ECS::TaskDefinition")["Volumes"].pop()),
    Fault("dependency on an unknown container", _waits_for_no_one),
    Fault("two containers of a name", _two_of_a_name),
    Fault(
        "variables over 64 KiB",
        lambda a: a.container("api")["Environment"].append({"Name": "RULES", "Value": "x" * 66_000}),
    ),
    Fault("variable and secret of a name", lambda a: a.container("api")["Secrets"][0].update(Name="MONGODB_HOST")),
    Fault("privileged on Fargate", lambda a: a.container("api").update(Privileged=True)),
    Fault("another host port in awsvpc", lambda a: a.container("api")["PortMappings"][0].update(HostPort=80)),
    Fault("container larger than its task", lambda a: a.container("api").update(MemoryReservation=4096)),
    Fault("no capacity providers", lambda a: a.drop("ecs", "Cluster3DA9CCBA")),
    Fault("no right to the secret", lambda a: _without(a.statements("api", "Execution"), "secretsmanager"), False),
    Fault("no right to the logs", lambda a: _without(a.statements("app", "Execution"), "logs:"), False),
    Fault("image in ECR without the right", _ecr, False),
    Fault(
        "role of another service",
        lambda a: a.of("api", "IAM::Role", 1)["AssumeRolePolicyDocument"]["Statement"][0].update(
            Principal={"Service": "ec2.amazonaws.com"}
        ),
    ),
    Fault("exec without ssmmessages", lambda a: _without(a.statements("api", "TaskRole"), "ssmmessages"), False),
    Fault(
        "no room to roll",
        lambda a: a.service("api")["DeploymentConfiguration"].update(MaximumPercent=100),
        False,
    ),
    Fault("target type instance", lambda a: a.of("apex", "TargetGroup").update(TargetType="instance")),
    Fault(
        "target health timeout over the interval",
        lambda a: a.of("apex", "TargetGroup").update(HealthCheckTimeoutSeconds=15),
    ),
    Fault(
        "drain of two hours",
        lambda a: _attribute(a.of("apex", "TargetGroup"), "deregistration_delay.timeout_seconds", "7200"),
    ),
    Fault("HTTPS without certificate", lambda a: a.of("apex", "Listener")["Certificates"].clear()),
    Fault(
        "unknown TLS policy", lambda a: a.of("apex", "Listener").update(SslPolicy="ELBSecurityPolicy-TLS13-1-2-2021")
    ),
    Fault("balancer allowed in on another port", _rule(8080, "SecurityGroupIngress"), False),
    Fault("balancer allowed out on another port", _rule(8080, "SecurityGroupEgress"), False),
    Fault("service outside the database's callers", _without_database_group, False),
    Fault("caller outside a callee's callers", _without_callee_group, False),
    Fault(
        "database allows another port",
        lambda a: a.of("docdb-v8", "SecurityGroupIngress").update(FromPort=27018, ToPort=27018),
        False,
    ),
    Fault("private subnet without a route", _no_default_route, False),
    Fault("NAT gateway in a private subnet", _nat_in_a_private_subnet, False),
    Fault("two WAF rules of a priority", lambda a: a.of("load-balancer", "WebACL")["Rules"][1].update(Priority=0)),
    Fault(
        "rate limit under the least",
        lambda a: a.of("load-balancer", "WebACL")["Rules"][3]["Statement"]["RateBasedStatement"].update(Limit=5),
    ),
    Fault("alarm every 45 s", lambda a: a.of("api", "CloudWatch::Alarm").update(Period=45)),
    Fault(
        "parameter family of another version",
        lambda a: a.of("docdb-v8", "DBClusterParameterGroup").update(Family="docdb5.0"),
    ),
    Fault("smallest count above the largest", lambda a: a.of("api", "ScalableTarget").update(MinCapacity=5)),
    Fault(
        "rollback on a missing alarm",
        lambda a: a.service("api")["DeploymentConfiguration"]["Alarms"]["AlarmNames"].append("agora-dev-api-errors"),
    ),
)
# Drawn by `random.Random(13).sample(range(40), 15)`.
HELD_BACK = frozenset(FAULTS[index].name for index in (0, 4, 6, 8, 9, 11, 14, 16, 17, 18, 23, 27, 35, 36, 37))
