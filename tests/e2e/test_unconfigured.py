"""Services that are removed, renamed and swapped, and what of them stays deployed until someone removes it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from tests.e2e.aws import Clients, clients, inventory
from tests.e2e.clone import Clone

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]

DOCS, APP = "agora-dev-api-docs", "agora-dev-app"
OWNER = {"Key": "portside:owner", "Value": "agora/dev"}


def _without_docs(clone: Clone) -> None:
    clone.edit_configuration("return [api, api_next, api_docs, app, apex]", "return [api, api_next, app, apex]")
    clone.edit_configuration('            Call("agora-api-docs", 8010),\n', "")
    hosts = '            "API_DOCS_HOST": "agora-api-docs",\n            "API_DOCS_PORT": "8010",\n'
    clone.edit_configuration(hosts, "")


def _rename(clone: Clone, *pairs: tuple[str, str]) -> None:
    """Call containers otherwise, and leave their images alone."""
    names: Mapping[str, str] = dict(pairs)
    configuration = clone.folder / "app.py"
    quoted = re.compile("|".join(f'"{name}"' for name in names))
    configuration.write_text(quoted.sub(lambda found: f'"{names[found[0].strip(chr(34))]}"', configuration.read_text()))


def _stacks(of: Clients) -> dict[str, dict[str, Any]]:
    pages = of("cloudformation").get_paginator("describe_stacks").paginate()
    return {each["StackName"]: each for page in pages for each in page["Stacks"]}


def _groups(of: Clients) -> set[str]:
    found = of("ec2").describe_security_groups()["SecurityGroups"]
    return {
        each["Description"].removeprefix("Carried by the callers of ")
        for each in found
        if "callers" in each["Description"]
    }


def test_what_is_removed_renamed_or_swapped_is_reported_and_pruned_and_its_groups_go_with_the_next(
    deployed: Clone,
) -> None:
    of = clients(deployed.exports("dev"))
    assert all(OWNER in each["Tags"] for name, each in _stacks(of).items() if name.startswith("agora-dev-"))
    _without_docs(deployed)

    status = deployed.agora("status", "dev", "--local", "--json").json()[0]
    (left,) = status["stacks_not_configured"]
    assert (left["stack"], left["ours"], left["dollars"] > 0) == (DOCS, True, True)
    assert "remove it: ./agora deploy dev --prune --local" in deployed.agora("diagnose", "dev", "--local").stdout
    assert deployed.agora("costs", "dev", "--local", "--json").json()["not configured"] == [left]
    checks = deployed.agora("verify", "dev", "--local", "--json").json()["checks"]
    assert next(each for each in checks if each["subject"] == f"stack {DOCS}")["state"] == "OK"

    planned = deployed.agora("deploy", "dev", "--local", "--prune", "--dry-run", "--json").json()["plan"]
    assert [each["stack"] for each in planned if each["action"] == "delete"] == [DOCS]
    assert DOCS in _stacks(of), "a dry run removes nothing"
    kept = deployed.agora("deploy", "dev", "--local")
    assert kept.exit_code == 0, kept.stderr
    assert f"   leave  {DOCS}  deployed, and not in app.py; ours; $" in kept.stderr
    assert DOCS in _stacks(of), "nothing is removed that no one asked for"
    assert "agora-api-docs" in _groups(of)

    pruned = deployed.agora("deploy", "dev", "--local", "--prune")
    assert pruned.exit_code == 0, pruned.stderr
    assert DOCS not in _stacks(of)
    assert "agora-api-docs" in _groups(of), "its group stays for the deployment that takes its last user away"
    by_hand = deployed.agora("local", "env", "dev", "--", "cdk", "diff", "agora-dev-ecs")
    assert "CallersOfagoraapidocs" not in by_hand.stdout + by_hand.stderr, "also for manual deployments"
    assert deployed.agora("deploy", "dev", "--local").exit_code == 0
    assert "agora-api-docs" not in _groups(of)

    _rename(deployed, ("agora-app", "agora-web"))
    renamed = deployed.agora("deploy", "dev", "--local", "--prune")
    assert renamed.exit_code == 0, renamed.stderr
    assert {"agora-dev-web", APP} & _stacks(of).keys() == {"agora-dev-web"}

    _rename(deployed, ("agora-web", "agora-api-next"), ("agora-api-next", "agora-web"))
    swapped = deployed.agora("deploy", "dev", "--local", "--prune")
    assert swapped.exit_code == 0, swapped.stderr
    assert {"agora-dev-web", "agora-dev-api-next"} <= _stacks(of).keys()
    assert deployed.agora("diagnose", "dev", "--local").exit_code == 0


def test_only_what_is_ours_is_removed_and_what_holds_data_only_with_its_data(deployed: Clone) -> None:
    of = clients(deployed.exports("dev"))
    topic = '{"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}'
    others = {"agora-dev-theirs": [{"Key": "portside:owner", "Value": "model-ad/dev"}], "agora-dev-bastion": []}
    for name, tags in others.items():
        of("cloudformation").create_stack(StackName=name, TemplateBody=topic, Tags=tags)
    _without_docs(deployed)
    database = '"DATABASES": {"docdb-v8-second": {"ENGINE_VERSION": "8.0.0"}},'
    deployed.edit_configuration('"GHCR_PACKAGE_VERSION": "edge",', f'"GHCR_PACKAGE_VERSION": "edge", {database}')
    second = deployed.agora("deploy", "dev", "--local", "--prune")
    assert second.exit_code == 0, second.stderr
    assert DOCS not in _stacks(of)
    assert others.keys() <= _stacks(of).keys()
    assert "not ours: it belongs to model-ad/dev" in second.stderr
    assert "not ours: it carries no tag portside:owner" in second.stderr
    before = inventory(of)

    deployed.edit_configuration(database, "")
    for name in others:
        refused = deployed.agora("destroy", "dev", "--local", "--stack", name, "--with-data")
        assert (refused.exit_code, "not ours" in refused.stderr) == (2, True)
    assert deployed.agora("deploy", "dev", "--local", "--prune").exit_code == 0
    assert "agora-dev-docdb-v8-second" in _stacks(of), "what holds data is never pruned"
    refused = deployed.agora("destroy", "dev", "--local", "--stack", "agora-dev-docdb-v8-second")
    assert refused.exit_code == 2
    assert "--with-data" in refused.stderr
    deleted = deployed.agora("destroy", "dev", "--local", "--stack", "agora-dev-docdb-v8-second", "--with-data")
    assert deleted.exit_code == 0, deleted.stderr
    assert "agora-dev-docdb-v8-second" not in _stacks(of)
    assert not [each for each in inventory(of) if "second" in each], "all of it is deleted"
    assert inventory(of) < before

    of("cloudformation").create_stack(StackName="agora-dev-other", TemplateBody=topic, Tags=others["agora-dev-theirs"])
    _rename(deployed, ("agora-app", "agora-other"))
    taken = deployed.agora("deploy", "dev", "--local", "--no-verify")
    assert taken.exit_code == 1
    assert "stack agora-dev-other belongs to model-ad/dev" in taken.stderr
