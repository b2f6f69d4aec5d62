"""A service as it is deployed."""

from __future__ import annotations

import pytest

from portside.aws.deployed import find_deployed
from portside.config.environment import OWNER_TAG
from portside.errors import UserError
from tests.unit.everyday_support import API_STACK, CLUSTER, Ecs, place, props, service


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


def test_a_service_of_another_app_is_not_touched() -> None:
    theirs = {"agora-dev-api": {**API_STACK, "tags": {OWNER_TAG: "model-ad/dev"}}}
    with pytest.raises(UserError, match="stack agora-dev-api belongs to model-ad/dev"):
        find_deployed(place(Ecs(service()), stacks=theirs), props())
