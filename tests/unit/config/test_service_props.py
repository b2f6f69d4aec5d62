"""The entries of a service: what is wrong with them, and what becomes of those that are right."""

from __future__ import annotations

from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_elasticloadbalancingv2 as elbv2

from portside.config.deferred_values import DatabaseHost, DatabasePort, DatabaseSecret
from portside.config.service_props import (
    DATABASE,
    Call,
    ContainerVolume,
    HealthCheck,
    Permission,
    ServiceProps,
    ServiceSecret,
)
from portside.config.task_size import TaskSize
from portside.errors import ConfigurationError, Problem
from tests.unit.configuration_support import OMITTED, problems_raised_by, service, service_problems
from tests.unit.test_redact import GITHUB_TOKEN

NAME_HINT = 'Use up to 63 lowercase letters, digits and hyphens, such as "my-app-api".'
PORT_HINT = "Use the TCP port as a number, such as 8080."
MEMORY_HINT = "Use the memory in MiB, such as 1024 for one GiB."
LOCATION_HINT = (
    'For example: "ghcr.io/sage-bionetworks/app:1.0", or "path://docker/app" for a folder with a Dockerfile.'
)
KEY_HINT = "Use letters, digits and underscores, such as MONGODB_HOST."
SECRET = "looks like a secret, and everyone who can read the task definition can read it"
TASKS_HINT = "Use 1 to 5000, the number of tasks."
CPU_HINT = "Use one of 256, 512, 1024, 2048, 4096, 8192, 16384; 1024 is one vCPU."
HEALTH_HINT = 'Use ["CMD-SHELL", "curl -f http://localhost:8080/health || exit 1"], or ["CMD", "program", "argument"].'
KEY_HINT = "Use letters, digits and underscores, such as MONGODB_HOST."
SECRET = "looks like a secret, and everyone who can read the task definition can read it"
TASKS_HINT = "Use 1 to 5000, the number of tasks."
CPU_HINT = "Use one of 256, 512, 1024, 2048, 4096, 8192, 16384; 1024 is one vCPU."
HEALTH_HINT = 'Use ["CMD-SHELL", "curl -f http://localhost:8080/health || exit 1"], or ["CMD", "program", "argument"].'
FLAG_HINT = "Use True or False, without quotes."
PATH_HINT = 'Use an absolute path inside the container, such as "/data".'
ENDS_LIKE_AN_ARN = "ends with a hyphen and six characters, like the end of an ARN"
NAMED_ABOVE = "an environment variable with this name already exists"

