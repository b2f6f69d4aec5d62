"""The documentation compared with the code."""

from __future__ import annotations

import ast
import dataclasses
import json
import re
from enum import Enum
from pathlib import Path
from typing import Any

import click
import pytest

from portside.cli.main import program
from portside.config import service_props
from portside.config.entry import REQUIRED
from portside.config.environment import Bastion, Environment
from portside.config.mistakes import quoted
from portside.config.service_props import ServiceProps
from portside.emulator.fargate.faults import FAULTS
from tests.apps import agora
from tests.unit import documents
from tests.unit.configuration_support import named
from tests.unit.documents import PAGES, ROOT, Command
from tools import command_reference

WIDEST_TABLE = 120
COMMANDS = [command for page in PAGES for command in documents.commands(page)]


def programs(name: str) -> list[Command]:
    return [command for command in COMMANDS if Path(command.words[0]).name == name]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files_and_headings_that_are_there(page: str) -> None:
    for where, target in documents.links(page):
        if re.match(r"https?:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (ROOT / page).parent / path if path else ROOT / page
        assert file.exists(), f"{where}: {target}"
        if anchor:
            assert anchor in documents.anchors(str(file.resolve().relative_to(ROOT))), f"{where}: {target}"


@pytest.mark.parametrize("page", PAGES)
def test_tables_are_narrow_enough_to_be_read(page: str) -> None:
    wide = [
        f"{page}:{number}"
        for number, line in documents.prose(page)
        if line.startswith("|") and len(line) > WIDEST_TABLE
    ]
    assert wide == []


@pytest.mark.parametrize("page", PAGES)
def test_files_that_are_named_are_there(page: str) -> None:
    named = re.findall(
        r"`((?:src|portside|agora_own|tools|tests|docs|benchmarks|\.github|\.ci)/[\w./-]*)`",
        "\n".join(line for _, line in documents.prose(page)),
    )
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_page_is_in_the_index_and_the_index_in_the_readme() -> None:
    assert "docs/README.md" in {target for _, target in documents.links("README.md")}
    linked = {
        f"{folder}/{target.partition('#')[0]}"
        for folder in ("docs", "docs/cookbook")
        for _, target in documents.links(f"{folder}/README.md")
    }
    assert set(PAGES) - linked <= {"README.md", "docs/README.md", "CONTRIBUTING.md", "SECURITY.md", "ARCHITECTURE.md"}


def test_the_command_reference_is_what_the_command_line_says() -> None:
    assert command_reference.PAGE.read_text(encoding="utf-8") == command_reference.reference(), (
        "docs/commands.md is out of date. Run: python tools/command_reference.py"
    )


def test_every_command_and_every_option_is_in_the_reference() -> None:
    page = command_reference.PAGE.read_text(encoding="utf-8")
    for context in command_reference.contexts(click.Context(program, info_name="./agora")):
        assert f"## `{context.command_path}`\n" in page
        section = page.partition(f"## `{context.command_path}`\n")[2].partition("\n## ")[0]
        for option in context.command.params:
            if isinstance(option, click.Option):
                assert all(name in section for name in option.opts), (context.command_path, option.opts)
                assert option.help, f"{context.command_path} {option.opts} has no help text"


def test_pages_tell_people_to_run_something() -> None:
    assert {"./agora", "cdk", "aws", "python"} <= {command.words[0] for command in COMMANDS}


@pytest.mark.parametrize("command", programs("agora"), ids=lambda command: command.where)
def test_a_command_of_agora_that_is_shown_exists(command: Command) -> None:
    assert command.words[0] == "./agora", f"{command.where}: write ./agora"
    leaf: click.Command = program
    words = list(command.words[1:])
    names = ["./agora"]
    while isinstance(leaf, click.Group):
        known = {name for param in leaf.params for name in param.opts} | {"--help"}
        while words and words[0].startswith("-"):
            assert words.pop(0) in known, command.where
        if not words:
            return
        names.append(words.pop(0))
        found = leaf.get_command(click.Context(leaf), names[-1])
        assert found is not None, f"{command.where}: no command {' '.join(names)}"
        leaf = found
    try:
        context = leaf.make_context(" ".join(names), words)
    except click.MissingParameter:
        # In running text a command may be named without its arguments.
        assert not command.is_whole, command.where
        return
    except click.exceptions.Exit:
        return
    environment = context.params.get("environment")
    assert environment in (None, *agora().environments, *(() if command.is_whole else ("ENV",))), command.where
    for fault in context.params.get("faults", ()):
        check_fault(command.where, fault)


def check_fault(where: str, text: str) -> None:
    service, _, fault = text.partition("=")
    if text == "SERVICE=FAULT":
        return
    assert service in AGORAS_SERVICES, where
    assert fault in FAULTS, where


AGORAS_SERVICES = {named("dev").short_name(props.container_name) for props in agora().services_of("dev")}


@pytest.mark.parametrize("command", programs("cdk"), ids=lambda command: command.where)
def test_a_command_of_the_cdk_that_is_shown_exists(command: Command) -> None:
    registry = json.loads((ROOT / "node_modules/aws-cdk/lib/cli/cli-type-registry.json").read_text(encoding="utf-8"))
    verbs = {name: verb for key, verb in registry["commands"].items() for name in (key, *(verb.get("aliases") or ()))}
    if len(command.words) == 1:
        return
    verb, *rest = command.words[1:]
    assert verb in verbs, command.where
    options = registry["globalOptions"] | (verbs[verb].get("options") or {})
    spelled = {f"--{name}" for name in options} | {
        f"-{each['alias']}" for each in options.values() if each.get("alias")
    }
    for word in rest:
        if word.startswith("-"):
            assert word.partition("=")[0].replace("--no-", "--") in spelled, f"{command.where}: {word}"
        elif verb in ("synth", "deploy", "diff", "destroy", "ls"):
            environments = "|".join(agora().environments)
            assert re.fullmatch(rf"agora-({environments})-[a-z0-9-]+", word), f"{command.where}: {word}"


@pytest.mark.parametrize("command", programs("aws"), ids=lambda command: command.where)
def test_a_command_of_aws_that_is_shown_exists(command: Command) -> None:
    from botocore import xform_name
    from botocore.loaders import Loader

    words = list(command.words[1:])
    while words and words[0] in ("--profile", "--region"):
        words = words[2:]
    if words[:1] == ["sso"] or len(words) < 2:
        return
    service, verb, *rest = words
    model = Loader().load_service_model(service, "service-2")
    operations = {xform_name(name, "-"): operation for name, operation in model["operations"].items()}
    assert verb in operations, command.where
    members = model["shapes"][operations[verb]["input"]["shape"]]["members"]
    options = {f"--{no}{xform_name(name, '-')}" for name in members for no in ("", "no-")} | {"--query", "--output"}
    assert [word for word in rest if word.startswith("--") and word not in options] == [], command.where


@pytest.mark.parametrize("command", programs("python"), ids=lambda command: command.where)
def test_a_command_of_python_that_is_shown_runs_something_that_is_there(command: Command) -> None:
    words = command.words[1:]
    if words[0] == "-m":
        assert words[1] == "pytest", command.where
        words = words[2:]
    assert all(word in ("-s", "-v", "-x", "-q") or (ROOT / word).exists() for word in words), command.where


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.where)
def test_the_environment_that_a_command_sets_exists(command: Command) -> None:
    for name, value in command.variables:
        if name == "ENV":
            assert value in agora().environments, command.where


