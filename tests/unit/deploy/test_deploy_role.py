"""Tests for portside/deploy/deploy_role.py, and for the page that explains what it prints."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import click
import pytest
from botocore import xform_name
from botocore.loaders import Loader
from click.testing import CliRunner

from portside.cli.role import DOCUMENTS, role
from portside.config.configuration import Configuration
from portside.config.deferred_values import DatabaseHost, DatabaseSecret
from portside.config.service_props import BEFORE_ROLLOUT, DATABASE, Call, ServiceProps, ServiceSecret
from portside.deploy.deploy_role import (
    LONGEST_POLICY,
    LONGEST_SESSION_POLICY,
    LONGEST_TRUST,
    RoleDocuments,
    role_documents,
    session_policy,
    size,
)
from portside.deploy.github_trust import Repository
from portside.deploy.rights import CONSEQUENCES, UNSCOPED
from portside.errors import UsageError
from tests import cfn_lint_data
from tests.apps import agora
from tests.source_code import nodes_of, text_of
from tests.unit import documents
from tests.unit.configuration_support import OMITTED, check_configuration, environments, named, one_service, service
from tests.unit.documents import ROOT

REPOSITORY = Repository("owner", "name")
PAGE = "docs/deploy-role.md"

# How boto3 calls the services that are used here, and how IAM calls them.
PREFIXES = {
    "acm": "acm",
    "cloudformation": "cloudformation",
    "cloudwatch": "cloudwatch",
    "docdb": "rds",
    "ec2": "ec2",
    "ecr": "ecr",
    "ecs": "ecs",
    "elbv2": "elasticloadbalancing",
    "iam": "iam",
    "kms": "kms",
    "logs": "logs",
    "s3": "s3",
    "secretsmanager": "secretsmanager",
    "service-quotas": "servicequotas",
    "ssm": "ssm",
    "sts": "sts",
}
# Where a call and its right have different names: https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
NAMED_OTHERWISE = {
    "s3:DeleteObjects": {"s3:DeleteObject", "s3:DeleteObjectVersion"},
    "s3:ListBuckets": {"s3:ListAllMyBuckets"},
    "s3:ListObjectVersions": {"s3:ListBucketVersions"},
}
NEEDS_NO_RIGHT = {"sts:GetCallerIdentity"}
# Calls by these are calls by `deploy`, `rollback`, `redeploy` and `release`, whose modules they are.
OF_THE_DEPLOYING = (
    *("deploy.deploy", "preflight.run", "plan.rollback", "aws.deployed", "deploy.redeploy"),
    *("findings.diagnose", "records.maintenance_record", "records.proof"),
    *("release.verify", "release.status", "release.promote", "release.finish", "release.pin", "release.cut"),
)
ONLY_WHEN_ASKED = "portside.preflight.drift"
# It calls the embedded AWS alone, which asks for no rights.
_PACKAGES = ("aws", "cli", "deploy", "findings", "plan", "preflight", "records", "rehearsal", "release", "synthesis")
CALLERS_OF_AWS = ("agora_own", *(f"portside.{each}" for each in _PACKAGES))
ONLY_IN_REHEARSALS = "portside.rehearsal.prepare"


@cache
def operations_of_aws() -> dict[str, list[tuple[str, str]]]:
    """By the name of a client's method the services that have it, and what IAM calls it there."""
    found: dict[str, list[tuple[str, str]]] = {}
    for name, prefix in PREFIXES.items():
        for operation in Loader().load_service_model(name, "service-2")["operations"]:
            found.setdefault(xform_name(operation), []).append((name, f"{prefix}:{operation}"))
    return found


def calls(source: str) -> Iterator[str]:
    """The actions of a module's calls to AWS, found by the names of clients' methods."""
    for node in nodes_of(source):
        if isinstance(node, ast.Attribute) and node.attr in operations_of_aws():
            yield from _action(node.attr, ast.unparse(node.value))
        match node:
            case ast.Call(func=ast.Attribute(attr="get_paginator" | "get_waiter") as function, args=[named]):
                assert isinstance(named, ast.Constant), f"not a name: {ast.unparse(node)}"
                yield from _action(str(named.value), ast.unparse(function.value))