# The field, what is written there, where inside of it the mistake is reported to be, what is wrong, what to do.
WRONG: list[tuple[str, Any, str, str, str]] = [
    ("container_location", OMITTED, "", "missing", "Add container_location=…"),
    ("container_port", "443", "", "not a whole number, got '443'", PORT_HINT),
    ("container_port", True, "", "not a whole number, got True", PORT_HINT),
    ("container_port", 0, "", "not from 1 to 65535, got 0", PORT_HINT),
    ("container_memory_reservation", "1 GB", "", "not a whole number, got '1 GB'", MEMORY_HINT),
    ("container_memory_reservation", 5, "", "not from 6 to 122880, got 5", MEMORY_HINT),
    ("container_location", None, "", "not a text, got None", LOCATION_HINT),
    ("container_location", "ghcr.io/a b:1", "", "not a reference to an image, got 'ghcr.io/a b:1'", LOCATION_HINT),
    (
        "container_location",
        "ghcr.io/App:1",
        "",
        "the name of an image can't have capital letters, got 'ghcr.io/App:1'",
        "Use lowercase.",
    ),
    (
        "container_location",
        "ghcr.io/app",
        "",
        "has no tag and no digest, so it is the tag latest, got 'ghcr.io/app'",
        'Use "ghcr.io/app:<tag>".',
    ),
    (
        "container_location",
        "docker://app:1",
        "",
        "a reference to an image begins with the registry, not with a scheme, got 'docker://app:1'",
        LOCATION_HINT,
    ),
    ("container_location", "path://", "", "has no folder, got 'path://'", LOCATION_HINT),
    ("container_env_vars", [("A", "b")], "", "not a mapping, got a list", 'Use {"NAME": "value"}.'),
    ("container_env_vars", "PASSWORD=hunter2", "", "not a mapping, got a text", 'Use {"NAME": "value"}.'),
    ("container_env_vars", {"PORT": 8080}, '["PORT"]', "not a text, got 8080", 'Use "8080", in quotes.'),
    ("container_env_vars", {"DEBUG": True}, '["DEBUG"]', "not a text, got True", 'Use "true", in quotes.'),
    (
        "container_env_vars",
        {"A": None},
        '["A"]',
        "not a text, got None",
        'Use a text in quotes, which can be empty: "".',
    ),
    ("container_env_vars", {"A B": "c"}, '["A B"]', "not a valid name of an environment variable, got 'A B'", KEY_HINT),
    (
        "container_env_vars",
        {"DB_PASSWORD": "hunter2"},
        '["DB_PASSWORD"]',
        SECRET,
        'Store it in Secrets Manager, and add ServiceSecret(secret_name=…, environment_key="DB_PASSWORD").',
    ),
    (
        "container_env_vars",
        {"HOST": DatabaseHost},
        '["HOST"]',
        "a class, not a value",
        "Use DatabaseHost().",
    ),
    (
        "container_env_vars",
        {"PASS": DatabaseSecret()},
        '["PASS"]',
        "not a text, got a DatabaseSecret",
        'Move it to container_secrets: ServiceSecret(DatabaseSecret(…), "PASS").',
    ),
    (
        "container_env_vars",
        {"URI": f"mongodb://{DatabaseHost()!r}"},
        '["URI"]',
        "a value that is only known after a deployment, as text instead of Python code, got 'mongodb://DatabaseHost()'",
        'Insert it as it is, such as f"my-app@{ImageVersion()}": no !r, no slices, no upper().',
    ),
    (
        "container_secrets",
        {"DB_PASS": "hunter2"},
        "",
        "not a list, got a dict",
        "Use a list in square brackets: [ServiceSecret(…)].",
    ),
    ("container_secrets", ["hunter2"], "[0]", "not a ServiceSecret, got a text", "Use ServiceSecret(…)."),
    (
        "container_volumes",
        [ContainerVolume("/a"), ContainerVolume("/a/")],
        "[1].path",
        "mounted twice, got '/a/'",
        "Use a separate path for each volume.",
    ),
    (
        "container_volumes",
        [ContainerVolume("/a", 150), ContainerVolume("/b", 51)],
        "",
        "larger together than 200 GiB, the largest storage of a Fargate task, got 201",
        "Use smaller volumes.",
    ),
    ("auto_scale_min_capacity", 0, "", "not from 1 to 5000, got 0", TASKS_HINT),
    (
        "auto_scale_min_capacity",
        2,
        "",
        "above auto_scale_max_capacity, got 2",
        "Use at most 1, or increase auto_scale_max_capacity.",
    ),
    ("container_command", "node app.js", "", "not a list, got a text", 'Use a list of texts: ["node", "server.js"].'),
    ("container_command", [], "", "empty, got []", "Remove it to run the command of the image."),
    ("container_command", ["node", 5], "[1]", "not a text, got 5", "Put each word of the command in quotes."),
    (
        "container_command",
        ["--token", GITHUB_TOKEN],
        "[1]",
        "looks like a secret",
        "Pass it in container_secrets.",
    ),
    (
        "container_healthcheck",
        ["CMD", "true"],
        "",
        "not a HealthCheck of a container, got a list",
        "Use HealthCheck(command=[…]), or aws_cdk.aws_ecs.HealthCheck(…).",
    ),
    (
        "container_healthcheck",
        elbv2.HealthCheck(),
        "",
        "not a HealthCheck of a container, got a HealthCheck of aws_cdk.aws_elasticloadbalancingv2",
        "Use HealthCheck(command=[…]), or aws_cdk.aws_ecs.HealthCheck(…).",
    ),
    ("cpu", 300, "", "not a size of Fargate, got 300", CPU_HINT),
    ("cpu", "512", "", "not a whole number, got '512'", CPU_HINT),
    ("cpu", 512.0, "", "not a whole number, got 512.0", CPU_HINT),
    ("memory", 2500, "", "Fargate has no task with this memory, got 2500", "Use 2048 or 3072."),
    ("memory", 300, "", "not from 512 to 122880, got 300", "Use the task's memory in MiB, such as 2048."),
    ("calls", Call("api", 80), "", "not a list, got a Call", "Use a list in square brackets: [Call(…)]."),
    ("calls", ["api"], "[0]", "not a Call, got a text", "Use Call(…)."),
    ("calls", [Call("app", 443)], "[0]", "a service can't call itself, got 'app'", "Remove it."),
    ("calls", [Call("x", 1), Call("x", 2)], "[1]", "called twice, got 'x'", "Remove one of them."),
    ("ecs_exec", "yes", "", "neither True nor False, got 'yes'", FLAG_HINT),
    ("public", 1, "", "neither True nor False, got 1", FLAG_HINT),
    ("spot_weight", -1, "", "not from 0 to 1000, got -1", "Use a whole number from 0 to 1000, without quotes."),
    (
        "stop_timeout_seconds",
        121,
        "",
        "not from 2 to 120, got 121",
        "Use a whole number from 2 to 120, without quotes.",
    ),
    # Fargate accepts no less.
    (
        "stop_timeout_seconds",
        1,
        "",
        "not from 2 to 120, got 1",
        "Use a whole number from 2 to 120, without quotes.",
    ),
    (
        "health_check_path",
        "health",
        "",
        "not a path of at most 1024 characters that begins with /, got 'health'",
        'Use a path such as "/health".',
    ),
]


