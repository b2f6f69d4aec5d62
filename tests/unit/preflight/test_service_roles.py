"""The service-linked roles of an account, before its first deployment."""

from __future__ import annotations

from typing import Any

import pytest

from portside.findings.check import FAIL, OK, SKIP
from portside.preflight.account import ROLES, linked_roles
from tests.unit.operations_support import client_error
from tests.unit.verification_support import DENIED, FakeClient, context


def _iam(*missing: str) -> FakeClient:
    def get_role(RoleName: str) -> Any:  # AWS's name
        if RoleName in missing:
            return client_error("NoSuchEntity", f"The role with name {RoleName} cannot be found.", "GetRole")
        return {"Role": {"RoleName": RoleName}}

    return FakeClient(get_role=get_role)


def test_an_account_that_has_them_passes() -> None:
    assert linked_roles(context({"iam": _iam()})).state == OK


@pytest.mark.parametrize("role", ROLES)
def test_a_missing_one_is_named_with_the_command_that_creates_it(role: Any) -> None:
    found = linked_roles(context({"iam": _iam(role.name)}))
    assert found.state == FAIL
    assert f"has no {role.name}," in found.what
    assert f"aws iam create-service-linked-role --aws-service-name {role.service}" in found.fix
    assert found.fix.count("create-service-linked-role") == 1


def test_a_rehearsal_asks_for_none() -> None:
    assert linked_roles(context({"iam": _iam(ROLES[0].name)}, is_local=True)).state == SKIP


def test_a_refusal_is_not_mistaken_for_a_missing_role() -> None:
    with pytest.raises(type(DENIED)):
        linked_roles(context({"iam": FakeClient(get_role=DENIED)}))
