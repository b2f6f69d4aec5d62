from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_logs as logs
from aws_cdk.assertions import Match, Template

from portside.config.deferred_values import DatabaseHost, DatabasePort, DatabaseSecret, ImageCommit, ImageVersion
from portside.config.environment_values import RETENTION_DAYS
from portside.config.image_reference import IMAGE_COMMIT_OUTPUT, IMAGE_DIGEST_OUTPUT, IMAGE_OUTPUT, UNKNOWN_COMMIT
from portside.config.service_props import DATABASE, Call, ContainerVolume, HealthCheck, Permission, ServiceSecret
from portside.errors import UsageError
from portside.images.resolved_image import ResolvedImage
from portside.stacks.task_stack import RETENTION
from tests.unit.configuration_support import CERTIFICATE_ID
from tests.unit.stacks_support import (
    ENVIRONMENTS,
    SERVICES,
    Json,
    Parts,
    app_props,
    configuration,
    environment,
    images_of,
    moving_templates,
    of_type,
    properties,
    references,
    settled_templates,
    stack,
)


def container(template: Json) -> Json:
    [only] = properties(template, "AWS::ECS::TaskDefinition")["ContainerDefinitions"]
    return only  # type: ignore[no-any-return]


def service(template: Json) -> Json:
    return properties(template, "AWS::ECS::Service")


def statements(template: Json, role: str) -> list[Json]:
    return [
        statement
        for policy in of_type(template, "AWS::IAM::Policy").values()
        if role in str(policy["Properties"]["Roles"])
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]


def test_a_service_is_made_as_other_peoples_code_makes_it() -> None:
    template = Parts().service(
        app_props(
            container_secrets=[ServiceSecret(secret_name="/app/secret", environment_key="APP_SECRET")],
            container_volumes=[ContainerVolume(path="/work")],
            container_command=["test"],
            container_healthcheck=ecs.HealthCheck(command=["CMD", "/healthcheck"]),
        )
    )
    Template.from_json(template).has_resource_properties(
        "AWS::ECS::TaskDefinition",
        {
            "ContainerDefinitions": [
                {
                    "Image": "ghcr.io/sage-bionetworks/app:1.0",
                    "MemoryReservation": 200,
                    "MountPoints": [{"ContainerPath": "/work"}],
                    "Secrets": [{"Name": "APP_SECRET"}],
                    "Command": ["test"],
                    "HealthCheck": {"Command": ["CMD", "/healthcheck"]},
                }
            ]
        },
    )


def test_values_known_only_later_come_from_the_cdk_or_from_the_database() -> None:
    parts = Parts()
    props = app_props(
        container_env_vars={
            "TOKEN": parts.docdb.cluster.cluster_endpoint.hostname,
            "HOST": DatabaseHost(),
            "PORT": DatabasePort(),
        },
        container_secrets=[ServiceSecret(DatabaseSecret("password"), "PASS")],
        calls=[Call(DATABASE, 27017)],
    )
    found = container(parts.service(props, database=parts.docdb.database))
    values = {each["Name"]: each["Value"] for each in found["Environment"]}
    assert values["TOKEN"] == values["HOST"]
    assert "DocDbCluster" in str(values["HOST"])
    assert values["PORT"] == "27017"
    assert "DocDbMasterPassword" in str(found["Secrets"][0]["ValueFrom"])


DIGEST, COMMIT = f"sha256:{'a' * 64}", "1234567a9f8271f4f03ff98b87392ae16749fbb0"
RESOLVED = ResolvedImage("ghcr.io/org/app", "4.2.0", DIGEST, COMMIT, "linux/amd64", "2026-11-23T12:00:00+00:00")
SHOWS_ITS_IMAGE = app_props(container_env_vars={"VERSION": ImageVersion(), "COMMIT": ImageCommit()})


def variables(template: Json) -> dict[str, str]:
    return {each["Name"]: each["Value"] for each in container(template).get("Environment", [])}


def outputs(template: Json) -> dict[str, Json]:
    named = (IMAGE_OUTPUT, IMAGE_DIGEST_OUTPUT, IMAGE_COMMIT_OUTPUT)
    return {name: output for name, output in template.get("Outputs", {}).items() if name in named}