@pytest.mark.parametrize(
    "command",
    [each for each in COMMANDS if each.words[0].startswith(("./", "tools/")) and each.is_whole],
    ids=lambda each: each.where,
)
def test_a_script_that_is_shown_is_there(command: Command) -> None:
    assert (ROOT / command.words[0]).is_file(), command.where


# Keys of the configuration that the Environment names differently.
RENAMED = {
    "certificate_arn": "CERTIFICATE_ID",
    "auto_scale_min": "AUTO_SCALE_CAPACITY",
    "auto_scale_max": "AUTO_SCALE_CAPACITY",
}
NOT_KEYS = {"name", "identity", "own_stacks", "service_stacks"}
KEYS = {
    RENAMED.get(each.name, each.name.upper()) for each in dataclasses.fields(Environment) if each.name not in NOT_KEYS
}


def test_every_key_of_an_environment_is_documented_and_no_other() -> None:
    assert set(documents.tables("docs/configuration.md", "Environments")) == KEYS


def test_every_key_of_a_bastion_is_documented() -> None:
    documented = documents.tables("docs/adopting.md", "The bastion")
    assert set(documented) == {each.name.upper() for each in dataclasses.fields(Bastion)}


def test_the_documented_defaults_of_an_environment_are_true() -> None:
    defaults = {each.name.upper(): each.default for each in dataclasses.fields(Environment)}
    optional = {
        key: cells
        for key, cells in documents.tables("docs/configuration.md", "Environments").items()
        if len(cells) == 3
    }
    assert len(optional) > 5
    for key, (_, default, _) in optional.items():
        if default.startswith("`") and default != "`APP`":
            assert ast.literal_eval(default.strip("`")) == defaults[key], key


ENTRIES = [
    "ServiceProps",
    "ServiceSecret",
    "ContainerVolume",
    "DurableVolume",
    "HealthCheck",
    "Call",
    "Grant",
    "Permission",
]


@pytest.mark.parametrize("name", ENTRIES)
def test_every_field_of_an_entry_is_documented_with_its_default_and_no_other(name: str) -> None:
    fields = {each.name: each for each in dataclasses.fields(getattr(service_props, name))}
    documented = documents.tables("docs/configuration.md", name)
    assert list(documented) == list(fields)
    for key, (_, default, _) in documented.items():
        assert default == written_default(fields[key]), f"{name}.{key}"


def written_default(field: dataclasses.Field[Any]) -> str:
    if field.default in (dataclasses.MISSING, REQUIRED) and field.default_factory is dataclasses.MISSING:
        return "required"
    default = field.default_factory() if field.default_factory is not dataclasses.MISSING else field.default
    if isinstance(default, Enum):
        return f"`{default.name}`"
    if default is None or default == () or default == {}:
        return "none"
    return f"`{quoted(default)}`"


def test_every_entry_of_the_configuration_is_documented() -> None:
    described = {
        name
        for name, kind in vars(service_props).items()
        if dataclasses.is_dataclass(kind) and kind.__module__ == ServiceProps.__module__
    }
    assert described == set(ENTRIES)


def test_every_fault_is_documented() -> None:
    assert set(documents.tables("docs/failures.md", "The faults")) == set(FAULTS)
