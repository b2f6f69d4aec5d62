"""`--from` takes over the app.py of a previous app, and lists the rest."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from portside.cli.main import run
from portside.config.configuration import Configuration, load_configuration
from portside.config.deferred_values import DatabaseHost, DatabaseSecret, ImageCommit, ImageVersion
from portside.config.service_props import DATABASE
from portside.errors import UsageError
from portside.scaffold.conversion import take_over
from tests.unit.scaffold.support import RUFF, wheel_in

EARLIER = """
from os import environ
import aws_cdk as cdk
from src.service_props import ServiceProps, ServiceSecret

stage_of_life = environ.get("ENV")
match stage_of_life:
    case "stage":
        environment_variables = {
            "VPC_CIDR": "10.30.1.0/24",
            "FQDN": "lights-stage.example.org",
            "CERTIFICATE_ARN": "arn:aws:acm:us-east-1:111122223333:certificate/22222222-7db1-4042-90d0-01eb5bde1ffc",
            "TAGS": {"CostCenter": "Lights / 1"},
            "AUTO_SCALE_CAPACITY": {"min": 2, "max": 4},
            "GHCR_PACKAGE_VERSION": "1.2.0",
            "FEATURES": {"beam": True},
        }
    case "dev":
        environment_variables = {
            "VPC_CIDR": "10.30.0.0/24",
            "FQDN": "lights-dev.example.org",
            "CERTIFICATE_ID": "22222222-7db1-4042-90d0-01eb5bde1ffc",
            "TAGS": {"CostCenter": "Lights / 1"},
            "AUTO_SCALE_CAPACITY": {"min": 1, "max": 2},
            "GHCR_PACKAGE_VERSION": "edge",
        }
    case _:
        raise SystemExit("no")

