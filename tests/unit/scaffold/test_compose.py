"""`--from` takes over a compose file, and lists the rest by line."""

from __future__ import annotations

from pathlib import Path

import pytest

from portside.cli.main import run
from portside.config.configuration import Configuration, load_configuration
from portside.config.deferred_values import DatabaseHost, DatabasePort, DatabaseSecret
from portside.config.runs import BEFORE_ROLLOUT
from portside.config.service_props import DATABASE
from portside.errors import UsageError
from portside.scaffold.compose import take_over_compose
from tests.unit.scaffold.support import wheel_in

COMPOSE = """
x-usual: &usual
  image: ghcr.io/example/lights:${LIGHTS_TAG:-2.4}
  environment: &variables
    DB_HOST: store
    DB_PORT: 5432
    DB_NAME: lights
    DB_USER: keeper
    DB_PASSWORD: ${STORE_PASSWORD:-beam}
    CACHE_URL: redis://cache:6379/0
  depends_on:
    store: {condition: service_healthy}
    migrate: {condition: service_completed_successfully}
    cache: {condition: service_started}

services:
  store:
    image: docker.io/library/postgres:17
    environment: [POSTGRES_DB=lights, POSTGRES_USER=keeper, "POSTGRES_PASSWORD=${STORE_PASSWORD:-beam}"]
    volumes: ["store:/var/lib/postgresql/data"]
  cache:
    image: valkey/valkey:8
  migrate:
    image: ghcr.io/example/lights:2.4
    command: lights migrate --all
    environment: {DB_HOST: store}
  worker:
    <<: *usual
    environment:
      <<: *variables
      BEAM_URL: http://front_door:8080/beam
      SIGNING_KEY: abc
      MODE: ${MODE}
      SHADE:
    command: ["lights", "work"]
    volumes: ["./lamps:/lamps:ro", "oil:/oil"]
    deploy:
      replicas: 2
      resources: {limits: {memory: 1.5G}, reservations: {memory: 256M}}
  front_door:
    <<: *usual
    env_file: [lights.env, absent.env]
    ports:
      - "127.0.0.1:9000:9000/udp"
      - target: 8080
        published: "80"
    healthcheck:
      test: curl --fail http://localhost:8080/healthy
      interval: 1s
      timeout: 1m30s
      retries: 20
    sysctls: {net.core.somaxconn: 1024}
  admin:
    image: ghcr.io/example/admin:1
    build: ./admin
    ports: ["127.0.0.1:7000:7000"]
    read_only: true
    tmpfs: /tmp
  look:
    image: ghcr.io/example/look
    profiles: [debug]
"""


@pytest.fixture
def said(tmp_path: Path) -> list[str]:
    return _taken(tmp_path)[1]


@pytest.fixture
def taken(tmp_path: Path) -> Configuration:
    folder = tmp_path / "lights"
    _write(tmp_path)
    words = ["--from", str(tmp_path / "compose.yaml"), "--account", "111122223333", "--yes"]
    assert run(["new", str(folder), *words, "--package", str(wheel_in(tmp_path))]) == 0
    return load_configuration(folder / "app.py", acting_on=["dev"])


def _write(folder: Path) -> Path:
    (folder / "lights.env").write_text("WICK=short\n")
    (folder / "compose.yaml").write_text(COMPOSE)
    return folder / "compose.yaml"


def _taken(folder: Path) -> tuple[object, list[str]]:
    return take_over_compose(_write(folder), "lights", "111122223333")


def test_the_database_becomes_the_environments(taken: Configuration) -> None:
    dev = taken.environment("dev")
    assert dev.database_kind is not None
    assert (dev.database_kind.name, dev.database_name, dev.database_username) == ("postgresql", "lights", "keeper")
    assert [each.container_name for each in taken.services_of("dev")] == ["migrate", "worker", "front-door", "admin"]


def test_values_of_the_database_are_known_when_it_is_deployed(taken: Configuration) -> None:
    _, worker, *_ = taken.services_of("dev")
    assert worker.container_env_vars["DB_HOST"] == DatabaseHost()
    assert worker.container_env_vars["DB_PORT"] == DatabasePort()
    assert (worker.container_env_vars["DB_NAME"], worker.container_env_vars["DB_USER"]) == ("lights", "keeper")
    secrets = {each.environment_key: each.secret_name for each in worker.container_secrets}
    assert secrets == {"DB_PASSWORD": DatabaseSecret("password"), "SIGNING_KEY": "lights/worker/SIGNING_KEY"}


def test_services_are_taken_over_with_merged_and_interpolated_values(taken: Configuration) -> None:
    migrate, worker, front, admin = taken.services_of("dev")
    assert migrate.runs is BEFORE_ROLLOUT
    assert migrate.container_command == ("lights", "migrate", "--all")
    assert worker.container_location == "ghcr.io/example/lights:2.4"
    assert (worker.container_port, worker.container_memory_reservation) == (None, 256)
    assert (worker.auto_scale_min_capacity, worker.auto_scale_max_capacity) == (2, 2)
    assert [each.service for each in worker.calls] == [DATABASE, "front-door"]
    assert worker.container_env_vars["BEAM_URL"] == "http://front-door:8080/beam"
    assert (front.container_port, front.public, front.health_check_path) == (8080, True, "/healthy")
    assert front.container_env_vars["WICK"] == "short"
    check = front.container_healthcheck
    assert (check.interval_seconds, check.timeout_seconds, check.retries) == (5, 4, 10)
    assert (admin.container_location, admin.container_port, admin.public) == ("ghcr.io/example/admin:1", 7000, False)
    assert admin.read_only_root
    assert [each.path for each in admin.container_volumes] == ["/tmp"]  # nosec B108 # a path in a container