def _action(method: str, receiver: str) -> Iterator[str]:
    candidates = operations_of_aws().get(method, [])
    if receiver in ("self", "practice_monorepo"):
        return
    if len(candidates) > 1:
        candidates = [(name, action) for name, action in candidates if name in receiver]
    assert len(candidates) == 1, f"{receiver}.{method}: whose call is that?"
    yield from NAMED_OTHERWISE.get(candidates[0][1], {candidates[0][1]})


@cache
def called_by_module() -> dict[str, frozenset[str]]:
    parts = [part.replace(".", "/") for part in CALLERS_OF_AWS]
    paths = [path for part in parts for path in (ROOT / part).rglob("*.py")]
    asked = {module_of(path): path for path in paths if module_of(path) != ONLY_IN_REHEARSALS}
    return {module: frozenset(calls(text_of(path))) for module, path in asked.items()}


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def imported(module: str) -> Iterator[str]:
    for node in nodes_of(text_of(ROOT / f"{module.replace('.', '/')}.py")):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(CALLERS_OF_AWS):
            yield str(node.module)
            yield from (f"{node.module}.{each.name}" for each in node.names)


def reached(module: str, seen: set[str]) -> set[str]:
    if module in called_by_module() and module not in seen and module != ONLY_WHEN_ASKED:
        seen.add(module)
        for each in imported(module):
            reached(each, seen)
    return seen


def called() -> set[str]:
    return set().union(*called_by_module().values()) - NEEDS_NO_RIGHT


def called_by_the_deploying() -> set[str]:
    modules: set[str] = set()
    for name in OF_THE_DEPLOYING:
        assert f"portside.{name}" in called_by_module()
        reached(f"portside.{name}", modules)
    return set().union(*(called_by_module()[each] for each in modules)) - NEEDS_NO_RIGHT


ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/app"
JOB = ServiceProps("app-migrate", container_location=f"{ECR}:1.0.0", runs=BEFORE_ROLLOUT)


def with_everything(tmp_path: Path | None = None) -> Configuration:
    """A configuration for which every right is needed; with a folder for an image that is built."""
    props = service(
        public=True,
        container_location="path://docker" if tmp_path else "ghcr.io/owner/app:1.0.0",
        container_env_vars={"HOST": DatabaseHost()},
        container_secrets=[
            ServiceSecret("app/dev/DATABASE", "A", "user"),
            ServiceSecret(DatabaseSecret("password"), "B"),
        ],
        calls=[Call(DATABASE, 27017)],
    )
    bastion = {"KEY_NAME": "access", "AMI_ID": "ami-0123456789abcdef0"}
    return check_configuration(environments(dev={"BASTION": bastion}), lambda _: [props, JOB], tmp_path or ROOT)


def of(configuration: Configuration, name: str = "dev", *, shared: bool = False) -> RoleDocuments:
    return role_documents(configuration, name, REPOSITORY, shared=shared)


