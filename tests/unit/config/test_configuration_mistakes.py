"""Mistakes that users make in `app.py` by copying and retyping: each is reported, and correct values are not."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from portside.config.configuration import load_configuration
from portside.config.deferred_values import DatabaseHost, ImageVersion
from portside.config.environment import Environment
from portside.config.service_props import Call, ContainerVolume, HealthCheck, ServiceProps, ServiceSecret
from portside.errors import ConfigurationError, Problem
from tests.unit.configuration_support import (
    check_configuration,
    environment_problems,
    environments,
    one_service,
    problems_of,
    service,
)

API: dict[str, Any] = {"container_name": "shop-api", "container_port": 3333}


def problems(*, api: dict[str, Any] | None = None, root: Path | None = None, **app: Any) -> list[Problem]:
    """The mistakes reported for two services, an app that is public and calls an api, with changes to each."""

    def services(_: Environment) -> Sequence[ServiceProps]:
        return [
            service(**API | (api or {})),
            service(
                **{
                    "container_name": "shop-app",
                    "container_port": 4200,
                    "public": True,
                    "calls": [Call("shop-api", 3333)],
                }
                | app
            ),
        ]

    try:
        check_configuration(environments(dev={}, stage={}), services, root or Path())
    except ConfigurationError as error:
        return list(error.problems)
    return []


def health(*words: str, **times: int) -> dict[str, Any]:
    return {"container_healthcheck": HealthCheck(list(words), **times)}


def variables(**values: object) -> dict[str, Any]:
    return {"container_env_vars": values}


APP = 'ServiceProps("shop-app")'
ECR = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
PASSWORD = "hunter2-of-the-registry"
WRONG: list[tuple[dict[str, Any], str, str]] = [
    (variables(PORT="4201"), f'{APP}.container_env_vars["PORT"]', "not container_port, which is 4200, got '4201'"),
    (
        variables(SERVER_PORT="3333"),
        f'{APP}.container_env_vars["SERVER_PORT"]',
        "not container_port, which is 4200, got '3333'",
    ),
    (
        health("CMD-SHELL", "curl -f http://localhost:3333/health || exit 1"),
        f"{APP}.container_healthcheck",
        "checks another port than container_port, 4200, got 'http://localhost:3333/health'",
    ),
    (
        health("CMD-SHELL", "curl -f http://127.0.0.1/health || exit 1"),
        f"{APP}.container_healthcheck",
        "checks another port than container_port, 4200, got 'http://127.0.0.1/health'",
    ),
    (
        health("CMD", "wget", "-qO-", "localhost:80"),
        f"{APP}.container_healthcheck",
        "checks another port than container_port, 4200, got 'localhost:80'",
    ),
    (
        health("CMD-SHELL", "nc -z localhost 4201"),
        f"{APP}.container_healthcheck",
        "checks another port than container_port, 4200, got 'localhost 4201'",
    ),
    (
        health("CMD", "curl", "-f", "http://shop-api:3333/health"),
        f"{APP}.container_healthcheck",
        "checks shop-api, not this container, got 'http://shop-api:3333/health'",
    ),
    (
        variables(API_URL="http://shop-apy:3333/v1"),
        f'{APP}.container_env_vars["API_URL"]',
        "no such service, got 'http://shop-apy:3333/v1'",
    ),
    (
        variables(API_URL="http://api:3333/v1"),
        f'{APP}.container_env_vars["API_URL"]',
        "no such service, got 'http://api:3333/v1'",
    ),
    (
        variables(CACHE_URL="redis://redis:6379"),
        f'{APP}.container_env_vars["CACHE_URL"]',
        "no such service, got 'redis://redis:6379'",
    ),
    (
        variables(API_HOST="shop-apy", API_PORT="3333"),
        f'{APP}.container_env_vars["API_HOST"]',
        "no such service, got 'shop-apy'",
    ),
    (variables(API_HOST="shop_api"), f'{APP}.container_env_vars["API_HOST"]', "no such service, got 'shop_api'"),
    (
        variables(API_URL="http://shop-api:3334"),
        f'{APP}.container_env_vars["API_URL"]',
        "shop-api listens on port 3333, got 'http://shop-api:3334'",
    ),
    (
        {"calls": []} | variables(API_HOST="shop-api"),
        f'{APP}.container_env_vars["API_HOST"]',
        "an address of shop-api, which is not in calls, got 'shop-api'",
    ),
    (
        variables(SITE_URL="https://stage.example.org/x"),
        f'{APP}.container_env_vars["SITE_URL"] in services("dev")',
        "the host name of another environment, got 'stage.example.org'",
    ),
    (
        health("CMD", "node", "-e", "require('http').request({host: 'localhost', port: 3000})"),
        f"{APP}.container_healthcheck",
        'checks another port than container_port, 4200, got "localhost\', port: 3000"',
    ),
    (
        health("CMD", "node", "-e", "require('http').get({port: 3000, path: '/health'})"),
        f"{APP}.container_healthcheck",
        "checks another port than container_port, 4200, got 'port 3000'",
    ),
    (
        health("CMD", "python3", "-c", "import socket; socket.create_connection(('127.0.0.1', 8000), 2)"),
        f"{APP}.container_healthcheck",
        'checks another port than container_port, 4200, got "127.0.0.1\', 8000"',
    ),
    (
        health("CMD", "/bin/grpc_health_probe", "-addr=:50051"),
        f"{APP}.container_healthcheck",
        "checks another port than container_port, 4200, got 'port 50051'",
    ),
    (
        health("CMD", "redis-cli", "-p", "6380", "ping"),
        f"{APP}.container_healthcheck",
        "checks another port than container_port, 4200, got 'port 6380'",
    ),
    (
        health("CMD-SHELL", "mysqladmin ping -P 3306"),
        f"{APP}.container_healthcheck",
        "checks another port than container_port, 4200, got 'port 3306'",
    ),
    (
        health("CMD", "curl", "-f", "http://localhost:3333") | variables(API_HOST="shop-api", API_PORT="3333"),
        f"{APP}.container_healthcheck",
        "checks another port than container_port, 4200, got 'http://localhost:3333'",
    ),
    (
        variables(ASPNETCORE_URLS="http://+:8080;http://+:8081"),
        f'{APP}.container_env_vars["ASPNETCORE_URLS"]',
        "not container_port, which is 4200, got 'http://+:8080;http://+:8081'",
    ),
    (
        {"container_command": ["uvicorn", "app:app", "--host", "0.0.0.0", "--port", "8000"]},
        f"{APP}.container_command",
        "listens on port 8000, not on container_port, 4200",
    ),
    (
        {"container_command": ["gunicorn", "-b", "0.0.0.0:8000", "app"]},
        f"{APP}.container_command",
        "listens on port 8000, not on container_port, 4200",
    ),
    (
        variables(API_URL="http://localhost:3333"),
        f'{APP}.container_env_vars["API_URL"]',
        "the container itself, not shop-api, got 'http://localhost:3333'",
    ),
    (
        variables(API_URL="http://localhost:3333/v1"),
        f'{APP}.container_env_vars["API_URL"]',
        "the container itself, not shop-api, got 'http://localhost:3333/v1'",
    ),
    (
        variables(API_URL="http://host.docker.internal:3333"),
        f'{APP}.container_env_vars["API_URL"]',
        "no such service, got 'http://host.docker.internal:3333'",
    ),
    (
        variables(API_URL="http://shop-api.default.svc.cluster.local:3333"),
        f'{APP}.container_env_vars["API_URL"]',
        "no such service, got 'http://shop-api.default.svc.cluster.local:3333'",
    ),
    (
        variables(MONGO_HOST="mongo", MONGO_PORT="27017"),
        f'{APP}.container_env_vars["MONGO_HOST"]',
        "no such service, got 'mongo'",
    ),
    (
        variables(MONGO_URL="mongodb://database:27017/shop"),
        f'{APP}.container_env_vars["MONGO_URL"]',
        "no such host, got 'mongodb://database:27017/shop'",
    ),
    (
        variables(BUCKET="shop-${AWS::AccountId}"),
        f'{APP}.container_env_vars["BUCKET"]',
        "has a placeholder of CloudFormation, which is not used here",
    ),
    (
        {"container_command": ["run", "--stage=${var.stage}"]},
        f"{APP}.container_command",
        "has a placeholder of Terraform, which is not used here",
    ),
    (
        variables(LEVEL="{{ .Values.logLevel }}"),
        f'{APP}.container_env_vars["LEVEL"]',
        "has a placeholder of Helm, which is not used here",
    ),
    (
        variables(SHA="${{ github.sha }}"),
        f'{APP}.container_env_vars["SHA"]',
        "has a placeholder of GitHub Actions, which is not used here",
    ),
    (
        variables(RUN=f"{print}{object()}"),
        f'{APP}.container_env_vars["RUN"]',
        "contains the text of a Python object",
    ),
    (variables(GREETING="a\0b"), f'{APP}.container_env_vars["GREETING"]', "has a NUL character"),
    (
        variables(GREETING="\ud83d"),
        f'{APP}.container_env_vars["GREETING"]',
        "has half of a surrogate pair, U+D83D",
    ),
    ({"container_command": ["node", "a\0"]}, f"{APP}.container_command", "has a NUL character"),
    ({"health_check_path": "/\ud83d"}, f"{APP}.health_check_path", "has half of a surrogate pair, U+D83D"),
    (
        {"container_env_vars": {"\u0420ORT": "4200"}},
        f'{APP}.container_env_vars["\u0420ORT"]',
        "not a valid name of an environment variable: \u0420 is U+0420, CYRILLIC CAPITAL LETTER ER, got",
    ),
    (
        {"container_env_vars": {f"V{number}": "x" for number in range(101)}},
        f"{APP}.container_env_vars",
        "more than 100: CloudFormation can lose all of them, got 101",
    ),
    (
        {"container_command": ["node server.js"]},
        f"{APP}.container_command",
        "one word with spaces, which would be the name of a program, got ['node server.js']",
    ),
    (
        {"container_location": "1234.dkr.ecr.us-east-1.amazonaws.com/app:1.0"},
        f"{APP}.container_location",
        "not the address of a repository in Amazon ECR, got '1234.dkr.ecr.us-east-1.amazonaws.com/app:1.0'",
    ),
    (
        {"container_location": "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/app:1.0"},
        f"{APP}.container_location",
        "not the address of a repository in Amazon ECR, got '123456789012.dkr",
    ),
    (
        {"container_location": "ecr.us-east-1.amazonaws.com/app:1.0"},
        f"{APP}.container_location",
        "not the address of a repository in Amazon ECR, got 'ecr.us-east-1",
    ),
    (
        {"container_location": f"{ECR}/App:1.0"},
        f"{APP}.container_location",
        "the name of an image can't have capital letters, got '123456789012.dkr",
    ),
    (
        {"container_location": f"{ECR}/app"},
        f"{APP}.container_location",
        "has no tag and no digest, so it is the tag latest, got '123456789012.dkr",
    ),
    (
        {"container_location": f"https://{ECR}/app:1.0"},
        f"{APP}.container_location",
        "a reference to an image begins with the registry, not with a scheme, got 'https://123456789012.dkr",
    ),
    (
        {"container_location": f"{ECR}/app:1.0\n"},
        f"{APP}.container_location",
        "begins or ends with white space, got '123456789012.dkr",
    ),
    (
        {"container_location": "123456789012.dkr.ecr.us-east.amazonaws.com/app:1.0"},
        f"{APP}.container_location",
        "not the address of a repository in Amazon ECR, got '123456789012.dkr",
    ),
    (
        {"container_location": "arn:aws:ecr:us-east-1:123456789012:repository/app"},
        f"{APP}.container_location",
        "an ARN, not the address of an image, got 'arn:aws:ecr",
    ),
    (
        {"container_location": "public.ecr.aws/nginx:1.27"},
        f"{APP}.container_location",
        "has no alias, got 'public.ecr.aws/nginx:1.27'",
    ),
    (
        {"container_location": f"{ECR}/app:1.0", "registry_credentials": "shop/registry"},
        f"{APP}.registry_credentials",
        "not used for Amazon ECR, where the task's execution role pulls the image",
    ),
    (
        {"container_location": "public.ecr.aws/nginx/nginx:1.27", "registry_credentials": "shop/registry"},
        f"{APP}.registry_credentials",
        "not used for public.ecr.aws, which is public",
    ),
    (
        {"registry_credentials": {"username": "shop", "password": PASSWORD}},
        f"{APP}.registry_credentials",
        "not the name of a secret, got a dict",
    ),
    (
        {"registry_credentials": ("shop", PASSWORD)},
        f"{APP}.registry_credentials",
        "not the name of a secret, got a tuple",
    ),
    (
        {"registry_credentials": ServiceSecret("shop/registry", "LOGIN")},
        f"{APP}.registry_credentials",
        "not the name of a secret, got a ServiceSecret",
    ),
    ({"registry_credentials": True}, f"{APP}.registry_credentials", "not the name of a secret, got a bool"),
    (
        {"registry_credentials": f"shop:{PASSWORD}"},
        f"{APP}.registry_credentials",
        "not the name of a secret in Secrets Manager",
    ),
    (
        {"registry_credentials": " shop/registry"},
        f"{APP}.registry_credentials",
        "begins or ends with white space",
    ),
    ({"registry_credentials": ""}, f"{APP}.registry_credentials", "not the name of a secret in Secrets Manager"),
    (
        {"registry_credentials": "arn:aws:secretsmanager:eu-west-1:681175625864:secret:shop/registry-AbCdEf"},
        f"{APP}.registry_credentials",
        "an ARN, not a name: the secret must be in the environment's own account and region, got 'arn:aws:secretsman",
    ),
    (
        {"registry_credentials": "shop/registry-AbCdEf"},
        f"{APP}.registry_credentials",
        "ends with a hyphen and six characters, like the end of an ARN, got 'shop/registry-AbCdEf'",
    ),
    (
        {"registry_credentials": "ghp_" + "0123456789abcdefghijklmnopqrstuvwxyz"},
        f"{APP}.registry_credentials",
        "a secret, not the name of a secret",
    ),
    (
        {"container_location": "ghcr.io/Example/Shop:1.0-RC1"},
        f"{APP}.container_location",
        "the name of an image can't have capital letters, got 'ghcr.io/Example/Shop:1.0-RC1'",
    ),
    (
        {"container_location": "localhost:5000/app:1.0"},
        f"{APP}.container_location",
        "a registry that Fargate can't reach, got 'localhost:5000/app:1.0'",
    ),
    (
        {"container_location": "registry.corp.internal/app:1.0"},
        f"{APP}.container_location",
        "a registry that Fargate can't reach, got 'registry.corp.internal/app:1.0'",
    ),
]


@pytest.mark.parametrize(("changes", "where", "what"), WRONG)
def test_a_mistake_is_reported_once_with_its_place(changes: dict[str, Any], where: str, what: str) -> None:
    (found,) = problems(**changes)
    assert found.where == where
    assert found.what.startswith(what)
    assert found.hint
    assert PASSWORD not in f"{found.what}{found.hint}"


def test_an_image_that_is_built_needs_no_credentials() -> None:
    with pytest.raises(ConfigurationError) as refused:
        ServiceProps("app", 80, container_location="path://app", registry_credentials="shop/registry")
    [found] = refused.value.problems
    assert found.what == "not used for an image that is built from a folder"


SOUND: list[dict[str, Any]] = [
    variables(PORT="4200", SERVER_PORT="4200"),
    variables(PORT="auto", METRICS_PORT="9090"),
    variables(MANAGEMENT_SERVER_PORT="8081")
    | health("CMD-SHELL", "curl -f http://localhost:8081/actuator/health || exit 1"),
    health("CMD-SHELL", "curl -f http://localhost:$PORT/health || exit 1"),
    health("CMD-SHELL", "curl -f http://localhost:${PORT:-80}/health || exit 1"),
    health("CMD-SHELL", "pg_isready -U app || exit 1"),
    health("CMD", "node", "-e", "fetch('http://localhost:' + (process.env.PORT || 3000) + '/health')"),
    health("CMD", "python", "-c", "import requests; requests.get('http://localhost' + ':4200')"),
    health("CMD", "pg_isready", "-h", "db.example.org", "-p", "5432"),
    health("CMD", "sh", "-c", "curl -f http://localhost:4200", "||", "true"),
    health("CMD", "curl", "-f", "http://localhost:2019/config") | variables(CADDY_ADMIN="localhost:2019"),
    health("CMD", "curl", "-f", "http://localhost:8002/ready")
    | {"container_command": ["serve", "--metrics-port=8002"]},
    {"container_command": ["proxy", "--port=4200", "--api-port=8001"]},
    {"container_command": ["tunnel", "--host", "db.example.org", "--port", "5432"]},
    {"container_command": ["serve", "--port", "8080"]} | variables(HTTP_PORT="4200"),
    variables(ASPNETCORE_URLS="http://+:8080;http://+:4200", DOTNET_URLS="http://*", LISTEN_ADDR=":4200"),
    variables(DSN="doctrine://default", MODELS="s3://shop-ap/x", DB="sqlite:///x", ROUTE="lb://shop-apy"),
    variables(ORIGIN="http://localhost:8080", OTLP="http://localhost:4318", GREETING_HOST="host"),
    variables(PLACEHOLDERS="${var} ${HOME:-x} {{ name }} $(id) <title>", SPRING="${server.port}"),
    health("CMD", "/bin/healthcheck", "--port=4200"),
    health("CMD", "node", "-e", "require('http').get('http://localhost:4200/health')"),
    variables(API_URL="http://shop-api:3333/v1", API_HOST="shop-api", API_PORT="3333"),
    variables(SITE="https://www.example.org", MAIL_HOST="smtp.example.org", LOG_HOST="-", BIND_HOST="0.0.0.0"),
    variables(SELF_URL="http://localhost:4200", OTHER="http://127.0.0.1:9"),
    variables(STAGE_URL="https://stage.example.org/x"),
    variables(PATTERN="%d{HH:mm} {level}", JSON='{"a": {"b": 1}}', SHELL="${HOME}", TEMPLATE="{{name}}"),
    variables(GREETING="naïve — 日本 🎉", DB="mongodb://db.example.org:27017/x"),
    variables(URL=f"mongodb://{DatabaseHost()}:27017/x") | {"calls": [Call("shop-api", 3333), Call("database", 27017)]},
    variables(RELEASE=f"shop@{ImageVersion()}"),
    {"container_env_vars": {f"V{number}": "x" for number in range(100)}},
    {"container_command": ["sh", "-c", "node server.js"]},
    {"container_command": ["serve"]},
    {"container_location": "public.ecr.aws/docker/library/nginx:1.27"},
    {"container_location": "nginx:1.27"},
    {"container_location": f"{ECR}/app:1.0"},
    {"container_location": f"{ECR}/team/app@sha256:{'0' * 64}"},
    {"container_location": "123456789012.dkr-ecr.us-east-1.on.aws/app:1.0"},
    {"registry_credentials": "shop/registry"},
    {"registry_credentials": None},
    {"container_location": "internal-tools/app:1.0"},
    {"container_volumes": [ContainerVolume("/var/cache/nginx"), ContainerVolume("/etc/nginx/conf.d")]},
    {"container_secrets": [ServiceSecret("SENTRY_DSN", "SENTRY_DSN"), ServiceSecret("shop/dev", "TOKEN", "token")]},
    {"api": {"container_port": 3333}, "container_port": 3333},
]


@pytest.mark.parametrize("changes", SOUND)
def test_what_is_sound_is_not_reported(changes: dict[str, Any]) -> None:
    assert problems(**changes) == []


@pytest.mark.parametrize("path", ["/etc", "/usr/lib/", "/proc", "/proc/1", "/sys/fs", "/dev/shm/x", "/bin", "/lib64"])
def test_a_volume_does_not_hide_a_folder_of_the_system(path: str) -> None:
    with pytest.raises(ConfigurationError, match="volume"):
        ContainerVolume(path)


@pytest.mark.parametrize(
    "words", [["CMD", "curl -f http://localhost:4200/health"], ["CMD", "curl -f http://localhost:4200/", "|| exit 1"]]
)
def test_a_health_command_in_one_word_is_reported(words: list[str]) -> None:
    with pytest.raises(ConfigurationError, match="CMD needs the program and each argument as separate texts"):
        HealthCheck(words)


@pytest.mark.parametrize(("interval", "timeout"), [(10, 10), (10, 11), (5, 60)])
def test_a_health_checks_timeout_is_under_its_interval(interval: int, timeout: int) -> None:
    with pytest.raises(ConfigurationError, match="not less than interval_seconds"):
        HealthCheck(["CMD", "true"], interval_seconds=interval, timeout_seconds=timeout)
    HealthCheck(["CMD", "true"], interval_seconds=interval, timeout_seconds=interval - 1)


@pytest.mark.parametrize("variable", ["shop-sentry-dsn", "shop.dev.token", "sentry_dsn"])
def test_the_swapped_arguments_of_a_secret_are_reported(variable: str) -> None:
    with pytest.raises(ConfigurationError) as raised:
        ServiceSecret("SENTRY_DSN", variable)
    (found,) = raised.value.problems[-1:]
    assert found.what == "the secret's name and the variable's name are swapped"
    assert found.hint == f'Use ServiceSecret("{variable}", "SENTRY_DSN"): the secret\'s name comes first.'


def test_a_folder_outside_the_repository_is_refused(tmp_path: Path) -> None:
    outside, root = tmp_path / "elsewhere", tmp_path / "repository"
    for folder in (outside, root):
        folder.mkdir()
        (folder / "Dockerfile").touch()
    (root / "link").symlink_to(outside)
    for location in ("path://../elsewhere", "path://link"):
        found = problems(root=root, container_location=location)
        assert found[0].what.startswith("a folder outside this repository, which other machines don't have")


@pytest.mark.parametrize("cidr", ["172.17.0.0/16", "172.17.3.0/24", "10.1.0.0/16", "10.1.255.0/24"])
def test_networks_that_are_taken_are_refused(cidr: str) -> None:
    (found,) = environment_problems(VPC_CIDR=cidr)
    assert found.what.startswith("overlaps with ")


def test_a_similar_letter_in_a_key_is_named() -> None:
    found = environment_problems(**{"VP\u0421_CIDR": "10.2.0.0/24"})
    assert "unknown key: \u0421 is U+0421, CYRILLIC CAPITAL LETTER ES" in [each.what for each in found]


def test_a_git_tags_v_is_refused_where_releases_are_tagged() -> None:
    releases = {"REPOSITORY": "https://example.org/mono.git", "TAG_PREFIX": "shop"}
    with pytest.raises(ConfigurationError) as raised:
        check_configuration(environments(dev={"GHCR_PACKAGE_VERSION": "v4.2.0-rc2"}), one_service, releases=releases)
    assert raised.value.problems == (
        Problem(
            'ENVIRONMENTS["dev"]["GHCR_PACKAGE_VERSION"]',
            "begins with the v of a git tag: the tags of images have none, got 'v4.2.0-rc2'",
            'Use "4.2.0-rc2".',
        ),
    )
    check_configuration(environments(dev={"GHCR_PACKAGE_VERSION": "v4.2.0"}), one_service)


def test_a_mistake_in_a_services_name_is_not_reported_of_its_callers() -> None:
    found = problems(api={"container_name": "Shop API"}, container_env_vars={"API_URL": "http://shop-api:3333"})
    assert [each.where for each in found] == ['ServiceProps("Shop API").container_name']
    found = problems(api={"container_port": "3333"}, container_env_vars={"API_URL": "http://shop-api:3333"})
    assert [each.where for each in found] == ['ServiceProps("shop-api").container_port']


def _load(tmp_path: Path, body: str) -> list[Problem]:
    path = tmp_path / "app.py"
    path.write_text(f"ENVIRONMENTS = {environments(dev={})!r}\n{body}", encoding="utf-8")
    try:
        load_configuration(path)
    except ConfigurationError as error:
        return list(error.problems)
    return []


SERVICES = """
from portside.config.service_props import ServiceProps

