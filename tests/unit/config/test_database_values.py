"""The kind of an environment's database, and the values that depend on it."""

from __future__ import annotations

from typing import Any

import pytest

from portside.config.database_kinds import DOCUMENTDB, Bounds
from portside.config.deferred_values import DatabaseHost, DatabaseName, DatabasePort, DatabaseSecret, DatabaseUser
from portside.config.environment import Environment
from portside.config.service_props import DATABASE, Call, ServiceProps, ServiceSecret
from portside.config.stacks import StackKind, stacks_of
from tests.unit.configuration_support import (
    OMITTED,
    check_configuration,
    environment_problems,
    environments,
    one_service,
    problems_of,
    service,
)

PLACE = 'ENVIRONMENTS["dev"]'


def parsed(**changes: Any) -> Environment:
    return check_configuration(environments(dev=changes), one_service).environment("dev")


def test_an_environment_without_a_kind_has_no_database_and_no_stack_of_one() -> None:
    configuration = check_configuration(environments(dev={"DATABASE_KIND": OMITTED}), one_service)
    assert configuration.environment("dev").database_kind is None
    assert StackKind.DATABASE not in {stack.kind for stack in stacks_of(configuration, "dev")}


def test_documentdb_has_its_defaults() -> None:
    environment = parsed()
    assert environment.database_kind is DOCUMENTDB
    assert (environment.database_stack, environment.database_port) == ("docdb-v8", 27017)
    assert (environment.database_instance_class, environment.database_engine_version) == ("r5.large", "8.0.0")
    assert environment.database_tls


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("DATABASE_STACK", "docdb-v8"),
        ("DATABASES", {}),
        ("DATABASE_ENGINE_VERSION", "8.0.0"),
        ("DATABASE_INSTANCE_CLASS", "r5.large"),
        ("DATABASE_INSTANCES", 1),
        ("DATABASE_CAPACITY", {"min": 1, "max": 2}),
        ("DATABASE_STORAGE_GIB", 20),
        ("DATABASE_USERNAME", "master"),
        ("DATABASE_NAME", "app"),
        ("DATABASE_PORT", 27017),
        ("DATABASE_TLS", True),
    ],
)
def test_a_key_of_the_database_without_a_kind_is_refused_with_the_line_to_add(key: str, value: Any) -> None:
    [problem] = environment_problems(**{"DATABASE_KIND": OMITTED, key: value})
    assert problem.where == f'{PLACE}["DATABASE_KIND"]'
    assert problem.what.startswith(f"missing, and {key} needs it")
    assert problem.hint.startswith(f'Add "DATABASE_KIND": "documentdb" to {PLACE}')


@pytest.mark.parametrize(
    "uses",
    [
        {"calls": [Call(DATABASE, 27017)]},
        {"container_env_vars": {"DB_HOST": DatabaseHost()}},
        {"container_env_vars": {"DB_PORT": DatabasePort()}},
        {"container_env_vars": {"DB_NAME": DatabaseName()}},
        {"container_env_vars": {"DB_URL": f"mongodb://{DatabaseUser()}@x"}},
        {"container_secrets": [ServiceSecret(DatabaseSecret("password"), "DB_PASS")]},
    ],
)
def test_a_service_that_uses_the_database_of_an_environment_without_one_is_refused_once(uses: dict[str, Any]) -> None:
    def services(_: Environment) -> list[ServiceProps]:
        return [service(public=True, **uses)]

    [problem] = problems_of(environments(dev={"DATABASE_KIND": OMITTED}), services)
    assert problem.where == f'{PLACE}["DATABASE_KIND"]'
    assert problem.what.startswith("missing, and app uses the database")
    assert problem.hint.startswith('Add "DATABASE_KIND": ')


@pytest.mark.parametrize(
    ("written", "hint"),
    [("docdb", 'Use "documentdb".'), ("DocumentDB", 'Use "documentdb".'), ("oracle", "or remove it"), (7, "or remove")],
)
def test_another_kind_is_refused_with_the_nearest(written: object, hint: str) -> None:
    [problem] = environment_problems(DATABASE_KIND=written)
    assert problem.where == f'{PLACE}["DATABASE_KIND"]'
    assert hint in problem.hint


def test_capacity_makes_the_instances_serverless() -> None:
    assert parsed(DATABASE_CAPACITY={"min": 0.5, "max": 4}).database_capacity == Bounds(min=0.5, max=4)


@pytest.mark.parametrize(
    ("capacity", "inside", "mistake"),
    [
        ({"min": 0.5}, '["max"]', "missing"),
        ({"min": 0, "max": 4}, '["min"]', "not from 0.5 to 256 in steps of 0.5, got 0"),
        ({"min": 0.5, "max": 0.5}, '["max"]', "not from 1 to 256 in steps of 0.5, got 0.5"),
        ({"min": 1.25, "max": 4}, '["min"]', "not from 0.5 to 256 in steps of 0.5, got 1.25"),
        ({"min": 1, "max": 257}, '["max"]', "not from 1 to 256 in steps of 0.5, got 257"),
        ({"min": True, "max": 4}, '["min"]', "not a number, got True"),
        ({"min": 4, "max": 2}, '["min"]', 'above "max", got 4'),
        ([1, 2], "", "not a mapping"),
    ],
)
def test_a_capacity_out_of_bounds_is_reported(capacity: object, inside: str, mistake: str) -> None:
    [problem] = environment_problems(DATABASE_CAPACITY=capacity)
    assert problem.where == f'{PLACE}["DATABASE_CAPACITY"]{inside}'
    assert mistake in problem.what


