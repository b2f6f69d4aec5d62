"""Every command that a message prints exists, is for the place that it is about, and does no more than it says.

The ways around it: a command written by hand, an option that does not exist, a rehearsal's fix that reaches a real
account or AWS's that needs a rehearsal, a name from a log that a shell would run, and a right that is wider than what
was refused.
"""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import pytest
from botocore import xform_name
from botocore.session import get_session

from portside.cli.main import program
from portside.commands import Commands
from portside.config.database_kinds import DATABASE_KINDS, DatabaseKind
from portside.emulator.client.child_environment import child_environment
from portside.findings.verdict import judge
from portside.rehearsal.environment_variables import words_of
from tests.source_code import sources
from tests.unit.diagnosis_support import ACCOUNT, DEFINITION, evidence, service, stack, task

ROOT = Path(__file__).resolve().parents[2]

# Where commands are written by hand, and why.
BY_HAND = {
    "portside/cli/local.py": "the help of the command itself",
    "portside/cli/main.py": "the examples in the help",
    "portside/emulator/client/aws_command.py": "imports no other package, and names the command that runs it",
}
WRITES_ROWS = "portside/findings/words.py"
# Commands that users run before an environment exists, or outside every one.
ALLOWED = re.compile(
    r"aws sso login|aws --profile NAME sso login|aws sts get-caller-identity --query Account"
    r"|aws docdb describe-db-clusters|aws docdb describe-db-cluster-snapshots"
)
OWN, OF_AWS = re.compile(r"\./agora \w"), re.compile(r"\baws (?:--?[\w-]+ )*[a-z][\w-]+ [a-z]+-[a-z-]+")


@dataclass(frozen=True)
class Printed:
    """A call that writes a command, with the words that are the same each time; None represents any other."""

    where: str
    words: tuple[str | None, ...]
    options: frozenset[str]
    local: str
    is_method: bool


def docstrings(nodes: Iterable[ast.AST]) -> set[int]:
    """Every bare string: documentation of modules, functions and fields."""
    return {id(each.value) for each in nodes if isinstance(each, ast.Expr)}


def words_in(call: ast.Call) -> tuple[str | None, ...]:
    found: list[str | None] = []
    for argument in call.args:
        values = argument.value if isinstance(argument, ast.Starred) else argument
        if isinstance(values, ast.Call) and ast.unparse(values.func).endswith("kind.command"):
            verb = ast.literal_eval(values.args[0])
            found += ["{service}", f"{verb}-db-{{noun}}"]
            continue
        for each in values.elts if isinstance(values, ast.Tuple) else [values]:
            is_text = isinstance(each, ast.Constant) and isinstance(each.value, str)
            unknown = "{service}" if ast.unparse(each).endswith("kind.service") else None
            found += each.value.split() if is_text else [unknown]  # type: ignore[attr-defined]
    return tuple(found)


def calls(name: str) -> list[Printed]:
    found = []
    for path, nodes in sources("portside", "agora_own", containing=f"{name}("):
        for each in nodes:
            if not isinstance(each, ast.Call) or path == "portside/commands.py":
                continue
            function = each.func
            is_method = isinstance(function, ast.Attribute) and function.attr == name
            if is_method or (isinstance(function, ast.Name) and function.id == name):
                keywords = {keyword.arg: keyword.value for keyword in each.keywords if keyword.arg}
                if any(".identified(" in ast.unparse(keyword.value) for keyword in each.keywords if not keyword.arg):
                    keywords["db_{noun}_identifier"] = ast.Constant("")
                local = ast.unparse(keywords.pop("local")) if "local" in keywords else ""
                where = f"{path}:{each.lineno}"
                found.append(Printed(where, words_in(each), frozenset(keywords), local, is_method))
    return found


def commands_of_rows() -> list[Printed]:
    """The commands of AWS that are data of the findings, and written by `portside/findings/words.py`."""
    found = []
    for path in sorted((ROOT / "portside/findings").glob("*.toml")):
        for name, row in tomllib.loads(path.read_text(encoding="utf-8")).get("commands", {}).items():
            service, operation, *rest = shlex.split(row if isinstance(row, str) else row["command"])
            options = {word.removeprefix("--").replace("-", "_") for word in rest if word.startswith("--")}
            found.append(Printed(f"{path.name}:{name}", (service, operation), frozenset(options), "", True))
    return found