@pytest.mark.parametrize(
    ("begin", "expected"),
    [
        ("store:", "store: is the database of the environment"),
        ("cache:", "cache: valkey loses its data with its task"),
        ("CACHE_URL:", "worker.environment.CACHE_URL: names cache, which is not taken over"),
        ("MODE:", "the variable MODE has no value here"),
        ("MODE:", "worker.environment.MODE: a part of its value is unknown"),
        ("SHADE:", "worker.environment.SHADE: its value is that of the shell"),
        ('volumes: ["./lamps', "worker.volumes.0: ./lamps is a folder or file of this machine"),
        ('volumes: ["./lamps', "worker.volumes.1: what is written to /oil is lost with the task"),
        ("front_door:", "front_door: is called front-door"),
        ('- "127.0.0.1:9000', "front_door.ports.0: only single TCP ports can be published"),
        ("interval:", "front_door.healthcheck.interval: ECS allows 5 to 300 seconds, got 1s"),
        ("sysctls:", "front_door.sysctls: has no equivalent"),
        ("build:", "admin.build: not built: the image must be in a registry"),
        ("look:", "look: runs only with the profile debug"),
    ],
)
def test_everything_else_is_listed_with_its_line(begin: str, expected: str, said: list[str]) -> None:
    lines = [at for at, text in enumerate(COMPOSE.splitlines(), 1) if text.strip().startswith(begin)]
    assert any(f"line {line}: {expected}" in each for line in lines for each in said), said


def test_a_service_without_an_image_is_built_from_its_folder(tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("services: {web: {build: {context: ./web, target: run}, ports: [80]}}")
    described, said = take_over_compose(tmp_path / "compose.yaml", "lights", "111122223333")
    assert "'\"path://web\"'" in str(described)
    assert any("web.build.target: has no equivalent" in each for each in said)


def test_a_missing_file_of_variables_is_named(said: list[str]) -> None:
    assert any("absent.env does not exist" in each for each in said)


def test_no_value_of_a_secret_is_written_or_printed(tmp_path: Path) -> None:
    described, said = _taken(tmp_path)
    assert "beam" not in str(described).replace("/beam", "")
    assert "abc" not in f"{described}{said}"


@pytest.mark.parametrize(
    ("text", "said"),
    [("services: [", "line 1 is not YAML"), ("[]", "has no services"), ("services: [a]", "has no services")],
)
def test_another_file_is_refused(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text(text)
    with pytest.raises(UsageError) as refused:
        take_over_compose(tmp_path / "compose.yaml", "lights", "111122223333")
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("healthcheck: {test: [CMD, a], retries: lots}", "web.healthcheck.retries: not a whole number, got a text"),
        ("healthcheck: curl", "web.healthcheck: not a mapping, got a text"),
        ('command: "echo \'a"', "web.command: no closing quotation"),
        ("environment: FOO=bar", "web.environment: not a list or a mapping, got a text"),
        ("env_file: [{format: raw}]", "web.env_file.0: has no path"),
        ("deploy: [1]", "web.deploy: not a mapping, got a list"),
        ("deploy: {resources: big}", "web.deploy.resources: not a mapping, got a text"),
        ("deploy: {resources: {limits: 1}}", "web.deploy.resources.limits: not a mapping, got an int"),
        ("deploy: {replicas: many}", "web.deploy.replicas: not a whole number, got a text"),
        ("expose: 80", "web.expose: not a list, got an int"),
        ("depends_on: db", "web.depends_on: not a list or a mapping, got a text"),
        ("volumes: data", "web.volumes: not a list, got a text"),
        ("user: {a: 1}", "web.user: not a text or a whole number, got a dict"),
        ("build: 7", "web.build: not a text or a mapping, got an int"),
    ],
)
def test_a_value_of_another_type_is_refused_with_its_line(written: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "compose.yaml"
    path.write_text(f"services:\n  web:\n    image: nginx:1\n    {written}\n")
    with pytest.raises(UsageError) as refused:
        take_over_compose(path, "harbour", "111122223333")
    assert refused.value.message == f"--from: compose.yaml, line 4: {said}"
    assert refused.value.hint == "Correct it: docker compose config"


def test_an_unknown_size_of_memory_is_listed_and_a_number_may_come_from_a_variable(tmp_path: Path) -> None:
    path = tmp_path / "compose.yaml"
    check = "healthcheck: {test: [CMD, a], retries: '${TRIES:-4}'}"
    path.write_text(f"services:\n  web:\n    image: nginx:1\n    mem_limit: huge\n    {check}\n")
    described, left = take_over_compose(path, "harbour", "111122223333")
    assert "line 2: web: not a size of memory, got huge: 512 MiB" in left
    assert "retries=4" in str(described.services)