def statements(*policies: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for policy in policies:
        yield from policy["Statement"]


def actions(*policies: Mapping[str, Any]) -> set[str]:
    return {action for statement in statements(*policies) for action in statement["Action"]}


def resources(policy: Mapping[str, Any], action: str) -> list[str]:
    return [
        resource
        for statement in statements(policy)
        if action in statement["Action"]
        for resource in ([statement["Resource"]] if isinstance(statement["Resource"], str) else statement["Resource"])
    ]


def policies(found: RoleDocuments) -> tuple[Mapping[str, Any], ...]:
    return found.deploy, found.operator, found.destroy


# A database that is an instance needs it instead of DescribeDBClusters.
OF_INSTANCES = {"rds:DescribeDBInstances"}
ACCOUNTS = pytest.mark.parametrize("name", ["dev", "stage", "prod"])


def test_calls_are_seen_however_they_are_written() -> None:
    source = """
def read(target, ecs, context):
    ecs.describe_services(cluster="a")
    target.clients("ssm").get_parameter(Name="a")
    partial(context.client("ec2").describe_vpcs)
    ecs.get_paginator("list_services").paginate()
"""
    assert set(calls(source)) == {
        "ecs:DescribeServices",
        "ssm:GetParameter",
        "ec2:DescribeVpcs",
        "ecs:ListServices",
    }


def test_every_service_that_is_called_is_checked() -> None:
    clients = re.compile(r"clients?\(\"([a-z0-9-]+)\"")
    named = {
        name
        for package in CALLERS_OF_AWS
        for path in (ROOT / package.replace(".", "/")).rglob("*.py")
        for name in clients.findall(path.read_text(encoding="utf-8"))
    }
    assert named <= set(PREFIXES)


def test_every_call_has_a_right_and_every_right_a_call() -> None:
    assert actions(*policies(of(with_everything()))) | OF_INSTANCES == called() | set(CONSEQUENCES)


def test_ci_holds_what_it_calls_and_nothing_else() -> None:
    locked = actions(of(with_everything()).deploy)
    assert locked | OF_INSTANCES == called_by_the_deploying() | {
        *("cloudformation:ListStacks", "sts:AssumeRole"),
        *("ecs:TagResource", "iam:PassRole"),
        *("ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:ListImages"),
    }


def test_the_database_is_read_as_what_it_is() -> None:
    kinds = {"documentdb": "rds:DescribeDBClusters", "mysql": "rds:DescribeDBInstances"}
    for kind, action in kinds.items():
        locked = actions(of(check_configuration(environments(dev={"DATABASE_KIND": kind}), one_service)).deploy)
        assert {each for each in locked if each.startswith("rds:")} == {action}
    none = check_configuration(environments(dev={"DATABASE_KIND": OMITTED}), one_service)
    assert not {each for each in actions(of(none).deploy) if each.startswith("rds:")}


def test_ci_can_start_the_tasks_of_jobs_only() -> None:
    deploy = of(with_everything()).deploy
    stack = "agora-dev-app-migrate"
    assert resources(deploy, "ecs:RunTask") == [f"arn:aws:ecs:us-east-1:607346494281:task-definition/{stack}:*"]
    assert resources(deploy, "iam:PassRole") == [
        f"arn:aws:iam::607346494281:role/{stack}-{role}*" for role in ("ExecutionRole", "TaskRole")
    ]
    assert not {"ecs:RunTask", "iam:PassRole"} & actions(of(agora()).deploy)


def test_what_only_people_call_is_not_ci_s() -> None:
    found = of(with_everything())
    neighbours = actions(found.operator, found.destroy) - actions(found.deploy)
    assert {"ecs:ExecuteCommand", "ecs:RegisterTaskDefinition", "ssm:StartSession"} <= neighbours
    assert {action for action in actions(found.deploy) if ":Delete" in action} == {"ssm:DeleteParameter"}


@ACCOUNTS
def test_documents_fit_into_what_iam_takes(name: str) -> None:
    found = of(agora(), name)
    assert found.trust is not None
    assert size(found.trust) <= LONGEST_TRUST
    assert [size(policy) for policy in policies(found) if size(policy) > LONGEST_POLICY] == []


def test_a_full_account_fits_too() -> None:
    assert [size(policy) for policy in policies(of(with_everything())) if size(policy) > LONGEST_POLICY] == []


@ACCOUNTS
def test_statements_are_what_iam_takes(name: str) -> None:
    for policy in policies(of(agora(), name)):
        assert policy["Version"] == "2012-10-17"
        ids = [statement["Sid"] for statement in statements(policy)]
        assert len(ids) == len(set(ids))
        assert all(re.fullmatch(r"[A-Za-z0-9]+", each) for each in ids)
        for statement in statements(policy):
            assert set(statement) <= {"Sid", "Effect", "Action", "Resource", "Condition"}
            assert statement["Effect"] == "Allow"
            assert statement["Action"]
            assert statement["Resource"]


def test_no_action_is_a_pattern() -> None:
    assert [action for action in actions(*policies(of(with_everything()))) if "*" in action or "?" in action] == []


def test_everything_is_allowed_only_where_there_is_a_reason_and_a_source() -> None:
    on_everything = {
        action
        for statement in statements(*policies(of(with_everything())))
        if "*" in statement["Resource"]
        for action in statement["Action"]
    }
    assert on_everything == set(UNSCOPED)
    assert all("https://docs.aws.amazon.com/service-authorization/" in why for why in UNSCOPED.values())


# The reference gives these a resource, but a list of all, or of a cluster without machines, has no resource.
LISTS = {"cloudformation:DescribeStacks", "ecs:ListTasks"}


@cache
def reference() -> dict[str, Any]:
    policies_of_aws = cfn_lint_data.folder() / "AdditionalSpecs" / "Policies.json"
    found: dict[str, Any] = json.loads(policies_of_aws.read_text(encoding="utf-8"))
    return found


def test_an_action_is_on_everything_exactly_where_aws_s_reference_has_no_resource_for_it() -> None:
    wrong = []
    for action in sorted(actions(*policies(of(with_everything())))):
        prefix, _, verb = action.partition(":")
        known = reference()[prefix]["Actions"]
        assert verb.lower() in known, f"IAM has no {action}"
        if bool(known[verb.lower()].get("Resources")) == (action in UNSCOPED) and action not in LISTS:
            wrong.append(action)
    assert wrong == []


def test_a_resource_is_of_a_kind_that_its_action_takes() -> None:
    wrong = []
    for statement in statements(*policies(of(with_everything()))):
        for action in statement["Action"] if statement["Resource"] != "*" else ():
            prefix, _, verb = action.partition(":")
            kinds = {kind.lower() for kind in reference()[prefix]["Actions"][verb.lower()]["Resources"]}
            known = reference()[prefix]["Resources"].items()
            patterns = [each for kind, about in known if kind.lower() in kinds for each in about["ARNFormats"]]
            filled = [re.sub(r"\$\{\w+\}", "[^:]*", each) for each in patterns]
            wrong += [
                (action, resource)
                for resource in statement["Resource"]
                if not any(re.fullmatch(each, resource) for each in filled)
            ]
    assert wrong == []


def test_the_same_form_prints_the_same_text() -> None:
    first, second = (json.dumps(of(agora(), "prod").as_json()) for _ in range(2))
    assert first == second


def test_a_role_is_of_one_environment_or_of_all_in_its_account() -> None:
    assert [of(agora(), name).environments for name in ("dev", "stage", "prod")] == [
        ("dev",),
        ("stage",),
        ("prod",),
    ]
    stage, prod = of(agora(), "stage", shared=True), of(agora(), "prod", shared=True)
    assert stage == prod
    assert stage.environments == ("stage", "prod")
    assert of(agora(), shared=True) == of(agora())


def written_parameters(policy: Mapping[str, Any]) -> set[str]:
    """The paths of parameters that a policy lets be changed in any way."""
    found = set()
    for statement in statements(policy):
        if any(re.fullmatch("ssm:(?!Get|Describe|List).*Parameter.*", action) for action in statement["Action"]):
            resources = statement["Resource"]
            found |= {each.partition(":parameter")[2] for each in resources}
    return found


@pytest.mark.parametrize("name", ["dev", "stage", "prod"])
@pytest.mark.parametrize("document", ["deploy", "operator", "destroy"])
def test_a_role_writes_no_records_and_no_lock_of_another_environment(name: str, document: str) -> None:
    assert written_parameters(getattr(of(agora(), name), document)) <= {f"/agora/{name}/*"}
    assert written_parameters(of(agora(), name).deploy) == {f"/agora/{name}/*"}


def test_stage_s_role_has_no_permission_of_prods() -> None:
    whole = json.dumps(of(agora(), "stage").as_json())
    assert "agora-prod" not in whole
    assert "/agora/prod" not in whole
    assert "environment:prod" not in whole


def proof_of(name: str) -> dict[str, Any]:
    [found] = [each for each in statements(of(agora(), name).deploy) if each["Sid"] == "Proof"]
    return found


def test_a_production_environment_reads_the_records_that_prove_it() -> None:
    proof = proof_of("prod")
    assert proof["Action"] == ["ssm:GetParameter", "ssm:GetParameterHistory"]
    assert [each.partition(":parameter")[2] for each in proof["Resource"]] == ["/agora/stage/*"]
    for name, shared in (("dev", False), ("stage", False), ("prod", True)):
        assert "Proof" not in {each["Sid"] for each in statements(of(agora(), name, shared=shared).deploy)}


def test_records_in_another_account_are_read_with_a_profile_of_that_account() -> None:
    configuration = check_configuration(
        environments(stage={"ACCOUNT": "1" * 12}, prod={}), lambda _: [service(public=True)]
    )
    assert "Proof" not in {each["Sid"] for each in statements(of(configuration, "prod").deploy)}


def test_a_session_policy_keeps_a_job_to_its_own_records() -> None:
    policy = session_policy(named("stage"))
    allowed, denied = policy["Statement"]
    assert (allowed["Effect"], allowed["Action"], allowed["Resource"]) == ("Allow", "*", "*")
    assert (denied["Effect"], denied["NotResource"]) == ("Deny", ["arn:aws:ssm:*:*:parameter/agora/stage/*"])
    known = reference()["ssm"]["Actions"]
    writes = {
        verb
        for verb, about in known.items()
        if "parameter" in {each.lower() for each in about.get("Resources") or ()}
        and not verb.startswith(("get", "describe", "list"))
    }
    assert writes <= {each.removeprefix("ssm:").lower() for each in denied["Action"]}
    assert len(json.dumps(session_policy(named("x" * 16)))) <= LONGEST_SESSION_POLICY


def test_no_part_of_another_account_or_environment_is_named() -> None:
    configuration = agora()
    text = json.dumps(of(configuration).as_json())
    names = (configuration.environment("prod").account, "agora-prod", "agora-stage", "/agora/prod", "/agora/stage")
    assert [name for name in names if name in text] == []


def test_only_the_roles_that_a_deployment_assumes_can_be_assumed() -> None:
    configuration = agora()
    account = configuration.environment("dev").account
    assert resources(of(configuration).deploy, "sts:AssumeRole") == [
        f"arn:aws:iam::{account}:role/cdk-hnb659fds-deploy-role-{account}-us-east-1",
        f"arn:aws:iam::{account}:role/cdk-hnb659fds-file-publishing-role-{account}-us-east-1",
    ]


def test_an_image_that_is_built_needs_the_role_that_publishes_images(tmp_path: Path) -> None:
    (tmp_path / "docker").mkdir()
    (tmp_path / "docker" / "Dockerfile").write_text("FROM scratch\n", encoding="utf-8")
    assert any(
        "image-publishing-role" in each for each in resources(of(with_everything(tmp_path)).deploy, "sts:AssumeRole")
    )


def test_new_deployments_are_forced_on_this_cluster_only() -> None:
    assert [each.partition(":service/")[2] for each in resources(of(agora()).deploy, "ecs:UpdateService")] == [
        "agora-dev-ecs-*/agora-dev-*"
    ]


def test_records_are_written_under_the_environment_s_path_only() -> None:
    account = agora().environment("dev").account
    assert resources(of(agora()).deploy, "ssm:PutParameter") == [
        f"arn:aws:ssm:us-east-1:{account}:parameter/agora/dev/*"
    ]


def test_no_secret_s_value_can_be_read_unless_a_field_of_it_is_asked_for() -> None:
    assert "secretsmanager:GetSecretValue" not in actions(*policies(of(agora())))
    [read] = resources(of(with_everything()).deploy, "secretsmanager:GetSecretValue")
    assert read.endswith(":secret:app/dev/DATABASE-??????")


def test_images_of_ecr_are_read_in_their_repositories_only() -> None:
    deploy = of(with_everything()).deploy
    for action in ("BatchGetImage", "GetDownloadUrlForLayer", "ListImages"):
        assert resources(deploy, f"ecr:{action}") == ["arn:aws:ecr:eu-west-1:123456789012:repository/team/app"]
    assert not [each for each in actions(*policies(of(agora()))) if each.startswith("ecr:")]


def test_the_login_of_a_registry_is_read_like_a_secret_with_fields() -> None:
    props = service(public=True, container_location="ghcr.io/o/app:1.0", registry_credentials="app/dev/registry")
    found = of(check_configuration(environments(dev={}), lambda _: [props])).deploy
    [read] = resources(found, "secretsmanager:GetSecretValue")
    assert read.endswith(":secret:app/dev/registry-??????")


def test_sessions_are_opened_only_where_exec_is_on() -> None:
    locked = resources(of(agora(), "prod", shared=True).operator, "ecs:ExecuteCommand")
    assert locked
    assert all("agora-stage-" in each for each in locked)


@pytest.mark.parametrize("shared", [False, True])
def test_prod_cannot_be_destroyed_with_it(shared: bool) -> None:
    assert "agora-prod" not in json.dumps(of(agora(), "prod", shared=shared).destroy)
    assert "agora/prod" not in json.dumps(of(agora(), "prod", shared=shared).destroy)


def test_no_document_is_printed_for_taking_production_down() -> None:
    with pytest.raises(UsageError, match="no role can destroy prod"):
        run("prod", "--only", "destroy")
    assert "agora-stage-" in run("prod", "--only", "destroy", "--shared")


def test_a_role_among_others_in_the_account_is_pointed_out() -> None:
    def said(*arguments: str) -> str:
        return CliRunner().invoke(role, [*arguments, "--only", "deploy"]).stderr

    assert "Account 681175625864 also has prod" in " ".join(said("stage").split())
    assert said("stage", "--shared") == ""
    assert said("dev") == ""


def test_the_command_prints_all_documents_or_one() -> None:
    whole = json.loads(run("dev", "--repository", str(REPOSITORY)))
    assert set(DOCUMENTS) < set(whole)
    for only in DOCUMENTS:
        assert json.loads(run("dev", "--repository", str(REPOSITORY), "--only", only)) == whole[only]


def test_rights_are_printed_without_asking_which_repository_deploys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("portside.deploy.github_trust.repository_of", lambda _: None)
    assert "Statement" in run("dev", "--only", "deploy")
    with pytest.raises(UsageError, match="the repository that deploys is unknown"):
        run("dev")


def run(*arguments: str) -> str:
    done = CliRunner().invoke(role, arguments)
    if isinstance(done.exception, Exception) and not isinstance(done.exception, click.ClickException):
        raise done.exception
    return done.stdout


def test_the_page_lists_every_statement_with_its_actions() -> None:
    found = of(with_everything())
    for section, policy in (
        ("Permissions to deploy", found.deploy),
        ("Permissions for operators", found.operator),
        ("Permissions to destroy", found.destroy),
    ):
        written = {name: documented(section, name) for name in documents.tables(PAGE, section)}
        locked = {each["Sid"]: set(each["Action"]) for each in statements(policy)}
        if section == "Permissions to deploy":
            locked |= {"Proof": set(proof_of("prod")["Action"])}
        locked |= {"Reads": set()} if "Reads" in locked else {}
        assert written == locked, section


def documented(section: str, name: str) -> set[str]:
    """The actions in a row of the page's table, and in the rows below that go on with it."""
    text = (ROOT / PAGE).read_text(encoding="utf-8").partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    rows = iter(text.splitlines())
    found: set[str] = set()
    own = next(row for row in rows if row.startswith(f"| `{name}`"))
    for row in (own, *rows):
        if row is not own and not row.startswith("|  "):
            break
        prefix = ""
        for action in re.findall(r"`([\w:]+)`", row.split("|")[2]):
            before, _, verb = action.rpartition(":")
            prefix = before or prefix
            found.add(f"{prefix}:{verb}")
    return found


def test_the_page_gives_the_reason_for_every_everything() -> None:
    written = documents.tables(PAGE, "Why a resource is a wildcard")
    assert {action: why for action, [why] in written.items()} == {
        action: why.rpartition(": https://")[0] for action, why in UNSCOPED.items()
    }


def test_the_page_makes_the_role_that_the_workflows_assume() -> None:
    name = agora().environment("dev").deploy_role
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    assert set(re.findall(r"--role-name (\S+)", text)) == {name}


def test_no_statement_is_without_a_resource_where_nothing_has_a_secret() -> None:
    configuration = check_configuration(environments(dev={}, stage={}, prod={}), lambda _: [service(public=True)])
    documents_of = role_documents(configuration, "stage", REPOSITORY, shared=True)
    statements = [
        each
        for policy in (documents_of.deploy, documents_of.operator, documents_of.destroy)
        for each in policy["Statement"]
    ]
    assert statements
    assert all(each["Resource"] for each in statements)
    assert "Secrets" not in {each["Sid"] for each in statements}