@pytest.mark.parametrize(("field", "value", "inside", "what", "hint"), WRONG)
def test_a_mistake_is_reported_with_its_place_the_value_and_what_to_do(
    field: str, value: Any, inside: str, what: str, hint: str
) -> None:
    assert service_problems(**{field: value}) == [Problem(f'ServiceProps("app").{field}{inside}', what, hint)]


@pytest.mark.parametrize("name", ["Agora", "-app", "app-", "a b", "a.b", "é", "x" * 64])
def test_a_name_that_ecs_or_service_connect_refuses_is_reported(name: str) -> None:
    assert service_problems(container_name=name) == [
        Problem(
            f'ServiceProps("{name}").container_name',
            f"not a valid name in ECS and Service Connect, got '{name}'",
            NAME_HINT,
        )
    ]


def test_the_name_by_which_calls_mean_the_database_is_taken() -> None:
    (problem,) = service_problems(container_name=DATABASE)
    assert problem.what == "reserved: in calls it is the environment's database, got 'database'"


@pytest.mark.parametrize(
    ("size", "field", "what", "hint"),
    [
        (
            {"cpu": 256, "memory": 4096},
            "memory",
            "Fargate has no task with this memory and cpu=256, got 4096",
            "Use 512, 1024 or 2048.",
        ),
        (
            {"cpu": 1024, "memory": 2500},
            "memory",
            "Fargate has no task with this memory and cpu=1024, got 2500",
            "Use 2048 to 8192, in steps of 1024.",
        ),
        (
            {"memory": 512},
            "container_memory_reservation",
            "above the task's memory of 512 MiB, got 1024",
            "Reserve at most 512, or increase memory.",
        ),
        (
            {"cpu": 256, "container_memory_reservation": 2048},
            "container_memory_reservation",
            "does not fit into a task with cpu=256 with the 256 MiB of its sidecars, got 2048",
            "Reserve at most 1792, or increase cpu.",
        ),
        (
            {"container_memory_reservation": 122880},
            "container_memory_reservation",
            "does not fit into any task with the 256 MiB of its sidecars, got 122880",
            "Reserve at most 122624.",
        ),
        (
            {"container_memory": 1000},
            "container_memory",
            "below the reservation of 1024 MiB, got 1000",
            "Use at least 1024.",
        ),
        (
            {"container_memory": 2048, "memory": 1024, "cpu": 512},
            "container_memory",
            "above the memory of the task, got 2048",
            "Use less, or increase cpu or memory.",
        ),
        ({"ecs_task_cpu": 256, "cpu": 512}, "ecs_task_cpu", "another name of cpu", "Use one of them."),
    ],
)
def test_a_size_that_fargate_does_not_have_is_reported(size: dict[str, int], field: str, what: str, hint: str) -> None:
    assert service_problems(**size) == [Problem(f'ServiceProps("app").{field}', what, hint)]