def test_an_image_that_was_resolved_is_deployed_by_its_digest_and_passed_to_its_container() -> None:
    template = Parts().service(SHOWS_ITS_IMAGE, image=RESOLVED)
    assert container(template)["Image"] == f"ghcr.io/org/app@{DIGEST}"
    assert variables(template) == {"VERSION": "4.2.0", "COMMIT": "1234567a"}


def test_a_deferred_value_inside_a_text_is_the_right_value_in_the_template() -> None:
    release, uri = f"agora@{ImageVersion()}+{ImageCommit()}", f"mongodb://{DatabaseHost()}:{DatabasePort()}/agora"
    parts = Parts()
    props = app_props(
        container_env_vars={"RELEASE": release, "URI": uri, "HOST": DatabaseHost()}, calls=[Call(DATABASE, 27017)]
    )
    found: Json = variables(parts.service(props, image=RESOLVED, database=parts.docdb.database))
    assert found["RELEASE"] == "agora@4.2.0+1234567a"
    assert found["URI"] == {"Fn::Join": ["", ["mongodb://", found["HOST"], ":27017/agora"]]}


def test_the_stack_tells_by_which_tag_its_image_was_chosen_and_exports_none_of_it() -> None:
    assert outputs(Parts().service(SHOWS_ITS_IMAGE, image=RESOLVED)) == {
        IMAGE_OUTPUT: {"Value": "ghcr.io/org/app:4.2.0"},
        IMAGE_DIGEST_OUTPUT: {"Value": DIGEST},
        IMAGE_COMMIT_OUTPUT: {"Value": COMMIT},
    }


def test_a_commit_that_no_one_knows_is_said_to_be_unknown() -> None:
    template = Parts().service(SHOWS_ITS_IMAGE, image=dataclasses.replace(RESOLVED, commit=None))
    assert variables(template)["COMMIT"] == outputs(template)[IMAGE_COMMIT_OUTPUT]["Value"] == UNKNOWN_COMMIT


@pytest.mark.parametrize(
    ("location", "version"),
    [("ghcr.io/org/app:1.0", "1.0"), (f"ghcr.io/org/app@{DIGEST}", "unversioned"), ("path://docker", "unversioned")],
)
def test_an_image_that_was_not_looked_up_is_deployed_as_it_is_named_and_no_output_names_it(
    location: str, version: str
) -> None:
    props = dataclasses.replace(SHOWS_ITS_IMAGE, container_location=location)
    template = Parts().service(props, rehearsed=True)
    assert variables(template) == {"VERSION": version, "COMMIT": UNKNOWN_COMMIT}
    assert outputs(template) == {}


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_container_runs_the_image_that_was_resolved_and_its_stack_names_it(name: str) -> None:
    images = images_of(name).images
    for props in configuration().services_of(name):
        image = images[props.container_location]
        template = stack(name, props.container_name.removeprefix("agora-"))
        assert container(template)["Image"] == image.reference
        assert outputs(template) == {
            IMAGE_OUTPUT: {"Value": f"{image.name}:{image.tag}"},
            IMAGE_DIGEST_OUTPUT: {"Value": image.digest},
            IMAGE_COMMIT_OUTPUT: {"Value": image.commit},
        }


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_app_gets_the_version_and_the_commit_of_the_image_that_it_is(name: str) -> None:
    image = images_of(name).images[f"ghcr.io/sage-bionetworks/agora-app:{environment(name).ghcr_package_version}"]
    reported = variables(stack(name, "app"))
    assert reported["APP_VERSION"] == reported["SENTRY_RELEASE"] == image.tag
    assert reported["COMMIT_SHA"] == image.short_commit
    assert image.commit
    assert image.commit.startswith(reported["COMMIT_SHA"])


def test_a_service_that_needs_the_database_is_reported_when_it_is_given_none() -> None:
    with pytest.raises(UsageError, match="database"):
        Parts().service(app_props(container_env_vars={"HOST": DatabaseHost()}))


def test_a_secret_is_read_by_its_name_and_field_and_nothing_else_may_be() -> None:
    secrets = [ServiceSecret("one", "WHOLE"), ServiceSecret("one", "FIELD", json_field="user")]
    template = Parts().service(app_props(container_secrets=secrets))
    whole, field = (str(secret["ValueFrom"]) for secret in container(template)["Secrets"])
    assert ":secret:one'" in whole
    assert ":secret:one:user::" in field
    reading = [each for each in statements(template, "ExecutionRole") if "secretsmanager" in str(each["Action"])]
    assert all(":secret:one-??????" in str(each["Resource"]) for each in reading)
    assert reading