site = environment_variables["FQDN"]
version = environment_variables["GHCR_PACKAGE_VERSION"]
store_port = 27017
lamp_version = get_image_version("lamp", version)
commit = get_short_commit_sha("mono", lamp_version, version)
app = cdk.App()
network = NetworkStack(app, f"lights-{stage_of_life}-network", vpc_cidr=environment_variables["VPC_CIDR"])
store = DocdbStack(app, f"lights-{stage_of_life}-docdb", network.vpc, store_props)
lamp_props = ServiceProps(
    container_name="lights-lamp",
    container_location=f"ghcr.io/example/lamp:{lamp_version}",
    container_port=3333,
    container_memory_reservation=1024,
    container_env_vars={
        "STORE_HOST": store.cluster.cluster_endpoint.hostname,
        "STORE_PORT": f"{store_port}",
        "MODE": stage_of_life,
        "VERSION": lamp_version,
        "COMMIT": commit,
        "SHADE": compute_shade(),
    },
    container_secrets=[ServiceSecret(store.master_password_secret.secret_name, environment_key="STORE_PASS")],
    auto_scale_min_capacity=environment_variables["AUTO_SCALE_CAPACITY"]["min"],
    auto_scale_max_capacity=environment_variables["AUTO_SCALE_CAPACITY"]["max"],
    colour="red",
)
lamp_stack = ServiceStack(scope=app, construct_id="x", vpc=network.vpc, cluster=ecs.cluster, props=lamp_props)
front_props = ServiceProps(
    container_name="lights-front",
    container_location=f"ghcr.io/example/front:{version}",
    container_port=80,
    container_env_vars={"LAMP": f"http://lights-lamp:{lamp_props.container_port}/v1", "SELF": f"https://{site}/{{id}}"},
)
front = LoadBalancedServiceStack(
    scope=app, construct_id="y", props=front_props, load_balancer=balancer.alb, health_check_path="/health"
)
bastion = BastionStack(scope=app, construct_id="z", vpc=network.vpc, props=bastion_props)
app.synth()
"""


def _new(folder: Path, text: str = EARLIER) -> int:
    (folder / "old.py").write_text(text)
    words = ["--from", str(folder / "old.py"), "--account", "111122223333", "--package", str(wheel_in(folder)), "--yes"]
    return run(["new", str(folder / "lights"), *words])


@pytest.fixture
def taken(tmp_path: Path) -> Configuration:
    assert _new(tmp_path) == 0
    return load_configuration(tmp_path / "lights" / "app.py", acting_on=["dev"])


def test_the_environments_are_taken_over_with_the_keys_that_exist(taken: Configuration) -> None:
    assert list(taken.environments) == ["dev", "stage"]
    stage = taken.environment("stage")
    assert (stage.vpc_cidr, stage.fqdn, stage.auto_scale_max) == ("10.30.1.0/24", "lights-stage.example.org", 4)
    assert stage.certificate_arn.endswith("22222222-7db1-4042-90d0-01eb5bde1ffc")
    assert stage.database_kind is not None
    assert stage.database_kind.name == "documentdb"


def test_the_services_are_taken_over_with_what_was_computed(taken: Configuration) -> None:
    lamp, front = taken.services_of("dev")
    assert lamp.container_location == "ghcr.io/example/lamp:edge"
    assert lamp.container_env_vars == {
        "STORE_HOST": DatabaseHost(),
        "STORE_PORT": "27017",
        "MODE": "dev",
        "VERSION": ImageVersion(),
        "COMMIT": ImageCommit(),
    }
    assert lamp.container_secrets[0].secret_name == DatabaseSecret("password")
    assert (lamp.auto_scale_min_capacity, lamp.auto_scale_max_capacity) == (1, 2)
    assert [call.service for call in lamp.calls] == [DATABASE]
    assert front.container_env_vars == {
        "LAMP": "http://lights-lamp:3333/v1",
        "SELF": "https://lights-dev.example.org/{id}",
    }
    assert (front.public, front.health_check_path) == (True, "/health")
    assert [(call.service, call.port) for call in front.calls] == [("lights-lamp", 3333)]


def test_everything_else_is_listed_with_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _new(tmp_path) == 0
    said = " ".join(capsys.readouterr().err.split())
    for expected, code in (
        ("ServiceProps('lights-lamp').container_env_vars[\"SHADE\"]: compute_shade()", '"SHADE"'),
        ("ServiceProps('lights-lamp').colour: no such field", "colour="),
        ("BastionStack: write it in stacks()", "bastion ="),
    ):
        line = next(number for number, text in enumerate(EARLIER.splitlines(), 1) if text.strip().startswith(code))
        assert f"line {line}: {expected}" in said
    for expected in (
        "the account of dev: 111122223333 is assumed",
        "the calls of each service",
        "ADOPTED_STACKS",
    ):
        assert expected in said


def test_the_earlier_import_paths_are_written(taken: Configuration, tmp_path: Path) -> None:
    folder = tmp_path / "lights" / "src"
    assert "portside.config.service_props" in (folder / "service_props.py").read_text()
    assert {path.stem for path in folder.glob("*.py")} == {
        path.stem for path in (Path(__file__).parents[3] / "src").glob("*.py")
    } - {"program", "synthesize", "platform"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = (", "can't read"),
        ("print(1)", "is not of the earlier kind"),
        ("ENVIRONMENTS = {}\ndef services(_): ...\n", "copy it into the new repository"),
    ],
)
def test_another_file_is_refused(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "old.py").write_text(text)
    with pytest.raises(UsageError) as refused:
        take_over(tmp_path / "old.py", "lights", "111122223333")
    assert said in str(refused.value)


def test_the_result_passes_the_linter(taken: Configuration, tmp_path: Path) -> None:
    for command in (["check", "--no-cache"], ["format", "--check", "--no-cache"]):
        words = [sys.executable, "-m", "ruff", *command, *RUFF]
        done = subprocess.run(words, cwd=tmp_path / "lights", capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_the_earlier_file_is_not_run(tmp_path: Path) -> None:
    assert _new(tmp_path, f"open({str(tmp_path / 'made')!r}, 'w')\n{EARLIER}") == 0
    assert not (tmp_path / "made").exists()


NEWER = """
import aws_cdk as cdk
from src.utils import load_context_config