def commands_of_aws() -> list[Printed]:
    written = [each for each in calls("aws") if each.words and not each.where.startswith(WRITES_ROWS)]
    from_rows = commands_of_rows()
    assert len(from_rows) > 15
    return [command for each in written for command in of_each_kind(each)] + from_rows


def of_each_kind(printed: Printed) -> list[Printed]:
    """A command about a database, for each kind of database."""
    if "{service}" not in printed.words:
        return [printed]

    def filled(text: str, kind: DatabaseKind) -> str:
        return text.format(service=kind.service, noun=kind.noun)

    return [
        replace(
            printed,
            where=f"{printed.where}, {kind.name}",
            words=tuple(word and filled(word, kind) for word in printed.words),
            options=frozenset(filled(option, kind) for option in printed.options),
        )
        for kind in DATABASE_KINDS.values()
    ]


def command_of(words: tuple[str | None, ...]) -> tuple[click.Command, list[str | None]]:
    leaf: click.Command = program
    rest = list(words)
    while isinstance(leaf, click.Group) and rest and rest[0] is not None and not rest[0].startswith("-"):
        found = leaf.commands.get(rest.pop(0) or "")
        assert found is not None, f"no command {words}"
        leaf = found
    return leaf, rest


def test_no_command_is_written_by_hand() -> None:
    found = []
    for path, nodes in sources("portside", "agora_own"):
        known = docstrings(nodes)
        for each in nodes:
            text = each.value if isinstance(each, ast.Constant) and isinstance(each.value, str) else ""
            if id(each) not in known and (OWN.search(text) or OF_AWS.search(ALLOWED.sub("", text))):
                found.append(f"{path}:{each.lineno} {text}")  # type: ignore[attr-defined]
    assert [each for each in found if each.partition(":")[0] not in BY_HAND] == []


@pytest.mark.parametrize("printed", calls("tool"), ids=lambda printed: printed.where)
def test_every_documented_command_exists_with_its_options(printed: Printed) -> None:
    if printed.words[:1] == (None,) or not printed.words or printed.words[0] in ("--debug", "--help"):
        return
    command, rest = command_of(printed.words)
    assert not isinstance(command, click.Group), printed
    known = {name for parameter in command.params for name in parameter.opts}
    assert {word.partition("=")[0] for word in rest if word and word.startswith("--")} <= known
    names = {parameter.name for parameter in command.params}
    if printed.is_method:
        assert {"environment", "local"} <= names, "acts on no environment that can be rehearsed"
    elif "local" not in names:
        assert printed.local == "False", "has no --local, so say local=False"
    needed = [each for each in command.params if isinstance(each, click.Argument) and each.required]
    positional = [word for word in rest if word is None or not word.startswith("--")]
    assert len(positional) + printed.is_method >= len(needed), "an argument is missing"


@pytest.mark.parametrize("printed", calls("local_tool"), ids=lambda printed: printed.where)
def test_a_command_on_the_embedded_aws_exists(printed: Printed) -> None:
    command, rest = command_of(("local", *printed.words))
    assert not isinstance(command, click.Group)
    assert {word for word in rest if word} <= {name for parameter in command.params for name in parameter.opts}


@pytest.mark.parametrize("printed", commands_of_aws(), ids=lambda printed: printed.where)
def test_a_command_of_aws_exists_with_its_options(printed: Printed) -> None:
    name = printed.words[0]
    operation = printed.words[1] if len(printed.words) > 1 else None
    assert name is not None
    model = get_session().get_service_model(name)
    operations = {xform_name(each, "-"): each for each in model.operation_names}
    if operation is None:
        return
    assert operation in operations
    shape: Any = model.operation_model(operations[operation]).input_shape
    known = {xform_name(each) for each in shape.members} | {"query", "output"} if shape else set()
    assert {each.removeprefix("no_") if each not in known else each for each in printed.options} <= known
    # A filter alone, or a list, needs nothing; what changes something needs its object.
    required = {xform_name(each) for each in (shape.required_members if shape else [])}
    optional = {each for each in required if shape.members[_member(shape, each)].metadata.get("idempotencyToken")}
    assert required - optional <= {each.removeprefix("no_") for each in printed.options} | printed.options