HOST = "example.org"

def services(environment):
    return [ServiceProps(container_name="app", container_port=443, container_memory_reservation=512,
        container_location="ghcr.io/a/b:1.0", public=True, container_env_vars={{"URL": {url}}})]
"""


@pytest.mark.parametrize(
    "url", ['"https://{environment.fqdn}/api"', '"https://{HOST}"', '"x" "{environment.name}"', '"{HOST[0]}"']
)
def test_a_missing_f_is_reported_with_its_line(url: str, tmp_path: Path) -> None:
    (found,) = _load(tmp_path, SERVICES.format(url=url))
    assert found.where == "app.py, line 9"
    assert found.what.endswith("in it that is not an f-string")
    assert found.hint.startswith("Add f before the quotes")


@pytest.mark.parametrize(
    "url",
    [
        'f"https://{environment.fqdn}/api"',
        '"https://{host}/api"',
        '"${HOST}"',
        '"{{HOST}}"',
        '"https://{HOST}".format(HOST=HOST)',
        '"%d{HH:mm}"',
    ],
)
def test_braces_that_name_nothing_in_sight_are_left_alone(url: str, tmp_path: Path) -> None:
    assert _load(tmp_path, SERVICES.format(url=url)) == []


def test_a_template_that_is_filled_in_later_is_left_alone(tmp_path: Path) -> None:
    text = 'NAME = "a"\nTEMPLATE = "{NAME}"\nVALUE = TEMPLATE.format(NAME=NAME)\n'
    assert _load(tmp_path, text + SERVICES.format(url="VALUE")) == []


def test_mistakes_in_the_text_are_reported_with_all_others(tmp_path: Path) -> None:
    found = _load(tmp_path, SERVICES.format(url='"{HOST}"').replace("443", "0"))
    assert [each.where for each in found] == ["app.py, line 9", 'ServiceProps("app").container_port']


def test_four_copied_mistakes_are_reported_together() -> None:
    found = problems(
        api=variables(SERVER_PORT="8080"),
        container_command=["node server.js"],
        **health("CMD-SHELL", "curl -f http://localhost:3333/health"),
        **variables(API_URL="http://{environment.fqdn}:3333"),
    )
    assert len(found) >= 3


def test_every_environment_reports_what_is_wrong_in_it_alone() -> None:
    def services(environment: Environment) -> list[ServiceProps]:
        return [service(public=True, container_env_vars={"SITE": "https://stage.example.org"})]

    assert [each.where for each in problems_of(environments(dev={}, stage={}), services)] == [
        'ServiceProps("app").container_env_vars["SITE"] in services("dev")'
    ]


def test_what_is_wrong_between_services_is_reported_with_what_is_wrong_in_one() -> None:
    found = problems(**variables(PORT="1", API_URL="http://shop-api:1"), **health("CMD", "nc", "-z", "localhost", "2"))
    assert [each.where.removeprefix(APP) for each in found] == [
        '.container_env_vars["PORT"]',
        '.container_env_vars["API_URL"]',
        ".container_healthcheck",
    ]


def test_a_mistake_of_all_environments_is_reported_once_though_what_was_got_differs() -> None:
    def services(environment: Environment) -> list[ServiceProps]:
        return [service(public=True, container_location=f"registry.local/app:{environment.name}")]

    (found,) = problems_of(environments(dev={}, uat={"KIND": "staging"}), services)
    assert found.where == 'ServiceProps("app").container_location'


def test_a_mistake_of_some_environments_is_reported_once_with_their_names() -> None:
    def services(environment: Environment) -> list[ServiceProps]:
        return [service(public=True, container_env_vars={"SITE": "https://dev.example.org"})]

    (found,) = problems_of(environments(dev={}, stage={}, prod={}), services)
    assert found.where == 'ServiceProps("app").container_env_vars["SITE"] in services("stage"), services("prod")'


@pytest.mark.parametrize("words", [["curl", "-f", "x", "||", "exit", "1"], ["true", "&&", "true"], ["a", "|", "b"]])
def test_a_shells_operator_without_a_shell_is_reported(words: list[str]) -> None:
    with pytest.raises(ConfigurationError, match=r" (\|\||&&|\|) needs"):
        HealthCheck(["CMD", *words])


def test_the_name_of_a_secret_in_the_variables_place_is_reported() -> None:
    with pytest.raises(ConfigurationError) as raised:
        ServiceSecret("SENTRY_DSN", "shop/dev/sentry")
    (found,) = raised.value.problems
    assert found.what.startswith("the name of a secret, not of an environment variable")
    assert found.hint == "The secret's name comes first: ServiceSecret(secret_name, environment_key)."


def test_the_field_of_a_secret_is_not_a_part_of_its_name() -> None:
    with pytest.raises(ConfigurationError) as raised:
        ServiceSecret("shop/dev/sentry:dsn::", "SENTRY_DSN")
    (found,) = raised.value.problems
    assert found.what.startswith("contains a colon, which in ECS precedes the field of a JSON secret")


@pytest.mark.parametrize("url", ['f"https://{{environment.fqdn}}/api"', 'f"{{HOST}}"'])
def test_double_braces_that_leave_a_variable_as_it_is_are_reported(url: str, tmp_path: Path) -> None:
    (found,) = _load(tmp_path, SERVICES.format(url=url))
    assert found.where == "app.py, line 9"
    assert found.what.endswith("in it, which double braces don't format")


@pytest.mark.parametrize("url", ['"{HOST} {level} {message}"', '\'{"a": {"b": "{HOST}"}}\'', 'f"{{HOST}}-{HOST}"'])
def test_a_text_that_no_f_string_could_be_is_left_alone(url: str, tmp_path: Path) -> None:
    assert _load(tmp_path, SERVICES.format(url=url)) == []


def test_a_text_without_its_f_is_reported_once_where_its_field_refuses_braces_too(tmp_path: Path) -> None:
    (found,) = _load(tmp_path, SERVICES.format(url='"x"').replace("a/b:1.0", "a/b:{HOST}"))
    assert found.where == "app.py, line 9"


COMMAND = SERVICES.format(url='"x"').replace("public=True", "public=True, container_command=COMMAND")


@pytest.mark.parametrize("command", ['["node" "server.js"]', '["sh", "-c" "x"]', '["a",\n"b"\n"c"]'])
def test_a_missing_comma_in_a_list_is_reported_with_its_line(command: str, tmp_path: Path) -> None:
    found = _load(tmp_path, COMMAND.replace("=COMMAND", f"={command}"))
    assert "two strings in a list without a comma between them" in [each.what for each in found]


@pytest.mark.parametrize(
    "command",
    [
        '["sh", "-c", "first && " "second"]',
        '["curl", "https://example.org/" "path"]',
        '["a", ("b" "c")]',
        '["a", "b"]',
        '[f"{HOST}" f"x"]',
        'list(("a" "b", ))',
    ],
)
def test_a_long_text_in_pieces_is_left_alone(command: str, tmp_path: Path) -> None:
    assert _load(tmp_path, COMMAND.replace("=COMMAND", f"={command}")) == []


def test_a_service_that_was_not_returned_is_reported_once_where_it_is_called() -> None:
    def services(_: Environment) -> list[ServiceProps]:
        service(container_name="shop-unused")
        service(container_name="shop-cart", container_port=6379)
        cart = {"CART_URL": "redis://shop-cart:6379", "CART_HOST": "shop-cart"}
        return [service(public=True, calls=[Call("shop-cart", 6379)], container_env_vars=cart)]

    (found,) = problems_of(environments(dev={}), services)
    assert (found.where, found.what) == (
        "services(…)",
        "does not return a service that others call, got 'shop-cart'",
    )


@pytest.mark.parametrize(
    ("called", "hint"),
    [
        ("shop-apis", 'Did you mean "shop-api"?'),
        ("api", 'Did you mean "shop-api"?'),
        ("shop_api", 'Did you mean "shop-api"?'),
        ("Shop-API", 'Did you mean "shop-api"?'),
        ("databse", 'Did you mean "database"?'),
        ("shop-cart", "Known are: database, shop-api, shop-app."),
    ],
)
def test_a_callee_is_suggested_by_what_names_do_not_share(called: str, hint: str) -> None:
    (found,) = problems(calls=[Call("shop-api", 3333), Call(called, 3333)])
    assert found.hint == hint
