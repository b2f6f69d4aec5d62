"""The rights that loading data requires, in addition to the machinery's own."""

from __future__ import annotations

from collections.abc import Iterator

from agora_own.load_preconditions import SYNAPSE_SECRET
from agora_own.loader_image import model_of
from portside.config.service_props import DATABASE
from portside.deploy.rights import Place, Right
from portside.deploy.role_rights import TASKS, on_clusters, to_tasks


def _loads_data(place: Place) -> bool:
    return any(call.service == DATABASE for props in place.services for call in props.calls)


def _execution_roles(place: Place) -> Iterator[str]:
    if _loads_data(place):
        part = place.environment.short_name(model_of(place.services).container_name)
        yield place.role(place.stack(f"{part}-ExecutionRole*"))


_DEFINITIONS = "ecs:task-definition/{prefix}data-load:*"


RIGHTS = (
    Right("LoadDefinition", "ecs:RegisterTaskDefinition", _DEFINITIONS, concerns=_loads_data),
    Right("LoadDefinitionGone", "ecs:DeregisterTaskDefinition", concerns=_loads_data),
    Right("Load", "ecs:RunTask", _DEFINITIONS, on_clusters, _loads_data),
    Right("LoadEnded", "ecs:StopTask", TASKS, concerns=_loads_data),
    Right(
        "LoadTagged",
        "ecs:TagResource",
        f"{_DEFINITIONS} {TASKS}",
        lambda _: {"StringEquals": {"ecs:CreateAction": ("RegisterTaskDefinition", "RunTask")}},
        _loads_data,
    ),
    Right("LoadRole", "iam:PassRole", _execution_roles, to_tasks, _loads_data),
    Right(
        "LoadToken",
        "secretsmanager:DescribeSecret secretsmanager:GetResourcePolicy",
        lambda place: [place.named(SYNAPSE_SECRET)],
        concerns=_loads_data,
    ),
)