def _member(shape: Any, name: str) -> str:
    return next(str(each) for each in shape.members if xform_name(each) == name)


HOSTILE = "x$(touch${IFS}pwned)`id`;id|id&'\"\\"
DENIED = "ResourceInitializationError: unable to pull secrets or registry auth: AccessDeniedException: "
MISSING = "ResourceInitializationError: unable to pull secrets: ResourceNotFoundException: Secrets Manager can't find "
BROKEN = {
    "denied, no ARN": task(f"{DENIED}User is not authorized to perform: secretsmanager:GetSecretValue"),
    "denied, ARN": task(
        f"{DENIED}not authorized to perform: secretsmanager:GetSecretValue on resource: "
        f"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:agora-sentry-dsn-a1B2c3"
    ),
    "hostile name": task(f"{MISSING}the specified secret. invalid parameters: {HOSTILE.replace(chr(39), '')}"),
    "missing": task(f"{MISSING}the specified secret. invalid parameters: agora-sentry-dsn"),
    "log group": task("failed to validate logger args: The specified log group does not exist. ResourceNotFound"),
    "role": task(f"ECS was unable to assume the role 'arn:aws:iam::{ACCOUNT}:role/{HOSTILE[:8]}' that was provided"),
    "quota": task("You've reached the limit on the number of vCPUs you can run concurrently"),
    "address": task("InsufficientFreeAddressesInSubnet subnet-0123"),
    "task role": task(
        "Essential container in task exited",
        exit_code=1,
        log=("AccessDenied: User x is not authorized to perform: s3:GetObject because no policy allows it",),
    ),
    "task role, all": task(
        "Essential container in task exited",
        exit_code=1,
        log=("User x is not authorized to perform: s3:GetObject on resource: *",),
    ),
    "password": task(
        "Essential container in task exited", exit_code=1, log=("MongoServerError: Authentication failed. code: 18",)
    ),
}
STUCK = ("UPDATE_ROLLBACK_FAILED", "DELETE_FAILED", "ROLLBACK_FAILED", "REVIEW_IN_PROGRESS")


def fixes(*, is_local: bool) -> dict[str, str]:
    """The fixes printed for each kind of problem, on AWS or in a rehearsal."""
    found = {}
    for name, broken in BROKEN.items():
        seen = replace(evidence(service("agora-app", broken)), is_local=is_local)
        found[name] = judge(seen)[0].fix
    for status in STUCK:
        seen = replace(evidence(stacks=(stack("agora-dev-network", status),)), is_local=is_local)
        found[status] = next(each.fix for each in judge(seen) if each.stack == "agora-dev-network")
    return found


def statements(fix: str) -> Iterator[dict[str, object]]:
    for word in shlex.split(fix, comments=True):
        if word.startswith("{") and "Statement" in word:
            yield from json.loads(word)["Statement"]


@pytest.mark.parametrize("is_local", [True, False])
@pytest.mark.parametrize("name", [*BROKEN, *STUCK])
def test_a_fix_is_for_its_own_place(name: str, is_local: bool) -> None:
    fix = fixes(is_local=is_local)[name]
    own = re.findall(r"(?:\./agora local env dev -- )?\baws [a-z0-9-]+ [a-z]+-[a-z-]+", fix)
    assert all(each.startswith("./agora local env dev -- ") for each in own) is (is_local or not own)
    assert ("--region us-east-1" in fix) is (bool(own) and not is_local)
    assert ("--local" in fix or "./agora local" in fix) <= is_local
    for each in re.findall(r"\./agora (?:deploy|redeploy|rollback|diagnose)[^;#)]*", fix):
        assert ("--local" in each) is is_local