@pytest.mark.parametrize(
    ("secret", "field", "what"),
    [
        (("app/dev/db-ABCDEF", "X"), "secret_name", ENDS_LIKE_AN_ARN),
        (("my-secret", "X"), "secret_name", ENDS_LIKE_AN_ARN),
        (("arn:aws:x", "X"), "secret_name", "an ARN, not a name"),
        (("a b", "X"), "secret_name", "contains characters that Secrets Manager rejects"),
        (("x" * 513, "X"), "secret_name", "longer than 512 characters, the limit of Secrets Manager"),
        (("", "X"), "secret_name", "empty"),
        ((5, "X"), "secret_name", "not a text"),
        ((DatabaseSecret("username"), "X"), "secret_name", "the database's secret only contains the password"),
        (("ok", "A B"), "environment_key", "not a valid name of an environment variable"),
        (("ok", "X", "a:b"), "json_field", "contains a colon, which in ECS ends the name of a field"),
        ((DatabaseSecret(), "X", "host"), "json_field", "the database's secret is not JSON"),
    ],
)
def test_a_secret_that_cannot_be_found_or_read_is_reported(secret: tuple[Any, ...], field: str, what: str) -> None:
    (problem,) = problems_raised_by(lambda: ServiceSecret(*secret))
    assert problem.where.endswith(f").{field}")
    assert problem.what.startswith(f"{what}, got ")


def test_a_secret_written_for_its_name_is_not_shown() -> None:
    (problem,) = problems_raised_by(lambda: ServiceSecret(GITHUB_TOKEN, "X"))
    assert problem.what == "a secret, not the name of a secret"
    assert GITHUB_TOKEN not in str(problem)


@pytest.mark.parametrize("name", ["agora-sentry-dsn", "app/dev/DATABASE", "a-12345", "a-1234567", "x" * 512])
def test_other_names_of_secrets_are_taken(name: str) -> None:
    assert ServiceSecret(name, "X").secret_name == name


def test_each_variable_has_one_source() -> None:
    problems = service_problems(
        container_env_vars={"A": "b"},
        container_secrets=[ServiceSecret("x", "A"), ServiceSecret("y", "B"), ServiceSecret("z", "B")],
    )
    assert [(problem.where, problem.what) for problem in problems] == [
        ('ServiceProps("app").container_secrets[0].environment_key', f"{NAMED_ABOVE}, got 'A'"),
        ('ServiceProps("app").container_secrets[2].environment_key', f"{NAMED_ABOVE}, got 'B'"),
    ]


@pytest.mark.parametrize(
    ("volume", "field", "what"),
    [
        (("data",), "path", "not an absolute path, got 'data'"),
        (("/a/../b",), "path", "not an absolute path, got '/a/../b'"),
        (("/a:b",), "path", "not an absolute path, got '/a:b'"),
        (("//",), "path", "the container's root, which can't be a volume, got '//'"),
        (("/x", 0), "size", "not from 1 to 200, got 0"),
        (("/x", "15"), "size", "not a whole number, got '15'"),
        (("/x", 15, "true"), "read_only", "neither True nor False, got 'true'"),
    ],
)
def test_a_volume_that_cannot_be_mounted_is_reported(volume: tuple[Any, ...], field: str, what: str) -> None:
    (problem,) = problems_raised_by(lambda: ContainerVolume(*volume))
    assert (problem.where, problem.what) == (f'ContainerVolume("{volume[0]}").{field}', what)


