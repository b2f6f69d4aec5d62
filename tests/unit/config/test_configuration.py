"""The whole configuration: read from its file, checked at once, reported without a traceback."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from portside.config.configuration import ROOT, load_configuration, state_dir
from portside.config.environment import Environment
from portside.config.service_props import Call, HealthCheck, ServiceProps
from portside.errors import Problem, UsageError
from tests.apps import AGORA
from tests.unit.configuration_support import (
    api_and_app,
    check_configuration,
    environments,
    one_service,
    problems_of,
    problems_raised_by,
    service,
)
from tests.unit.test_redact import GITHUB_TOKEN

CONFIGURATION = (AGORA / "app.py").read_text(encoding="utf-8")


def file_problems(folder: Path, *changes: tuple[str, str], text: str = CONFIGURATION) -> list[Problem]:
    """The mistakes reported for `app.py` with changes."""
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    (folder / "app.py").write_text(text, encoding="utf-8")
    return problems_raised_by(lambda: load_configuration(folder / "app.py"))


def test_a_configuration_is_read_with_its_environments_and_services() -> None:
    configuration = load_configuration()
    assert list(configuration.environments) == ["dev", "stage", "prod"]
    assert [props.container_name for props in configuration.services_of("prod")] == [
        "agora-api",
        "agora-api-next",
        "agora-api-docs",
        "agora-app",
        "agora-apex",
    ]


def test_an_environment_that_does_not_exist_leads_to_a_suggestion() -> None:
    with pytest.raises(UsageError) as raised:
        load_configuration().environment("production")
    assert str(raised.value) == 'no environment "production" in app.py\nDid you mean "prod"?'


def test_the_whole_configuration_is_checked_whichever_environment_is_asked_for() -> None:
    assert problems_of(environments(dev={}, prod={"FQDN": ""}))[0].where == 'ENVIRONMENTS["prod"]["FQDN"]'


def test_mistakes_of_environments_and_services_are_reported_together(tmp_path: Path) -> None:
    problems = file_problems(
        tmp_path,
        ('"ACCOUNT": "607346494281"', '"ACCOUNT": 607346494281'),
        ("cpu=1024", "cpu=1000"),
        ("public=True,", ""),
        ('calls=[Call("agora-api", 3333)],', 'calls=[Call("agora-api", 3334)],'),
    )
    assert [problem.where for problem in problems] == [
        'ENVIRONMENTS["dev"]["ACCOUNT"]',
        'ServiceProps("agora-api-next").cpu',
        "services(…)",
        'ServiceProps("agora-app").calls[0]',
    ]


def test_what_is_wrong_in_every_environment_is_reported_once() -> None:
    assert [
        problem.where for problem in problems_of(environments(dev={}, prod={}), api_and_app(calls=[Call("x", 1)]))
    ] == ['ServiceProps("app").calls[0]']


def test_what_is_wrong_in_one_environment_names_it() -> None:
    def services(environment: Environment) -> list[ServiceProps]:
        return [service(public=True, container_port=0 if environment.name == "prod" else 80)]

    assert [problem.where for problem in problems_of(environments(dev={}, prod={}), services)] == [
        'ServiceProps("app").container_port in services("prod")'
    ]


def test_a_wrong_entry_that_others_build_on_is_reported_without_what_follows_from_it() -> None:
    def services(_: Environment) -> list[ServiceProps]:
        api = service(container_name="api", container_port="3333")
        return [api, service(calls=[Call("api", cast(int, api.container_port))], public=True)]

    assert [problem.where for problem in problems_of(environments(dev={}), services)] == [
        'ServiceProps("api").container_port'
    ]


def test_calls_to_a_service_that_is_wrong_elsewhere_are_not_reported() -> None:
    def services(_: Environment) -> list[ServiceProps]:
        api = service(container_name="api", container_port=3333, cpu=5)
        return [api, service(calls=[Call("api", 3333)], public=True)]

    assert [problem.where for problem in problems_of(environments(dev={}), services)] == ['ServiceProps("api").cpu']


@pytest.mark.parametrize(
    ("returned", "where", "what"),
    [
        (None, "services(…)", "returns None, not a list of ServiceProps"),
        (iter(()), "services(…)", "returns a tuple_iterator, not a list of ServiceProps"),
        ({"app": 1}, "services(…)", "returns a dict, not a list of ServiceProps"),
        ([], "services(…)", "returns an empty list"),
        ([service(public=True), [service(container_name="b")]], "services(…)[1]", "a list inside the list"),
        (
            [(service(public=True),)],
            "services(…)[0]",
            "a tuple, as a comma after ServiceProps(…) makes one",
        ),
        ([service(public=True), [1]], "services(…)[1]", "not a ServiceProps, got a list"),
        ([service(public=True), None], "services(…)[1]", "not a ServiceProps, got None"),
        ([service(public=True), ServiceProps], "services(…)[1]", "not a ServiceProps, got a type"),
    ],
)
def test_what_is_no_list_of_services_is_reported(returned: Any, where: str, what: str) -> None:
    problems = problems_of(environments(dev={}, prod={}), lambda _: returned)
    assert [(problem.where, problem.what) for problem in problems] == [(where, what)]


@pytest.mark.parametrize("services", [None, [], one_service(None), lambda: [], lambda one, two: []])  # type: ignore[arg-type]
def test_what_is_no_function_of_an_environment_is_reported(services: object) -> None:
    (problem,) = problems_of(environments(dev={}), services)
    assert problem.where == "services"
    assert problem.hint == 'Write "def services(environment: Environment) -> list[ServiceProps]:".'


@pytest.mark.parametrize(
    ("change", "what", "hint"),
    [
        (
            ("environment.fqdn", "environment.fqnd"),
            "AttributeError: 'Environment' object has no attribute 'fqnd'",
            'Did you mean "fqdn"?',
        ),
        (
            ("apex = ServiceProps(", "apex = ServiceProp("),
            "NameError: name 'ServiceProp' is not defined",
            'Did you mean "ServiceProps"?',
        ),
        (("version = environment", 'version = {}["x"]  #'), "KeyError: 'x'", "Correct that line."),
        (
            ("import DATABASE, ", "import DATABSE, "),
            "ImportError: cannot import name 'DATABSE' from 'src.service_props'",
            'Did you mean "DATABASE"?',
        ),
        (
            ('"stage": {', '"stage": {{'),
            "'{' was never closed",
            "Python can't read this: correct that line or the one before it.",
        ),
        (
            ("    version = ", "  version = "),
            "unindent does not match any outer indentation level",
            "Python can't read this: correct that line or the one before it.",
        ),
    ],
)
def test_code_that_does_not_run_is_reported_with_its_line(
    tmp_path: Path, change: tuple[str, str], what: str, hint: str
) -> None:
    (problem,) = file_problems(tmp_path, change)
    assert problem.where.startswith("app.py, line ")
    line = (tmp_path / "app.py").read_text().splitlines()[int(problem.where.rpartition(" ")[2]) - 1]
    assert change[1].strip().split("\n")[0] in line or "never closed" in what
    assert problem.what.startswith(what)
    assert problem.hint == hint


def test_code_that_fails_for_one_environment_names_it(tmp_path: Path) -> None:
    (problem,) = file_problems(
        tmp_path, ("version = environment", 'version = {"dev": "1.0", "prod": "1.0"}[environment.name]  #')
    )
    assert problem.where.endswith(' in services("stage")')
    assert problem.what == "KeyError: 'stage'"


def test_an_error_of_the_configurations_code_shows_no_secret(tmp_path: Path) -> None:
    (problem,) = file_problems(tmp_path, ("version = environment", f'version = int("{GITHUB_TOKEN}")  #'))
    assert problem.what == "ValueError"


@pytest.mark.parametrize(
    ("text", "problems_with"),
    [
        ("", [("ENVIRONMENTS is missing", "Add ENVIRONMENTS, as shown in the README."), ("services is missing", "")]),
        (
            CONFIGURATION.replace("ENVIRONMENTS", "ENVIROMENTS"),
            [("ENVIRONMENTS is missing", 'Did you mean "ENVIROMENTS"?')],
        ),
        (CONFIGURATION.replace("def services(", "def service("), [("services is missing", 'Did you mean "service"?')]),
        ("\0", [("a NUL character", "")]),
    ],
)
def test_a_file_that_is_no_configuration_is_reported(
    tmp_path: Path, text: str, problems_with: list[tuple[str, str]]
) -> None:
    problems = file_problems(tmp_path, text=text)
    assert [problem.what for problem in problems] == [what for what, _ in problems_with]
    assert all(hint in problem.hint for problem, (_, hint) in zip(problems, problems_with, strict=True))


def test_a_missing_configuration_is_reported(tmp_path: Path) -> None:
    assert problems_raised_by(lambda: load_configuration(tmp_path / "app.py")) == [
        Problem("app.py", "not found", "Get it back: git checkout app.py")
    ]


def test_entries_outside_the_function_are_checked_too_and_reported_where_they_are_used(tmp_path: Path) -> None:
    problems = file_problems(
        tmp_path,
        ('REGISTRY = "', 'CHECK = HealthCheck("x")\nUNUSED = Call("agora-api", "x")\nREGISTRY = "'),
        ('HealthCheck(["CMD-SHELL", "curl -fsS http://localhost:4200/health || exit 1"])', "CHECK"),
    )
    assert [problem.where for problem in problems] == [
        'ServiceProps("agora-app").container_healthcheck.command',
        'Call("agora-api").port',
    ]


def test_a_configuration_that_was_edited_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "app.py"
    pinned = load_configuration().environment("prod").ghcr_package_version
    for version in (pinned, f"{pinned}.1"):
        path.write_text(CONFIGURATION.replace(pinned, version), encoding="utf-8")
        assert load_configuration(path).environment("prod").ghcr_package_version == version


def test_versions_can_be_read_in_place_of_those_that_environments_name() -> None:
    configuration = load_configuration(versions={"stage": "4.3.0-rc1", "nowhere": "1.0"})
    assert configuration.environment("stage").ghcr_package_version == "4.3.0-rc1"
    assert all(":4.3.0-rc1" in props.container_location for props in configuration.services_of("stage"))
    for name in ("dev", "prod"):
        assert configuration.environment(name) == load_configuration().environment(name)


def test_a_replaced_version_is_checked_like_a_written_one() -> None:
    (problem, *_) = problems_raised_by(lambda: load_configuration(versions={"prod": "edge"}))
    assert problem.where == 'ENVIRONMENTS["prod"]["GHCR_PACKAGE_VERSION"]'


@pytest.mark.parametrize("written", ["None", "[]", '{"dev": None, "prod": []}'])
def test_versions_do_not_hide_that_the_environments_are_no_mappings(tmp_path: Path, written: str) -> None:
    path = tmp_path / "app.py"
    path.write_text(f"ENVIRONMENTS = {written}\ndef services(environment):\n    return []\n")
    wrong = problems_raised_by(lambda: load_configuration(path, versions={"dev": "1.0", "prod": "1.0"}))
    assert wrong == problems_raised_by(lambda: load_configuration(path))
    assert wrong


def test_folders_are_relative_to_the_configuration_unless_another_root_is_given(tmp_path: Path) -> None:
    (tmp_path / "root" / "docker").mkdir(parents=True)
    (tmp_path / "root" / "docker" / "Dockerfile").write_text("FROM scratch\n")
    path = tmp_path / "app.py"
    location = 'container_location=f"{REGISTRY}/agora-api:{version}"'
    built = 'container_location="path://docker" if environment.name == "dev" else f"{REGISTRY}/agora-api:1.0"'
    path.write_text(CONFIGURATION.replace(location, built))
    assert load_configuration(path, root=tmp_path / "root").services_of("dev")[0].container_location == "path://docker"
    (problem,) = problems_raised_by(lambda: load_configuration(path))
    assert problem.where == 'ServiceProps("agora-api").container_location in services("dev")'


def test_the_environments_that_run_releases_are_known_in_the_order_of_the_configuration() -> None:
    assert load_configuration().released == ("stage", "prod")
    names = check_configuration(environments(live={"KIND": "production"}, dev={}, stage={}), one_service).released
    assert names == ("live", "stage")


def test_without_a_name_the_first_environment_for_development_is_used() -> None:
    live = {"KIND": "production"}
    assert check_configuration(environments(stage={}, dev={}, qa={"KIND": "development"}), one_service).first == "dev"
    assert check_configuration(environments(live=live, stage={}), one_service).first == "live"


def test_what_a_clone_keeps_is_in_its_own_folder_or_where_a_variable_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AGORA_STATE_DIR", raising=False)
    assert state_dir() == ROOT / ".agora"
    monkeypatch.setenv("AGORA_STATE_DIR", str(tmp_path))
    assert state_dir() == tmp_path


def test_entries_outside_of_a_configuration_raise_at_once() -> None:
    def services(_: Environment) -> list[ServiceProps]:
        return [service(container_healthcheck=HealthCheck([]), public=True)]

    assert [problem.where for problem in problems_raised_by(lambda: services(None))] == ["HealthCheck.command"]  # type: ignore[arg-type]
    assert [
        problem.where for problem in problems_raised_by(lambda: check_configuration(environments(dev={}), services))
    ] == ['ServiceProps("app").container_healthcheck.command']