def test_several_volumes_have_their_own_names_and_room() -> None:
    volumes = [ContainerVolume("/a/b", 20), ContainerVolume("/a-b", 25, read_only=True)]
    template = Parts().service(app_props(container_volumes=volumes))
    definition = properties(template, "AWS::ECS::TaskDefinition")
    assert len({volume["Name"] for volume in definition["Volumes"]}) == 2
    assert definition["EphemeralStorage"] == {"SizeInGiB": 45}
    assert [mount["ReadOnly"] for mount in container(template)["MountPoints"]] == [False, True]


def test_a_task_role_starts_empty_and_rights_are_opted_into() -> None:
    assert statements(Parts().service(app_props(ecs_exec=False)), "TaskRole") == []
    permission = Permission(["s3:GetObject"], ["arn:aws:s3:::data/*"], "all of the data is the service's")
    [statement] = statements(Parts().service(app_props(ecs_exec=False, permissions=[permission])), "TaskRole")
    assert (statement["Action"], statement["Resource"]) == ("s3:GetObject", "arn:aws:s3:::data/*")


def test_exec_adds_the_rights_of_its_channels_only() -> None:
    template = Parts().service(app_props(ecs_exec=True))
    [statement] = statements(template, "TaskRole")
    assert service(template)["EnableExecuteCommand"] is True
    assert all(action.startswith("ssmmessages:") for action in statement["Action"])


@pytest.mark.parametrize(("name", "on"), [("dev", True), ("stage", True), ("prod", False)])
def test_exec_is_on_in_dev_and_stage_and_off_in_prod(name: str, on: bool) -> None:
    assert {service(stack(name, part))["EnableExecuteCommand"] for part in SERVICES} == {on}


def test_exec_on_a_read_only_root_gets_the_folders_that_its_agent_writes() -> None:
    found = container(Parts().service(app_props(ecs_exec=True, read_only_root=True)))
    assert found["ReadonlyRootFilesystem"] is True
    assert {mount["ContainerPath"] for mount in found["MountPoints"]} == {"/var/lib/amazon", "/var/log/amazon"}
    assert "MountPoints" not in container(Parts().service(app_props(ecs_exec=False, read_only_root=True)))


def test_the_execution_role_may_pull_the_agent_of_guardduty_write_its_logs_read_its_secrets_and_nothing_else() -> None:
    template = stack("dev", "app")
    assert not [
        role for role in of_type(template, "AWS::IAM::Role").values() if "ManagedPolicyArns" in role["Properties"]
    ]
    rights = {str(each["Action"]): each["Resource"] for each in statements(template, "ExecutionRole")}
    logs = [{"Fn::GetAtt": [name, "Arn"]} for name in of_type(template, "AWS::Logs::LogGroup")]
    assert sorted(rights) == [
        "['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer']",
        "['logs:CreateLogStream', 'logs:PutLogEvents']",
        "['secretsmanager:DescribeSecret', 'secretsmanager:GetSecretValue']",
        "ecr:GetAuthorizationToken",
    ]
    agent = rights["['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer']"]
    assert agent == "arn:aws:ecr:*:*:repository/aws-guardduty-agent-fargate"
    written = rights["['logs:CreateLogStream', 'logs:PutLogEvents']"]
    assert sorted(map(str, written)) == sorted(map(str, logs))
    secret = json.dumps(rights["['secretsmanager:DescribeSecret', 'secretsmanager:GetSecretValue']"])
    assert ":secret:agora-sentry-dsn-??????" in secret


ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/app"


def test_an_image_in_ecr_is_pulled_with_the_right_to_its_repository_alone() -> None:
    template = Parts().service(app_props(container_location=f"{ECR}:1.0"))
    assert container(template)["Image"] == f"{ECR}:1.0"
    pulls = [each for each in statements(template, "ExecutionRole") if "ecr:BatchGetImage" in each["Action"]]
    assert [each["Resource"] for each in pulls] == [
        [
            "arn:aws:ecr:*:*:repository/aws-guardduty-agent-fargate",
            "arn:aws:ecr:eu-west-1:123456789012:repository/team/app",
        ]
    ]
    assert not [each for each in statements(template, "TaskRole") if "ecr:" in str(each["Action"])]


