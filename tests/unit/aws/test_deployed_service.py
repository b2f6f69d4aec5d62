"""A service as it is deployed."""

from __future__ import annotations

import pytest

from portside.aws.deployed import find_deployed
from portside.errors import UserError
from tests.unit.everyday_support import CLUSTER, Ecs, place, props, service


def test_a_deployed_service_has_its_names() -> None:
    found = find_deployed(place(Ecs(service())), props())
    assert (found.name, found.ecs_name, found.cluster) == ("agora-api", "agora-dev-api-Service-x1", CLUSTER)


def test_a_service_that_is_not_deployed_says_how_to_deploy_it() -> None:
    with pytest.raises(UserError, match="agora-api is not deployed in dev") as refused:
        find_deployed(place(Ecs(service()), stacks={}), props())
    assert refused.value.hint == "Deploy it: ./agora deploy dev"


def test_a_service_that_was_deleted_by_hand_is_not_deployed() -> None:
    with pytest.raises(UserError, match="is not deployed"):
        find_deployed(place(Ecs(service(status="INACTIVE"))), props())