@pytest.mark.parametrize(
    ("kind", "port", "stack", "instance_class", "storage"),
    [
        ("aurora-postgresql", 5432, "aurora-postgresql", "t4g.medium", 0),
        ("aurora-mysql", 3306, "aurora-mysql", "t4g.medium", 0),
        ("postgresql", 5432, "postgresql", "t4g.micro", 20),
        ("mysql", 3306, "mysql", "t4g.micro", 20),
    ],
)
def test_each_kind_has_its_defaults(kind: str, port: int, stack: str, instance_class: str, storage: int) -> None:
    found = parsed(DATABASE_KIND=kind)
    assert (found.database_port, found.database_stack, found.database_instance_class) == (port, stack, instance_class)
    assert (found.database_storage_gib, found.database_username, found.database_instances) == (storage, "master", 1)


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [
        ("postgresql", "DATABASE_USERNAME", "Admin"),
        ("postgresql", "DATABASE_USERNAME", "pg_reader"),
        ("mysql", "DATABASE_USERNAME", "seventeen_letters"),
        ("mysql", "DATABASE_USERNAME", "root"),
        ("mysql", "DATABASE_NAME", "performance_schema"),
        ("aurora-mysql", "DATABASE_NAME", "my-app"),
        ("aurora-postgresql", "DATABASE_NAME", "1st"),
        ("postgresql", "DATABASE_NAME", "rdsadmin"),
        ("postgresql", "DATABASE_INSTANCES", 3),
        ("aurora-mysql", "DATABASE_INSTANCES", 17),
        ("mysql", "DATABASE_CAPACITY", {"min": 1, "max": 2}),
        ("aurora-mysql", "DATABASE_STORAGE_GIB", 20),
        ("postgresql", "DATABASE_STORAGE_GIB", 19),
        ("postgresql", "DATABASE_STORAGE_GIB", 65537),
        ("aurora-postgresql", "DATABASE_INSTANCE_CLASS", "t4g.micro"),
        ("postgresql", "DATABASE_INSTANCE_CLASS", "serverless"),
        ("mysql", "DATABASE_ENGINE_VERSION", "17.7"),
        ("aurora-mysql", "DATABASE_ENGINE_VERSION", "8.0.36"),
        ("postgresql", "DATABASE_STACK", "docdb-v8"),
        ("postgresql", "DATABASE_PORT", 1149),
    ],
)
def test_a_value_that_the_kind_does_not_have_is_refused(kind: str, key: str, value: Any) -> None:
    [problem] = environment_problems(DATABASE_KIND=kind, **{key: value})
    assert problem.where.startswith(f'{PLACE}["{key}"]')
    assert problem.hint


def test_an_instance_is_restored_from_an_instance_and_a_cluster_from_a_cluster() -> None:
    restored = {"postgresql-restored": {"INSTANCE": "old", "TIME": "latest"}}
    assert parsed(DATABASE_KIND="postgresql", DATABASES=restored).databases["postgresql-restored"].instance == "old"
    [problem] = environment_problems(
        DATABASE_KIND="aurora-mysql", DATABASES={"aurora-mysql-b": restored["postgresql-restored"]}
    )[:1]
    assert problem.where == f'{PLACE}["DATABASES"]["aurora-mysql-b"]["INSTANCE"]'


def test_the_hint_names_a_kind_that_listens_on_the_port_of_the_call() -> None:
    def services(_: Environment) -> list[ServiceProps]:
        return [service(public=True, calls=[Call(DATABASE, 3306)])]

    [problem] = problems_of(environments(dev={"DATABASE_KIND": OMITTED}), services)
    assert problem.hint.startswith('Add "DATABASE_KIND": "aurora-mysql" ')


def test_capacity_and_a_class_of_instances_exclude_each_other() -> None:
    [problem] = environment_problems(DATABASE_CAPACITY={"min": 1, "max": 2}, DATABASE_INSTANCE_CLASS="r5.large")
    assert problem.where == f'{PLACE}["DATABASE_INSTANCE_CLASS"]'


def test_the_storage_of_a_cluster_is_not_allocated() -> None:
    [problem] = environment_problems(DATABASE_STORAGE_GIB=20)
    assert problem.what == "the storage of DocumentDB grows automatically, got 20"


@pytest.mark.parametrize("version", ["5.0.0", "8.0.0", "9.1.0", "10.0.1"])
def test_the_engine_of_the_first_database_is_a_setting(version: str) -> None:
    assert parsed(DATABASE_ENGINE_VERSION=version).database_engine_version == version


@pytest.mark.parametrize("version", ["8", "8.0", "4.0.0", "v8.0.0", 8.0])
def test_an_engine_that_does_not_exist_is_refused(version: object) -> None:
    [problem] = environment_problems(DATABASE_ENGINE_VERSION=version)
    assert problem.where == f'{PLACE}["DATABASE_ENGINE_VERSION"]'


def test_the_parameter_group_family_follows_the_version() -> None:
    assert [DOCUMENTDB.family_of(each) for each in ("8.0.0", "10.1.2")] == ["docdb8.0", "docdb10.1"]