@pytest.mark.parametrize(
    ("command", "what"),
    [
        ("curl x", "not a list, got 'curl x'"),
        ([], "does not begin with CMD or CMD-SHELL, got []"),
        (["curl x"], "does not begin with CMD or CMD-SHELL, got ['curl x']"),
        (["CMD-SHELL", "curl", "x"], "CMD-SHELL must have one text, got ['CMD-SHELL', 'curl', 'x']"),
        (["CMD"], "has no program, got ['CMD']"),
    ],
)
def test_a_health_check_that_ecs_cannot_run_is_reported(command: Any, what: str) -> None:
    assert problems_raised_by(lambda: HealthCheck(command)) == [Problem("HealthCheck.command", what, HEALTH_HINT)]


@pytest.mark.parametrize(
    ("permission", "where", "what"),
    [
        (([], ["*"]), "actions", "empty, got []"),
        ((["s3:*"], ["*"]), "actions[0]", "all actions, which a task does not need, got 's3:*'"),
        ((["*"], ["*"]), "actions[0]", "all actions, which a task does not need, got '*'"),
        ((["GetObject"], ["*"]), "actions[0]", "not an IAM action, got 'GetObject'"),
        (("s3:GetObject", ["*"]), "actions", "not a list, got 's3:GetObject'"),
        ((["s3:GetObject"], ["bucket"]), "resources[0]", "not an ARN, got 'bucket'"),
    ],
)
def test_a_right_that_iam_refuses_or_that_is_too_wide_is_reported(permission: Any, where: str, what: str) -> None:
    (problem,) = problems_raised_by(lambda: Permission(*permission))
    assert (problem.where, problem.what) == (f"Permission.{where}", what)


@pytest.mark.parametrize(
    ("actions", "resources", "wide"),
    [
        (["s3:Get*"], ["arn:aws:s3:::data/report"], "s3:Get*"),
        (["s3:GetObject"], ["*"], "*"),
        (["s3:GetObject"], ["arn:aws:s3:::data/*"], "arn:aws:s3:::data/*"),
    ],
)
def test_a_right_with_a_wildcard_says_why(actions: list[str], resources: list[str], wide: str) -> None:
    (problem,) = problems_raised_by(lambda: Permission(actions, resources))
    assert (problem.where, problem.what) == (
        "Permission.reason",
        f"missing, and {wide} grants more than one permission",
    )
    assert Permission(actions, resources, "reports get new names every day").reason


def test_a_health_check_and_a_reason_for_having_none_exclude_each_other() -> None:
    reason = "the image has no shell to ask with"
    (problem,) = service_problems(container_healthcheck=HealthCheck(["CMD", "true"]), no_healthcheck_reason=reason)
    assert problem.where == 'ServiceProps("app").no_healthcheck_reason'
    assert service(no_healthcheck_reason=reason).no_healthcheck_reason == reason


@pytest.mark.parametrize("user", ["node", "1000", "1000:1000", "node:node"])
def test_a_container_may_run_as_any_user_by_name_or_number(user: str) -> None:
    assert service(user=user).user == user


@pytest.mark.parametrize("user", ["root", "0", "0:0", "root:root"])
def test_no_container_is_configured_to_run_as_root(user: str) -> None:
    (problem,) = service_problems(user=user)
    assert problem.what == f"containers should not run as root, got '{user}'"


@pytest.mark.parametrize("user", ["", "Node JS", "1000:", ":1000"])
def test_a_user_that_ecs_does_not_take_is_reported(user: str) -> None:
    (problem,) = service_problems(user=user)
    assert problem.where == 'ServiceProps("app").user'


def test_no_mistake_shows_what_is_in_the_variables() -> None:
    problems = service_problems(
        container_env_vars={"DB_PASSWORD": "hunter2", "API_TOKEN": 424242, "X": GITHUB_TOKEN, "Y": ["hunter2"]},
        container_secrets=service(container_env_vars={"NOTE": "hunter2"}),
        calls=[service(container_env_vars={"NOTE": "hunter2"})],
    )
    said = "\n".join(map(str, problems))
    assert len(problems) == 6
    assert not [secret for secret in ("hunter2", "424242", GITHUB_TOKEN) if secret in said]


