"""The IAM policies of the deploy role, as documents for the owner of an account.

Every right belongs to a call that a command makes; a test compares the two.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from portside.config.configuration import Configuration
from portside.config.environment import Environment
from portside.deploy.github_trust import Repository, trust
from portside.deploy.rights import Place, parameter_paths, statements
from portside.deploy.role_rights import DEPLOY, DESTROY, OPERATOR, PROOF
from portside.extension import installed
from portside.json_fields import JsonFields

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html, white space not counted
LONGEST_POLICY, LONGEST_TRUST = 6144, 2048
# https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html, white space counted
LONGEST_SESSION_POLICY = 2048

_PARAMETER_WRITES = (
    *("ssm:AddTagsToResource", "ssm:DeleteParameter", "ssm:DeleteParameters", "ssm:DeleteResourcePolicy"),
    *("ssm:LabelParameterVersion", "ssm:PutParameter", "ssm:PutResourcePolicy", "ssm:RemoveTagsFromResource"),
    "ssm:UnlabelParameterVersion",
)


@dataclass(frozen=True)
class RoleDocuments(JsonFields):
    """The trust policy and the rights of a role, for the owner of the account.

    `deploy` is for CI, `operator` is what people need in addition, `destroy` what taking an environment down needs.
    Without a repository that deploys there is no `trust`.
    """

    account: str
    environments: tuple[str, ...]
    trust: Mapping[str, Any] | None
    deploy: Mapping[str, Any]
    operator: Mapping[str, Any]
    destroy: Mapping[str, Any]


def role_documents(
    configuration: Configuration, name: str, repository: Repository | None = None, *, shared: bool = False
) -> RoleDocuments:
    """The documents of the role that deploys an environment; `shared`, of one for all environments of its account.

    `repository` is the GitHub repository that deploys.
    """
    account = configuration.environment(name).account
    environments = (name, *others_in_account(configuration, name)) if shared else (name,)
    # In the order of the configuration, whichever was asked for.
    environments = tuple(each for each in configuration.environments if each in environments)
    places = [Place(configuration.environment(each), configuration.services_of(each)) for each in environments]
    proving = [Place(configuration.environment(each), ()) for each in _proving_in_account(configuration, environments)]
    return RoleDocuments(
        account=account,
        environments=environments,
        trust=trust(account, repository, environments) if repository else None,
        deploy=_policy(*statements(DEPLOY, places), *statements(PROOF, proving)),
        operator=_policy(*statements((*OPERATOR, *installed().rights()), places)),
        destroy=_policy(*statements(DESTROY, [place for place in places if not place.environment.is_production])),
    )


def others_in_account(configuration: Configuration, name: str) -> tuple[str, ...]:
    """The other environments of an environment's account."""
    account = configuration.environment(name).account
    return tuple(
        each.name for each in configuration.environments.values() if each.account == account and each.name != name
    )


def _proving_in_account(configuration: Configuration, names: Sequence[str]) -> list[str]:
    """The environments whose records prove what these may run, where the same role can read them."""
    proving = [configuration.environment(name).proved_by for name in names]
    account = configuration.environment(names[0]).account
    found = dict.fromkeys(each for each in proving if each and each not in names)
    return [each for each in found if configuration.environment(each).account == account]


def session_policy(environment: Environment) -> dict[str, Any]:
    """The session policy of the workflow, which denies writing the parameters of other environments.

    Everything else is allowed, because a session has only those rights that both its role and this policy allow.
    """
    own = [f"arn:aws:ssm:*:*:parameter{path}" for path in parameter_paths(environment)]
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Sid": "WhatTheRoleMay", "Effect": "Allow", "Action": "*", "Resource": "*"},
            {"Sid": "OwnRecordsOnly", "Effect": "Deny", "Action": list(_PARAMETER_WRITES), "NotResource": own},
        ],
    }


def size(document: Mapping[str, Any]) -> int:
    """The characters that IAM counts."""
    return len(json.dumps(document, separators=(",", ":")))


def _policy(*found: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(found)}
