"""All that is mended in ministack besides resource types, in one list that the server applies and a test holds fast."""

from __future__ import annotations

from typing import Any

from local_aws import (
    deployments,
    interrupted_stacks,
    load_balancer_description,
    service_api,
    settling,
    task_handover,
)
from local_aws.fargate.runtime import Fargate
from local_aws.mending import Mend
from local_aws.resource_types import service, task_definition, web_acl

ALB = "ministack.services.alb"
CLOUDFORMATION = "ministack.services.cloudformation"
ECS = "ministack.services.ecs"
STACKS = "ministack.services.cloudformation.stacks"
WAF = "ministack.services.waf"


def all_mends(fargate: Fargate) -> tuple[Mend, ...]:
    """What is replaced, its signature in ministack, why, and by what."""
    return (
        Mend(ECS, "_get_docker", "()", "without Docker tasks are RUNNING at once", task_handover.no_docker),
        Mend(
            ECS,
            "_run_task_worker",
            "(task, td, container_overrides, docker_client, account_id, region)",
            "tasks run in our own runtime",
            task_handover.launch_on(fargate),
        ),
        Mend(
            ECS,
            "_mark_task_stopped",
            "(task_arn, task, reason, stop_code, exit_code=None)",
            "the runtime must know, and the scheduler's stops carry AWS's stop code",
            task_handover.tell_of_stops(fargate),
        ),
        Mend(ECS, "reset", "()", "stand-ins end with the state", task_handover.reset_too(fargate)),
        Mend(
            ECS,
            "_make_deployment",
            "(task_definition, desired_count, status='PRIMARY')",
            "a first deployment counted as complete before any task ran",
            deployments.first_in_progress,
        ),
        Mend(
            ECS,
            "_reconcile_service_tasks",
            "(cluster_name, svc_key)",
            "two threads at once started tasks twice, and there were no events",
            deployments.reconcile_one_at_a_time,
        ),
        Mend(
            ECS,
            "_complete_service_deployment",
            "(cluster_name, svc_key, expected_deployment_id=None)",
            "there were no steady-state events",
            deployments.announce_completion,
        ),
        Mend(
            ECS,
            "_record_service_task_failure",
            "(task, digest_resolution_failed=False)",
            "failed deployments are told in AWS's words",
            deployments.word_failures_as_aws,
        ),
        Mend(
            ECS,
            "_ECS_DEPLOYMENT_STEADY_DELAY",
            "1.0",
            "the runtime itself says when a task is steady",
            lambda _: 0.02,
        ),
        Mend(
            ECS,
            "_list_tasks",
            "(data)",
            "list-tasks did not take a service's ARN",
            service_api.list_tasks_by_any_name,
        ),
        Mend(
            ECS,
            "_stop_task",
            "(data)",
            "a service's task that someone stopped was not replaced; the scheduler replaces what it stops itself",
            service_api.replace_stopped,
            only_api=True,
        ),
        Mend(
            ECS,
            "_create_service",
            "(data)",
            "Service Connect and volume configurations were dropped, missing clusters made up",
            service_api.create_whole,
        ),
        Mend(
            ECS,
            "_update_service",
            "(data)",
            "only a new task definition started a deployment",
            service_api.update_whole,
        ),
        Mend(
            ECS,
            "_delete_service",
            "(data)",
            "Cloud Map services go with the service",
            service_api.delete_with_discovery,
        ),
        Mend(
            ECS,
            "_register_task_definition",
            "(data)",
            "sizes that Fargate lacks were taken",
            task_definition.register_checked,
        ),
        Mend(
            STACKS,
            "_runs_on_worker_thread",
            "(resource_type: str) -> bool",
            "a service is waited for, which must not hold up the server",
            _also_for_services,
        ),
        Mend(
            STACKS,
            "_sends_back_failed_update",
            "(resource_type: str) -> bool",
            "a service whose update failed is sent back to its previous properties",
            _also_for_services,
        ),
        Mend(
            ALB,
            "_describe_target_health",
            "(params)",
            "every target was healthy",
            load_balancer_description.with_target_health(fargate.platform.tasks),
        ),
        Mend(
            ALB,
            "_lb_xml",
            "(lb)",
            "every subnet of a load balancer was in zone a",
            load_balancer_description.with_zones,
        ),
        Mend(
            WAF,
            "handle_request",
            "(method, path, headers, body, query_params)",
            "logging configurations were unknown",
            web_acl.with_logging,
        ),
        Mend(
            CLOUDFORMATION,
            "handle_request",
            "(method: str, path: str, headers: dict, body: bytes, query_params: dict) -> tuple",
            "callers that look every 5 s would wait for operations that take less",
            settling.answer_when_settled,
        ),
        Mend(
            CLOUDFORMATION,
            "load_persisted_state",
            "(data)",
            "a stack whose operation was cut short stayed IN_PROGRESS for good",
            interrupted_stacks.settle,
        ),
    )


def _also_for_services(original: Any) -> Any:
    def mended(resource_type: str) -> bool:
        return resource_type == service.NAME or bool(original(resource_type))

    return mended