@pytest.mark.parametrize("is_local", [True, False])
@pytest.mark.parametrize("name", [*BROKEN, *STUCK])
def test_a_shell_reads_nothing_out_of_a_name(name: str, is_local: bool) -> None:
    fix = fixes(is_local=is_local)[name]
    assert "\n" not in fix
    if re.match(r"aws |\./agora ", fix):
        # Text between single quotes is not read, and neither is a remark.
        bare = re.sub(r"'[^']*'", "", fix.split("  # ")[0]).replace('"\'"', "")
        bare = re.sub(r"file://<\([^)]*\)", "", bare)
        assert not set(bare.replace(" && ", "")) & set("$`;|&<>()\\"), bare


@pytest.mark.parametrize("name", [*BROKEN, *STUCK])
def test_a_fix_never_grants_more_than_was_refused(name: str) -> None:
    for fix in (fixes(is_local=False)[name], fixes(is_local=True)[name]):
        assert '"*"' not in fix
        assert "Permission" not in fix or '["s3:GetObject"], ["ARN"]' in fix
        for statement in statements(fix):
            if statement["Action"] == "sts:AssumeRole":
                continue
            assert statement["Action"] == "secretsmanager:GetSecretValue"
            assert re.fullmatch(
                rf"arn:aws:secretsmanager:us-east-1:{ACCOUNT}:secret:agora-sentry-dsn-(\?{{6}}|a1B2c3)",
                str(statement["Resource"]),
            )


def test_a_denied_secret_gets_the_right_on_its_own_arn() -> None:
    assert len(list(statements(fixes(is_local=False)["denied, no ARN"]))) == 1
    (exact,) = statements(fixes(is_local=False)["denied, ARN"])
    assert str(exact["Resource"]).endswith(":secret:agora-sentry-dsn-a1B2c3")
    assert DEFINITION.execution_role.rpartition("/")[2] in fixes(is_local=False)["denied, ARN"]


@pytest.mark.parametrize("status", [*STUCK, "deleted by hand"])
def test_what_deletes_something_says_what(status: str) -> None:
    if status == "deleted by hand":
        deleted = service("agora-app", status="", running=0)
        fix = judge(evidence(deleted, stacks=(stack("agora-dev-app"),)))[0].fix
    else:
        fix = fixes(is_local=False)[status]
    assert ("delete-stack" in fix) <= ("deletes " in fix.partition("  # ")[2])


LEADING_ELSEWHERE = {
    "AWS_PROFILE": "prod",
    "AWS_ENDPOINT_URL_SECRETS_MANAGER": "https://secretsmanager.us-east-1.amazonaws.com",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://169.254.170.23/v1/credentials",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/token",
    "AWS_WEB_IDENTITY_TOKEN_FILE": "/token",
    "AWS_SESSION_TOKEN": "real",
    "AWS_CA_BUNDLE": "/bundle",
    "AWS_USE_FIPS_ENDPOINT": "true",
    "AWS_SOMETHING_NEW": "1",
    "BOTO_CONFIG": "/boto",
}


def test_no_setting_of_a_users_environment_leads_a_rehearsal_to_a_real_account() -> None:
    found = child_environment(LEADING_ELSEWHERE | {"PATH": "/bin"}, {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"})
    assert found == {"PATH": "/bin", "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}


def test_a_rehearsal_uses_the_aws_command_of_the_set_up(tmp_path: Path) -> None:
    fake = tmp_path / "aws"
    fake.write_text("#!/bin/sh\n")
    fake.chmod(0o755)
    words = words_of(["aws", "sts", "get-caller-identity"], {"PATH": f"{tmp_path}{os.pathsep}/bin"})
    assert words[1:4] == ["-I", "-m", "portside.emulator.client.aws_command"]


@pytest.mark.parametrize("value", [HOSTILE, "-rf", "a\nb", "a b", "\u202eabc"])
def test_a_name_stays_one_word(value: str) -> None:
    line = Commands("dev", ACCOUNT, "us-east-1").aws("ecs", "stop-task", task=value)
    assert "\n" not in line
    assert "\u202e" not in line
    assert shlex.split(line)[3:-2] in (
        ["--task", value],
        [f"--task={value}"],
        ["--task", re.sub(r"[\n\u202e]", "?", value)],
    )
