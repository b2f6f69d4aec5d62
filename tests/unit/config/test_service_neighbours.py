"""Constraints between the services of one environment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from portside.config.deferred_values import DatabaseHost, DatabaseSecret
from portside.config.environment import Environment
from portside.config.service_props import DATABASE, Call, Route, ServiceProps, ServiceSecret
from portside.errors import Problem
from tests.unit.configuration_support import (
    OMITTED,
    api_and_app,
    check_configuration,
    environments,
    named,
    problems_of,
    problems_raised_by,
    service,
)

DIGEST = "sha256:" + "0123456789abcdef" * 4


def problems_with(*services: ServiceProps, name: str = "dev", **environment: Any) -> list[tuple[str, str]]:
    problems = problems_of(environments(**{name: environment}), lambda _: list(services))
    return [(problem.where, problem.what) for problem in problems]


def app_problems(**changes: Any) -> list[Problem]:
    """The mistakes reported for an app that calls an api on port 3333."""
    return problems_of(environments(dev={}), api_and_app(**changes))


def chain(*names: str, closed: bool = False) -> list[ServiceProps]:
    """Services of which each calls the next, and the last the first if closed."""
    nexts = [*names[1:], *(names[:1] if closed else [])]
    calls = dict(zip(names, nexts, strict=False))
    ports = {name: 1000 + index for index, name in enumerate(names)}
    return [
        service(
            container_name=name,
            container_port=ports[name],
            calls=[Call(calls[name], ports[calls[name]])] if name in calls else [],
            public=name == names[0],
        )
        for name in names
    ]


def test_services_that_fit_together_are_taken() -> None:
    assert check_configuration(environments(dev={}), api_and_app()).services_of("dev")[1].container_name == "app"


def test_a_call_to_a_service_that_does_not_exist_is_reported_with_a_suggestion() -> None:
    assert app_problems(calls=[Call("apii", 3333)]) == [
        Problem('ServiceProps("app").calls[0]', "no such service, got 'apii'", 'Did you mean "api"?')
    ]


def test_a_call_to_a_port_that_the_service_does_not_listen_on_is_reported_with_the_right_one() -> None:
    assert app_problems(calls=[Call("api", 3334)]) == [
        Problem('ServiceProps("app").calls[0]', "api listens on port 3333, got 3334", "Use port 3333.")
    ]


def test_a_call_to_the_database_goes_to_its_port() -> None:
    assert problems_with(service(public=True, calls=[Call(DATABASE, 27017)]), DATABASE_PORT=27018) == [
        ('ServiceProps("app").calls[0]', "database listens on port 27018, got 27017")
    ]


@pytest.mark.parametrize(
    "use",
    [
        {"container_env_vars": {"HOST": DatabaseHost()}},
        {"container_secrets": [ServiceSecret(DatabaseSecret(), "PASS")]},
    ],
)
def test_a_service_that_uses_the_database_calls_it(use: dict[str, Any]) -> None:
    assert app_problems(**use) == [
        Problem(
            'ServiceProps("app").calls',
            "uses the database's host, port or password, but does not call it",
            "Add Call(DATABASE, 27017).",
        )
    ]


@pytest.mark.parametrize(
    ("variables", "key", "what", "hint"),
    [
        (
            {"API": "http://api:3333/v1"},
            "API",
            "an address of api, which is not in calls",
            'Add Call("api", 3333) to calls.',
        ),
        (
            {"API_HOST": "api"},
            "API_HOST",
            "an address of api, which is not in calls",
            'Add Call("api", 3333) to calls.',
        ),
    ],
)
def test_an_address_of_a_service_that_is_not_called_is_reported(
    variables: dict[str, str], key: str, what: str, hint: str
) -> None:
    (problem,) = app_problems(calls=[], container_env_vars=variables)
    assert problem.where == f'ServiceProps("app").container_env_vars["{key}"]'
    assert (problem.what, problem.hint) == (f"{what}, got '{variables[key]}'", hint)


@pytest.mark.parametrize(
    ("variables", "key"),
    [
        ({"API": "http://api:3334/v1"}, "API"),
        ({"API": "http://api/v1"}, "API"),
        ({"API_HOST": "api", "API_PORT": "3334"}, "API_PORT"),
    ],
)
def test_an_address_with_another_port_than_the_services_is_reported(variables: dict[str, str], key: str) -> None:
    (problem,) = app_problems(container_env_vars=variables)
    assert problem.where == f'ServiceProps("app").container_env_vars["{key}"]'
    assert problem.what == f"api listens on port 3333, got '{variables[key]}'"


@pytest.mark.parametrize(
    "variables",
    [
        {"API": "http://api:3333/v1"},
        {"API_HOST": "api", "API_PORT": "3333"},
        {"API": "https://example.org/api"},
        {"API": "http://[api:3333"},
        {"API": "http://api:x/"},
        {"API_PORT": "²"},
        {"NAME": "api"},
    ],
)
def test_other_variables_are_nobodys_business(variables: dict[str, str]) -> None:
    check_configuration(environments(dev={}), api_and_app(container_env_vars=variables))


def test_services_that_call_each_other_in_a_circle_are_reported_and_those_outside_are_not() -> None:
    caller = service(container_name="caller", container_port=1, calls=[Call("a", 1000)])
    named_in_problems = problems_with(caller, *chain("a", "b", "c", closed=True))
    assert len(named_in_problems) == 1
    where, what = named_in_problems[0]
    assert where == "services(…)"
    cycle = what.removeprefix("services call each other in a cycle: ").split(" -> ")
    assert cycle[0] == cycle[-1]
    following = {"a": "b", "b": "c", "c": "a"}
    assert all(following[one] == other for one, other in pairwise(cycle))


def test_every_circle_is_reported() -> None:
    first, second = chain("a", "b", closed=True), chain("c", "d", closed=True)
    moved = [
        service(container_name="c", container_port=2000, calls=[Call("d", 2001)]),
        service(container_name="d", container_port=2001, calls=[Call("c", 2000)]),
    ]
    assert len(second) == 2
    assert len(problems_with(*first, *moved)) == 2


def test_a_chain_is_no_circle() -> None:
    check_configuration(environments(dev={}), lambda _: chain("a", "b", "c"))


def test_names_are_used_once() -> None:
    assert problems_with(service(public=True), service(container_port=80)) == [
        ("services(…)", "2 services have the same container_name, got 'app'")
    ]


def test_services_can_share_a_port() -> None:
    check_configuration(environments(dev={}), lambda _: [service(public=True), service(container_name="api")])


@pytest.mark.parametrize(
    ("names", "what"),
    [
        (["agora-app", "app"], "its stack would have the same name as that of \"agora-app\", got 'app'"),
        (["agora-network"], "its stack would have the same name as that of another stack, got 'agora-network'"),
        (["agora-docdb-v8"], "its stack would have the same name as that of another stack, got 'agora-docdb-v8'"),
        (["agora-monitoring"], "its stack would have the same name as that of another stack, got 'agora-monitoring'"),
        (["agora-bastion"], "its stack would have the same name as that of another stack, got 'agora-bastion'"),
        (["a_b"], "not a valid name of a CloudFormation stack, got 'a_b'"),
    ],
)
def test_every_service_has_its_own_stack(names: Sequence[str], what: str) -> None:
    services = [
        service(container_name=name, container_port=80 + index, public=index == 0) for index, name in enumerate(names)
    ]
    assert problems_with(*services) == [(f'ServiceProps("{names[-1]}").container_name', what)]


def test_a_stack_is_called_after_its_service() -> None:
    assert [named("dev").short_name(name) for name in ("agora-api-next", "worker")] == ["api-next", "worker"]


def test_exactly_one_service_is_public() -> None:
    assert problems_with(service()) == [("services(…)", "no service has public=True")]
    assert problems_with(service(public=True), service(container_name="api", container_port=80, public=True)) == [
        ("services(…)", '2 services have public=True and no routes: "app", "api"')
    ]
    routes = [Route(2, paths=["/app"])]
    assert problems_with(service(public=True, routes=routes)) == [("services(…)", "every public service has routes")]


def test_public_services_have_different_priorities() -> None:
    api = service(container_name="api", container_port=80, public=True, routes=[Route(7, hosts=["api.example.org"])])
    more = service(container_name="more", container_port=80, public=True, routes=[Route(7, paths=["/more"])])
    assert problems_with(service(public=True), api, more) == [
        ('ServiceProps("more").routes[0]', "a route of api has this priority, got 7")
    ]


def test_an_adopted_environment_has_no_public_callee_of_the_service_with_the_listeners() -> None:
    api = service(container_name="api", container_port=80, public=True, routes=[Route(7, paths=["/api/*"])])
    worker = service(container_name="worker", container_port=81, calls=[Call("api", 80)])
    app = service(public=True, calls=[Call("worker", 81)])
    [(where, what)] = problems_with(app, worker, api, ADOPTED_STACKS="ran before")
    assert where == 'ServiceProps("api").routes'
    assert what.startswith("app calls it, so it must be deployed before")
    assert check_configuration(environments(dev={}), lambda _: [app, worker, api])
    apart = service(public=True)
    assert check_configuration(environments(dev={"ADOPTED_STACKS": "ran before"}), lambda _: [apart, worker, api])


@pytest.mark.parametrize("location", ["ghcr.io/x/app:edge", "ghcr.io/x/app:latest", "ghcr.io/x/app:sha-0123abc"])
@pytest.mark.parametrize("name", ["stage", "prod"])
def test_a_released_environment_runs_no_tag_that_moves(name: str, location: str) -> None:
    assert problems_with(service(public=True, container_location=location), name=name) == [
        (
            'ServiceProps("app").container_location',
            f"{name} must not run a tag that moves from image to image, got '{location}'",
        )
    ]


def test_dev_may_run_a_tag_that_moves() -> None:
    check_configuration(environments(dev={}), lambda _: [service(public=True, container_location="ghcr.io/x/app:edge")])


@pytest.mark.parametrize(
    "location", ["ghcr.io/x/app:4.2.0-rc2", f"ghcr.io/x/app@{DIGEST}", f"ghcr.io/x/app:edge@{DIGEST}"]
)
def test_a_released_environment_runs_releases_and_digests(location: str) -> None:
    check_configuration(environments(prod={}), lambda _: [service(public=True, container_location=location)])


@pytest.mark.parametrize("name", ["stage", "prod"])
def test_a_released_environment_runs_nothing_built_on_the_deploying_machine(name: str) -> None:
    assert problems_with(service(public=True, container_location="path://docker/app"), name=name) == [
        (
            'ServiceProps("app").container_location',
            f"{name} must not run an image that is built on the deploying machine, got 'path://docker/app'",
        )
    ]


def test_a_local_build_needs_its_dockerfile(tmp_path: Path) -> None:
    configuration = environments(dev={}), lambda _: [service(public=True, container_location="path://docker/app")]
    (problem,) = problems_raised_by(lambda: check_configuration(*configuration, tmp_path))
    assert problem.what == "no Dockerfile in this folder, got 'path://docker/app'"
    (tmp_path / "docker/app").mkdir(parents=True)
    (tmp_path / "docker/app/Dockerfile").touch()
    check_configuration(*configuration, tmp_path)


def test_a_folder_that_cannot_exist_is_reported_like_a_missing_one() -> None:
    ((_, what),) = problems_with(service(public=True, container_location=f"path://{'x' * 5000}"))
    assert what.startswith("no Dockerfile in this folder, got ")


def test_a_released_environment_does_not_depend_on_spot_capacity() -> None:
    assert problems_with(service(public=True, spot_weight=1), name="prod") == [
        (
            'ServiceProps("app").spot_weight',
            "AWS can interrupt Spot capacity at any time, which must not happen in prod, got 1",
        )
    ]
    check_configuration(environments(dev={}), lambda _: [service(public=True, spot_weight=1)])


@pytest.mark.parametrize(("most", "fits"), [(22, True), (23, False)])
def test_a_network_has_an_address_for_every_task_of_a_deployment(most: int, fits: bool) -> None:
    configuration = environments(dev={"VPC_CIDR": "10.0.0.0/25"})
    props = service(public=True, auto_scale_max_capacity=most)
    check: Callable[[], object] = lambda: check_configuration(configuration, lambda _: [props])  # noqa: E731
    if fits:
        check()
        return
    (problem,) = problems_raised_by(check)
    assert problem.where == 'ENVIRONMENTS["dev"]["VPC_CIDR"]'
    assert problem.what == (
        "too small: its private subnets have 54 addresses, and deploying every service at its auto_scale_max_capacity "
        "needs 55, got '10.0.0.0/25'"
    )


@pytest.mark.parametrize(
    ("changes", "value", "what"),
    [
        ({"CERTIFICATE_ID": OMITTED}, "https://dev.example.org/api", 'HTTPS, which "dev" does not serve'),
        ({"CERTIFICATE_ID": OMITTED, "FQDN": OMITTED}, "https:///api", "an address without a host"),
    ],
)
def test_an_address_of_the_site_that_does_not_answer_is_reported(
    changes: dict[str, Any], value: str, what: str
) -> None:
    services = [service(public=True, container_env_vars={"API_URL": value})]
    (problem,) = problems_of(environments(dev=changes), lambda _: services)
    assert problem.where == 'ServiceProps("app").container_env_vars["API_URL"]'
    assert problem.what.startswith(what)
    assert "environment.url" in problem.hint


@pytest.mark.parametrize("changes", [{}, {"CERTIFICATE_ID": OMITTED}, {"CERTIFICATE_ID": OMITTED, "FQDN": OMITTED}])
def test_the_environments_own_address_is_accepted(changes: dict[str, Any]) -> None:
    def services(environment: Environment) -> list[ServiceProps]:
        return [service(public=True, container_env_vars={"API_URL": f"{environment.url}/api"})]

    check_configuration(environments(dev=changes, stage={}), services)


def with_worker(**changes: Any) -> list[Problem]:
    """The mistakes of an app next to a worker, to which nothing connects."""
    worker = service(container_name="app-worker", container_port=None)
    app = service(container_name="app", public=True, **changes)
    return problems_of(environments(dev={}), lambda _: [app, worker])


def test_a_worker_has_no_port() -> None:
    worker = service(container_name="app-worker", container_port=None)
    found = check_configuration(environments(dev={}), lambda _: [service(public=True), worker])
    assert found.services_of("dev")[1].container_port is None


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"calls": [Call("app-worker", 9000)]}, 'ServiceProps("app").calls[0]'),
        (
            {"container_env_vars": {"WORKER_URL": "http://app-worker:9000/jobs"}},
            'ServiceProps("app").container_env_vars["WORKER_URL"]',
        ),
    ],
)
def test_a_connection_to_a_worker_is_reported(changes: dict[str, Any], where: str) -> None:
    [problem] = with_worker(**changes)
    assert problem.where == where
    assert problem.what.startswith("app-worker has no container_port, so nothing can connect to it")
    assert problem.hint == 'Add container_port=9000 to "app-worker", or remove the connection.'


@pytest.mark.parametrize(
    ("changes", "what", "hint"),
    [
        ({"public": True}, "missing, and the load balancer needs it", "Add container_port=…, the port that"),
        ({"container_env_vars": {"PORT": "9000"}}, "missing, and PORT is", "Add container_port=9000, or remove PORT"),
        (
            {"container_command": ["serve", "--port", "9000"]},
            "missing, and the command listens",
            "container_port=9000.",
        ),
    ],
)
def test_a_service_that_listens_needs_its_port(changes: dict[str, Any], what: str, hint: str) -> None:
    [problem] = problems_raised_by(lambda: service(container_port=None, **changes))
    assert problem.where == 'ServiceProps("app").container_port'
    assert problem.what.startswith(what)
    assert hint in problem.hint