cdk_app = cdk.App()
env_name = cdk_app.node.try_get_context("env") or "dev"
config = load_context_config(env_name=env_name)
PREFIX = f"lights-{env_name}"
props = ServiceProps(
    "lights",
    443,
    512,
    config["LIGHTS_LOCATION"],
    ecs_task_cpu=512,
    container_env_vars={
        "URL": f"https://{config['FQDN']}/{PREFIX}",
        "OIL": config.get("OIL", "fish"),
        "WICK": config.get("WICK", "cotton"),
        "LENS": config.get("LENS"),
    },
    container_healthcheck=ecs.HealthCheck(command=["CMD", "shine"], interval=cdk.Duration.minutes(1)),
)
balancer = LoadBalancerStack(cdk_app, f"{PREFIX}-load-balancer", network.vpc, idle_timeout_seconds=300)
store_props = DocdbProps(master_username="keeper", port=27018)
store = DocdbStack(cdk_app, f"{PREFIX}-docdb", network.vpc, store_props)
app_stack = LoadBalancedServiceStack(cdk_app, f"{PREFIX}-app", network.vpc, cluster, props, health_check_interval=20)
app_stack.container.add_environment("CACHE", cache.url)
"""


@pytest.fixture
def newer(tmp_path: Path) -> Configuration:
    (tmp_path / "config").mkdir()
    arn = "arn:aws:acm:us-east-1:{}:certificate/22222222-7db1-4042-90d0-01eb5bde1ffc"
    (tmp_path / "config" / "base.yaml").write_text(
        "LENS: glass\nTAGS: {CostCenter: Lights / 1}\nGHCR_PACKAGE_VERSION: 1.2.0\n"
    )
    for name, account, more in (("dev", "333344445555", ""), ("stage", "666677778888", "OIL: whale\n")):
        (tmp_path / "config" / f"{name}.yaml").write_text(
            f"VPC_CIDR: 10.30.{len(name)}.0/24\nFQDN: lights-{name}.example.org\n"
            f"CERTIFICATE_ARN: {arn.format(account)}\n"
            f"LIGHTS_LOCATION: ghcr.io/example/{name}:1.0\n{more}"
        )
    assert _new(tmp_path, NEWER) == 0
    return load_configuration(tmp_path / "lights" / "app.py", acting_on=["dev"])


def test_an_app_with_files_of_settings_is_taken_over(newer: Configuration) -> None:
    dev, stage = newer.environment("dev"), newer.environment("stage")
    # The account is that of the certificate.
    assert (dev.account, stage.account) == ("333344445555", "666677778888")
    assert (dev.vpc_cidr, dev.fqdn) == ("10.30.3.0/24", "lights-dev.example.org")
    assert (dev.database_username, dev.database_port) == ("keeper", 27018)
    [service] = newer.services_of("dev")
    assert service.container_env_vars == {
        "URL": "https://lights-dev.example.org/lights-dev",
        "OIL": "fish",
        "WICK": "cotton",
        "LENS": "glass",
    }
    assert newer.services_of("stage")[0].container_env_vars["OIL"] == "whale"
    assert [newer.services_of(each)[0].container_location for each in ("dev", "stage")] == [
        "ghcr.io/example/dev:1.0",
        "ghcr.io/example/stage:1.0",
    ]


def test_arguments_by_place_and_of_the_stacks_are_taken_over(newer: Configuration) -> None:
    [service] = newer.services_of("dev")
    assert (service.container_name, service.container_port, service.container_memory_reservation) == (
        "lights",
        443,
        512,
    )
    assert (service.public, service.target_protocol, service.health_check_interval_seconds) == (True, "HTTPS", 20)
    assert (service.cpu, service.container_healthcheck.interval_seconds) == (512, 60)
    assert newer.environment("dev").idle_timeout_seconds == 300


def test_a_change_of_a_stack_that_was_made_is_listed(capsys: pytest.CaptureFixture[str], newer: Configuration) -> None:
    assert "app_stack.container.add_environment(…): write it" in " ".join(capsys.readouterr().err.split())


def test_an_app_without_environments_gets_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _new(tmp_path, 'NetworkStack(app, "N", cidr)\nprops = ServiceProps("lamp", 80, 512, "nginx:1", {})\n') == 0
    assert "no environments" in capsys.readouterr().err
    assert 'container_location="nginx:1"' in (tmp_path / "lights" / "app.py").read_text()