def test_an_image_is_built_for_fargate_s_platform_on_every_machine(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n", encoding="utf-8")
    parts = Parts()
    template = parts.service(app_props(container_location=f"path://{tmp_path}"))
    [assets] = Path(parts.app.synth().directory).glob("app*.assets.json")
    [image] = json.loads(assets.read_text(encoding="utf-8"))["dockerImages"].values()
    assert image["source"]["platform"] == "linux/amd64"
    pulls = [each for each in statements(template, "ExecutionRole") if "ecr:BatchGetImage" in each["Action"]]
    assert "cdk-hnb659fds-container-assets-" in json.dumps([each["Resource"] for each in pulls])


def test_a_private_image_is_pulled_with_its_secret_which_only_the_execution_role_reads() -> None:
    template = Parts().service(app_props(container_location="ghcr.io/org/app:1.0", registry_credentials="app/registry"))
    parameter = json.dumps(container(template)["RepositoryCredentials"]["CredentialsParameter"])
    assert ":secret:app/registry" in parameter
    reads = [each for each in statements(template, "ExecutionRole") if "secretsmanager" in str(each["Action"])]
    assert ":secret:app/registry-??????" in json.dumps([each["Resource"] for each in reads])
    assert len(reads) == 1
    assert "registry" not in json.dumps(statements(template, "TaskRole"))
    assert "RepositoryCredentials" not in container(Parts().service(app_props()))


@pytest.mark.parametrize("part", SERVICES)
def test_a_task_starts_when_its_rights_are_there(part: str) -> None:
    [made] = of_type(stack("dev", part), "AWS::ECS::Service").values()
    policies = [key for key in of_type(stack("dev", part), "AWS::IAM::Policy") if key.startswith("ExecutionRole")]
    assert set(policies) <= set(made["DependsOn"])
    assert policies


@pytest.mark.parametrize("name", ENVIRONMENTS)
@pytest.mark.parametrize("part", SERVICES)
def test_a_first_process_hands_signals_on_and_reaps(name: str, part: str) -> None:
    assert container(stack(name, part))["LinuxParameters"]["InitProcessEnabled"] is True


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_the_root_is_read_only_where_the_image_allows_it_and_what_is_written_has_a_volume(name: str) -> None:
    read_only = {part for part in SERVICES if container(stack(name, part)).get("ReadonlyRootFilesystem")}
    assert read_only == {"api", "apex"}
    mounted = {mount["ContainerPath"] for mount in container(stack(name, "apex"))["MountPoints"]}
    assert {"/config", "/data"} <= mounted


def test_a_container_runs_as_the_user_of_the_configuration_or_as_its_image_says() -> None:
    assert container(Parts().service(app_props(user="1000:1000")))["User"] == "1000:1000"
    assert "User" not in container(Parts().service(app_props()))


def test_browsers_are_sent_to_https_only_without_naming_the_server() -> None:
    listeners = of_type(stack("prod", "apex"), "AWS::ElasticLoadBalancingV2::Listener").values()
    [https] = [each["Properties"] for each in listeners if each["Properties"]["Port"] == 443]
    assert {
        each["Key"].removeprefix("routing.http.response."): each["Value"] for each in https["ListenerAttributes"]
    } == {
        "strict_transport_security.header_value": "max-age=31536000",
        "x_content_type_options.header_value": "nosniff",
        "server.enabled": "false",
    }


@pytest.mark.parametrize("name", ENVIRONMENTS)
@pytest.mark.parametrize("part", SERVICES)
def test_someone_is_notified_when_fewer_tasks_run_than_the_configuration_wants(name: str, part: str) -> None:
    [alarm] = [
        each["Properties"]
        for each in of_type(stack(name, part), "AWS::CloudWatch::Alarm").values()
        if each["Properties"]["AlarmName"] == f"agora-{name}-{part}-too-few-tasks"
    ]
    assert (alarm["Threshold"], alarm["ComparisonOperator"]) == (environment(name).auto_scale_min, "LessThanThreshold")
    assert (alarm["MetricName"], alarm["Statistic"], alarm["TreatMissingData"]) == (
        "CPUUtilization",
        "SampleCount",
        "breaching",
    )
    assert alarm["AlarmActions"] == [environment(name).alarm_topic_arn]


def test_our_health_check_becomes_ecs_own() -> None:
    check = HealthCheck(("CMD-SHELL", "curl -f http://localhost:8010/"), interval_seconds=15, start_period_seconds=30)
    found = container(Parts().service(app_props(container_healthcheck=check)))["HealthCheck"]
    assert found == {
        "Command": ["CMD-SHELL", "curl -f http://localhost:8010/"],
        "Interval": 15,
        "Retries": 3,
        "StartPeriod": 30,
        "Timeout": 5,
    }


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_tasks_have_the_size_that_the_configuration_gives(name: str) -> None:
    for props in configuration().services_of(name):
        template = stack(name, props.container_name.removeprefix("agora-"))
        definition = properties(template, "AWS::ECS::TaskDefinition")
        assert (definition["Cpu"], definition["Memory"]) == (str(props.task_size.cpu), str(props.task_size.memory))
        assert container(template)["StopTimeout"] == props.stop_timeout_seconds


def test_capacity_is_on_demand_and_a_weight_adds_spot() -> None:
    assert service(stack("prod", "api"))["CapacityProviderStrategy"] == [
        {"Base": 1, "CapacityProvider": "FARGATE", "Weight": 1}
    ]
    spotted = service(Parts().service(app_props(spot_weight=2)))["CapacityProviderStrategy"]
    assert spotted == [
        {"Base": 1, "CapacityProvider": "FARGATE", "Weight": 0},
        {"CapacityProvider": "FARGATE_SPOT", "Weight": 2},
    ]


def test_a_deployment_adds_before_it_removes_and_fails_after_the_failures_named() -> None:
    deployment = service(Parts().service(app_props(deployment_failure_threshold=5)))["DeploymentConfiguration"]
    assert (deployment["MinimumHealthyPercent"], deployment["MaximumPercent"]) == (100, 200)
    assert deployment["DeploymentCircuitBreaker"] == {
        "Enable": True,
        "Rollback": True,
        "ThresholdConfiguration": {"Type": "COUNT", "Value": 5},
    }


@pytest.mark.parametrize("part", SERVICES)
def test_a_deployment_that_breaks_the_site_is_rolled_back(part: str) -> None:
    configured = service(stack("prod", part))["DeploymentConfiguration"]["Alarms"]
    expected = {"agora-prod-load-balancer-server-errors", "agora-prod-load-balancer-slow-answers"}
    expected |= {"agora-prod-apex-unhealthy-targets"} if part == "apex" else set()
    assert (set(configured["AlarmNames"]), configured["Enable"], configured["Rollback"]) == (expected, True, True)
    made = {
        each["Properties"]["AlarmName"]
        for where in ("load-balancer", "apex")
        for each in of_type(stack("prod", where), "AWS::CloudWatch::Alarm").values()
    }
    assert expected <= made


@pytest.mark.parametrize("name", ENVIRONMENTS)
@pytest.mark.parametrize("part", SERVICES)
def test_scaling_has_its_limits_from_the_configuration_and_a_deployment_leaves_the_running_count_alone(
    name: str, part: str
) -> None:
    template = stack(name, part)
    target = properties(template, "AWS::ApplicationAutoScaling::ScalableTarget")
    assert (target["MinCapacity"], target["MaxCapacity"]) == (
        environment(name).auto_scale_min,
        environment(name).auto_scale_max,
    )
    assert "DesiredCount" not in service(template)
    policy = properties(template, "AWS::ApplicationAutoScaling::ScalingPolicy")[
        "TargetTrackingScalingPolicyConfiguration"
    ]
    assert policy["PredefinedMetricSpecification"] == {"PredefinedMetricType": "ECSServiceAverageCPUUtilization"}


@pytest.mark.parametrize("part", SERVICES)
def test_tasks_run_in_private_subnets_without_public_addresses(part: str) -> None:
    network = service(stack("dev", part))["NetworkConfiguration"]["AwsvpcConfiguration"]
    assert network["AssignPublicIp"] == "DISABLED"
    assert all("PrivateSubnet" in str(subnet) for subnet in network["Subnets"])


def groups(part: str) -> list[str]:
    carried = service(stack("dev", part))["NetworkConfiguration"]["AwsvpcConfiguration"]["SecurityGroups"]
    return [str(group) for group in carried]


def test_callers_carry_the_groups_of_those_they_call() -> None:
    for props in configuration().services_of("dev"):
        own, *carried = groups(props.container_name.removeprefix("agora-"))
        assert "ServiceSecurityGroup" in own
        assert len(carried) == len(props.calls)
        for call, group in zip(props.calls, carried, strict=True):
            expected = "agora-dev-docdb-v8" if call.service == DATABASE else f"CallersOf{call.service.replace('-', '')}"
            assert expected in group


@pytest.mark.parametrize("part", ["api", "api-next", "api-docs", "app"])
def test_a_callee_accepts_only_members_of_its_callers_group(part: str) -> None:
    template = settled_templates("dev")[f"agora-dev-{part}"]
    rules = [rule["Properties"] for rule in of_type(template, "AWS::EC2::SecurityGroupIngress").values()]
    sources = [str(rule["SourceSecurityGroupId"]) for rule in rules]
    assert f"CallersOfagora{part.replace('-', '')}" in sources[0]
    # apex has four calls: with a fifth its tasks would carry this group.
    assert "CallsOfagoraapex" in sources[1]
    port = container(template)["PortMappings"][0]["ContainerPort"]
    assert {(rule["FromPort"], rule["ToPort"]) for rule in rules} == {(port, port)}
    assert len(rules) == 2
    assert "SecurityGroupIngress" not in properties(template, "AWS::EC2::SecurityGroup")


def test_the_public_service_accepts_the_load_balancer_only_which_can_reach_nothing_else() -> None:
    template = settled_templates("dev")["agora-dev-apex"]
    [ingress] = [rule["Properties"] for rule in of_type(template, "AWS::EC2::SecurityGroupIngress").values()]
    [egress] = [rule["Properties"] for rule in of_type(template, "AWS::EC2::SecurityGroupEgress").values()]
    assert references(ingress["SourceSecurityGroupId"]) == references(egress["GroupId"]) == {"agora-dev-load-balancer"}
    assert ingress["FromPort"] == egress["FromPort"] == 80
    assert "SecurityGroupIngress" not in properties(template, "AWS::EC2::SecurityGroup")


def test_callers_that_still_run_without_a_group_get_in_while_an_environment_is_taken_over() -> None:
    group = properties(moving_templates("dev")["agora-dev-api"], "AWS::EC2::SecurityGroup")
    assert [rule["CidrIp"] for rule in group["SecurityGroupIngress"]] == [environment("dev").vpc_cidr]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_no_service_stack_refers_to_another(name: str) -> None:
    services = {environment(name).stack_name(part) for part in SERVICES}
    for part in SERVICES:
        assert not references(stack(name, part)) & services


def test_https_is_modern_and_http_is_redirected_to_it() -> None:
    listeners = {
        key: each["Properties"]
        for key, each in of_type(stack("prod", "apex"), "AWS::ElasticLoadBalancingV2::Listener").items()
    }
    https, http = listeners["HttpsListener1C292967"], listeners["HttpListenerC38EAD1B"]
    assert (https["Port"], https["SslPolicy"]) == (443, "ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09")
    assert https["Certificates"] == [{"CertificateArn": environment("prod").certificate_arn}]
    assert http["DefaultActions"][0]["RedirectConfig"] == {"Port": "443", "Protocol": "HTTPS", "StatusCode": "HTTP_301"}


def _listeners(template: Json) -> dict[str, Json]:
    return {
        name: each
        for name, each in template["Resources"].items()
        if each["Type"].startswith("AWS::ElasticLoadBalancingV2::")
    }


def test_without_a_certificate_port_80_serves_from_the_same_target_group() -> None:
    plain, secure = (
        _listeners(Parts().public_service(app_props(), certificate)) for certificate in ("", CERTIFICATE_ID)
    )
    assert plain.keys() == {"HttpListenerC38EAD1B", "HttpsListenerHttpsTargetGroupC1FAA79B"}
    assert secure.keys() - plain.keys() == {"HttpsListener1C292967"}
    group = "HttpsListenerHttpsTargetGroupC1FAA79B"
    assert plain[group] == secure[group]
    http = plain["HttpListenerC38EAD1B"]["Properties"]
    assert http["DefaultActions"] == [{"Type": "forward", "TargetGroupArn": {"Ref": group}}]
    unchanged = {"Port", "Protocol", "LoadBalancerArn"}
    after = secure["HttpListenerC38EAD1B"]["Properties"]
    assert {key: http[key] for key in unchanged} == {key: after[key] for key in unchanged}
    assert http.keys() == after.keys()


@pytest.mark.parametrize(
    ("certificate", "listener"), [("", "HttpListenerC38EAD1B"), (CERTIFICATE_ID, "HttpsListener1C292967")]
)
def test_a_public_service_waits_for_the_listener_of_its_target_group(certificate: str, listener: str) -> None:
    resources = Parts().public_service(app_props(), certificate)["Resources"]
    assert listener in next(each for each in resources.values() if each["Type"] == "AWS::ECS::Service")["DependsOn"]


def test_a_certificate_is_named_by_its_id_or_its_arn() -> None:
    arn = "arn:aws:acm:us-east-1:607346494281:certificate/e8093404-7db1-4042-90d0-01eb5bde1ffc"

    def certificate(written: str) -> str:
        template = Parts().public_service(app_props(), written)
        return str(template["Resources"]["HttpsListener1C292967"]["Properties"]["Certificates"])

    assert arn in certificate(arn)
    assert ":certificate/e8093404-7db1-4042-90d0-01eb5bde1ffc" in certificate("e8093404-7db1-4042-90d0-01eb5bde1ffc")


def test_the_load_balancer_asks_quickly_and_deregisters_quickly() -> None:
    template = stack("prod", "apex")
    group = properties(template, "AWS::ElasticLoadBalancingV2::TargetGroup")
    assert (group["HealthCheckPath"], group["HealthCheckIntervalSeconds"], group["HealthyThresholdCount"]) == (
        "/health",
        10,
        2,
    )
    assert {"Key": "deregistration_delay.timeout_seconds", "Value": "20"} in group["TargetGroupAttributes"]
    assert service(template)["HealthCheckGracePeriodSeconds"] == 60


def test_another_health_check_path_can_be_given() -> None:
    template = Parts().public_service(app_props(health_check_grace_seconds=90), health_check_path="/alive")
    Template.from_json(template).has_resource_properties(
        "AWS::ElasticLoadBalancingV2::TargetGroup",
        {"HealthCheckPath": "/alive", "Port": 80, "VpcId": Match.any_value()},
    )
    assert service(template)["HealthCheckGracePeriodSeconds"] == 90


@pytest.mark.parametrize("port", [80, 3000])
def test_the_target_group_keeps_its_port_whatever_the_containers_is(port: int) -> None:
    """A port that changes replaces the target group, and ECS registers each task with its container's port anyway."""
    template = Parts().public_service(app_props(container_port=port))
    assert properties(template, "AWS::ElasticLoadBalancingV2::TargetGroup")["Port"] == 80
    balanced = properties(template, "AWS::ECS::Service")["LoadBalancers"]
    assert [each["ContainerPort"] for each in balanced] == [port]
    kept = Parts().public_service(app_props(container_port=port, target_group_port=port))
    assert properties(kept, "AWS::ElasticLoadBalancingV2::TargetGroup")["Port"] == port


@pytest.mark.parametrize("days", RETENTION_DAYS)
def test_logs_are_kept_as_many_days_as_configured(days: int) -> None:
    stack = cdk.Stack()
    logs.LogGroup(stack, "LogGroup", retention=RETENTION[days])
    assert properties(dict(Template.from_stack(stack).to_json()), "AWS::Logs::LogGroup")["RetentionInDays"] == days


def test_nothing_connects_to_a_worker() -> None:
    template = dict(Parts().service(app_props(container_port=None)))
    assert "PortMappings" not in container(template)
    connect = service(template)["ServiceConnectConfiguration"]
    assert connect["Enabled"] is True, "it can call others"
    assert not connect.get("Services")
    [group] = of_type(template, "AWS::EC2::SecurityGroup").values()
    assert "SecurityGroupIngress" not in group["Properties"]