@pytest.mark.parametrize("key", ["TOKEN_TTL", "PASSWORD_MIN_LENGTH", "GOOGLE_TAG_MANAGER_ID", "API_KEY_HEADER_NAME"])
def test_variables_that_only_sound_like_secrets_are_taken(key: str) -> None:
    assert service(container_env_vars={key: "900"}).container_env_vars == {key: "900"}


def test_values_that_are_known_only_later_can_be_in_the_configuration() -> None:
    props = service(
        container_env_vars={"HOST": DatabaseHost(), "PORT": DatabasePort()},
        container_secrets=[ServiceSecret(DatabaseSecret("password"), "PASS")],
    )
    assert props.container_env_vars == {"HOST": DatabaseHost(), "PORT": DatabasePort()}


def test_a_health_check_may_be_ours_or_the_cdks() -> None:
    for check in (HealthCheck(["CMD", "true"]), ecs.HealthCheck(command=["CMD", "true"])):
        assert service(container_healthcheck=check).container_healthcheck is check


def test_tokens_of_the_cdk_skip_the_checks_of_content() -> None:
    later = cdk.Fn.get_att("Anything", "Later")
    text, texts = cdk.Token.as_string(later), cdk.Token.as_list(later)
    number: Any = cdk.Token.as_number(later)
    props = ServiceProps(
        container_name=text,
        container_port=number,
        container_memory_reservation=number,
        container_location=text,
        container_env_vars={"DB_PASSWORD": text},
        container_secrets=[ServiceSecret(text, "X", text)],
        container_volumes=[ContainerVolume(text, number)],
        auto_scale_min_capacity=number,
        auto_scale_max_capacity=number,
        container_command=texts,
        container_healthcheck=HealthCheck(texts, number, number, number, number),
        cpu=number,
        memory=number,
        calls=[Call(text, number)],
        permissions=[Permission(texts, texts)],
        spot_weight=number,
        health_check_path=text,
    )
    assert props.task_size == TaskSize(number, number)


def test_tokens_of_the_cdk_do_not_skip_the_checks_of_type() -> None:
    later = cdk.Fn.get_att("Anything", "Later")
    problems = service_problems(
        container_port=cdk.Token.as_string(later),
        container_location=cdk.Token.as_number(later),
        container_command=cdk.Token.as_string(later),
        container_env_vars={"A": later},
    )
    assert [problem.where for problem in problems] == [
        'ServiceProps("app").container_port',
        'ServiceProps("app").container_location',
        'ServiceProps("app").container_env_vars["A"]',
        'ServiceProps("app").container_command',
    ]


def test_the_documented_call_gives_what_was_written() -> None:
    props = ServiceProps(
        container_name="app",
        container_port=443,
        container_memory_reservation=1024,
        container_location="ghcr.io/sage-bionetworks/app:v1.0",
        container_secrets=[
            ServiceSecret(secret_name="app/dev/DATABASE", environment_key="NAME_OF_VARIABLE"),
            ServiceSecret(secret_name="app/dev/PASSWORD", environment_key="SINGLE_VALUE_SECRET"),
        ],
    )
    assert [secret.secret_name for secret in props.container_secrets] == ["app/dev/DATABASE", "app/dev/PASSWORD"]
    assert (props.auto_scale_min_capacity, props.container_command, props.task_size) == (1, None, TaskSize(256, 2048))


def test_the_fields_may_be_given_by_position() -> None:
    check = HealthCheck(["CMD", "true"])
    props = ServiceProps(
        "app", 443, 1024, "app:1", {"A": "b"}, [ServiceSecret("x", "X")], [ContainerVolume("/d")], 1, 2, ["run"], check
    )
    assert (props.container_volumes[0].path, props.auto_scale_max_capacity) == ("/d", 2)
    assert (props.container_command, props.container_healthcheck) == (("run",), check)


def test_a_service_with_one_task_at_a_time_has_one_task() -> None:
    with pytest.raises(ConfigurationError, match="more than one task of a service with one_at_a_time=True, got 2"):
        service(one_at_a_time=True, auto_scale_max_capacity=2)
    assert service(one_at_a_time=True, auto_scale_max_capacity=1).one_at_a_time
