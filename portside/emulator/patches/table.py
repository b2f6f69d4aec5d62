"""All patches to ministack except resource types, as a table that a test compares with the pinned version."""

from __future__ import annotations

from typing import Any

from portside.emulator.fargate.runtime import Fargate
from portside.emulator.ministack_modules import app
from portside.emulator.patches import (
    api_faults,
    closed_routes,
    deployments,
    interrupted_stacks,
    load_balancer_description,
    log_filter,
    service_api,
    sessions,
    settling,
    simulated_policies,
    stack_faults,
    stack_outputs,
    subnet_addresses,
    task_api,
    task_handover,
)
from portside.emulator.patches.api_faults import ApiFaults
from portside.emulator.patches.patching import Patch
from portside.emulator.resources import service, task_definition, web_acl

ACM = "ministack.services.acm"
ALB = "ministack.services.alb"
APP = "ministack.app"
CLOUDFORMATION = "ministack.services.cloudformation"
EC2 = "ministack.services.ec2"
ECS = "ministack.services.ecs"
HANDLERS = "ministack.services.cloudformation.handlers"
IAM = "ministack.services.iam"
LOGS = "ministack.services.cloudwatch_logs"
SSM = "ministack.services.ssm"
STACKS = "ministack.services.cloudformation.stacks"
WAF = "ministack.services.waf"


def all_patches(fargate: Fargate, refusals: ApiFaults) -> tuple[Patch, ...]:
    """Each patched function, its signature in ministack, the reason, and the replacement."""
    closed = closed_routes.patches(app)
    return (*closed, *_of_tasks(fargate), *_of_services(), *_of_stacks(), *_of_others(fargate, refusals))


def _of_tasks(fargate: Fargate) -> tuple[Patch, ...]:
    return (
        Patch(ECS, "_get_docker", "()", "without Docker tasks are RUNNING at once", task_handover.no_docker),
        Patch(
            ECS,
            "_restore_state",
            "(data)",
            "tasks from before a restart were listed as desired",
            task_handover.no_longer_desired,
        ),
        Patch(
            ECS,
            "_run_task_worker",
            "(task, td, container_overrides, docker_client, account_id, region)",
            "tasks run in our own runtime",
            task_handover.launch_on(fargate),
        ),
        Patch(
            ECS,
            "_mark_task_stopped",
            "(task_arn, task, reason, stop_code, exit_code=None)",
            "the runtime must stop the task, and the scheduler's stops have AWS's stop code",
            task_handover.report_stops(fargate),
        ),
        Patch(ECS, "reset", "()", "stubs end when the state is reset", task_handover.reset_too(fargate)),
        Patch(
            ECS,
            "_run_task",
            "(data)",
            "a missing cluster was created, no network was required, and placement never failed",
            task_api.run_checked(fargate.platform),
            only_api=True,
        ),
        Patch(
            ECS,
            "_execute_command",
            "(data)",
            "commands were executed in every task, with exec off too",
            task_api.execute_where_connected,
        ),
    )


def _of_services() -> tuple[Patch, ...]:
    return (
        Patch(
            ECS,
            "_make_deployment",
            "(task_definition, desired_count, status='PRIMARY')",
            "a first deployment counted as complete before any task ran",
            deployments.first_in_progress,
        ),
        Patch(
            ECS,
            "_reconcile_service_tasks",
            "(cluster_name, svc_key)",
            "two threads at once started tasks twice, and there were no events",
            deployments.reconcile_one_at_a_time,
        ),
        Patch(
            ECS,
            "_complete_service_deployment",
            "(cluster_name, svc_key, expected_deployment_id=None)",
            "there were no steady-state events",
            deployments.announce_completion,
        ),
        Patch(
            ECS,
            "_record_service_task_failure",
            "(task, digest_resolution_failed=False)",
            "failures are reported with AWS's texts",
            deployments.report_failures_as_aws,
        ),
        Patch(
            ECS,
            "_ECS_DEPLOYMENT_STEADY_DELAY",
            "1.0",
            "the runtime reports when a task is stable",
            lambda _: 0.02,
        ),
        Patch(
            ECS,
            "_list_tasks",
            "(data)",
            "list-tasks did not take a service's ARN",
            service_api.list_tasks_by_any_name,
        ),
        Patch(
            ECS,
            "_stop_task",
            "(data)",
            "a service's stopped task was not replaced; the scheduler replaces tasks that it stops",
            service_api.replace_stopped,
            only_api=True,
        ),
        Patch(
            ECS,
            "_create_service",
            "(data)",
            "Service Connect and volume configurations were dropped, missing clusters created",
            service_api.create_completely,
        ),
        Patch(
            ECS,
            "_update_service",
            "(data)",
            "only a new task definition started a deployment",
            service_api.update_completely,
        ),
        Patch(
            ECS,
            "_delete_service",
            "(data)",
            "Cloud Map services go with the service",
            service_api.delete_with_discovery,
        ),
        Patch(
            ECS,
            "_register_task_definition",
            "(data)",
            "sizes that Fargate lacks were accepted",
            task_definition.register_checked,
        ),
    )


def _of_stacks() -> tuple[Patch, ...]:
    return (
        Patch(
            STACKS,
            "_runs_on_worker_thread",
            "(resource_type: str) -> bool",
            "a service is waited for, which must not block the server",
            _also_for_services,
        ),
        Patch(
            STACKS,
            "_sends_back_failed_update",
            "(resource_type: str) -> bool",
            "a service whose update failed is sent back to its previous properties",
            _also_for_services,
        ),
        Patch(
            CLOUDFORMATION,
            "handle_request",
            "(method: str, path: str, headers: dict, body: bytes, query_params: dict) -> tuple",
            "callers that poll every 5 s would wait for operations that take less",
            settling.answer_when_settled,
        ),
        Patch(
            CLOUDFORMATION,
            "load_persisted_state",
            "(data)",
            "a stack whose operation was interrupted stayed IN_PROGRESS",
            interrupted_stacks.settle,
        ),
        Patch(
            STACKS,
            "_resolve_stack_outputs",
            "(outputs_defs, conditions, resources, param_values, mappings, stack_name, stack_id)",
            "exports in use were changed and deleted, and deleted ones stayed listed",
            stack_outputs.keep_imported,
        ),
        Patch(
            STACKS,
            "_roll_back_operation",
            "(stack_name: str, stack_id: str, stack: dict, operation: dict, reason_override: str = '')",
            "the first event of a rollback has an export in use as its reason",
            stack_outputs.give_reason_of_rollback,
        ),
        Patch(
            HANDLERS,
            "_delete_stack",
            "(params)",
            "the deletion of a stack with an export in use was refused, not cancelled",
            stack_outputs.cancel_deletion,
        ),
        Patch(
            HANDLERS,
            "_update_stack",
            "(params)",
            "a stack that can't be updated gets AWS's error",
            stack_faults.refuse_stuck,
        ),
        Patch(
            HANDLERS,
            "_create_change_set",
            "(params)",
            "stacks that can't be updated got change sets",
            stack_faults.refuse_stuck,
        ),
        Patch(
            HANDLERS,
            "_create_change_set",
            "(params)",
            "a change of outputs alone counted as no change",
            stack_outputs.count_outputs,
        ),
    )


def _of_others(fargate: Fargate, refusals: ApiFaults) -> tuple[Patch, ...]:
    return (
        Patch(
            ALB,
            "_describe_target_health",
            "(params)",
            "every target was healthy",
            load_balancer_description.with_target_health(fargate.platform.tasks),
        ),
        Patch(
            IAM,
            "_extract_simulate_params",
            "(p)",
            "a simulation ignored its additional policies",
            simulated_policies.noting_added_policies,
        ),
        Patch(
            IAM,
            "_build_simulate_results_real",
            "(actions, resource_arn, principal_arn, account_id, policies)",
            "the same",
            simulated_policies.with_added_policies,
        ),
        Patch(
            ALB,
            "_tg_xml",
            "(tg)",
            "a target group kept the load balancer of a listener that was deleted",
            load_balancer_description.with_balancers,
        ),
        Patch(
            ALB,
            "_lb_xml",
            "(lb)",
            "every subnet of a load balancer was in zone a",
            load_balancer_description.with_zones,
        ),
        Patch(
            WAF,
            "handle_request",
            "(method, path, headers, body, query_params)",
            "logging configurations were unknown",
            web_acl.with_logging,
        ),
        Patch(
            ACM,
            "_cert_shape",
            "(cert)",
            "no load balancer used a certificate",
            load_balancer_description.with_users,
        ),
        Patch(
            EC2,
            "_subnet_fields_xml",
            "(subnet, tag='item')",
            "every subnet had 251 free addresses",
            subnet_addresses.counted(fargate.platform),
        ),
        Patch(
            LOGS,
            "_filter_log_events",
            "(data)",
            "events beyond a page were omitted, and patterns ignored case",
            log_filter.filter_in_pages,
        ),
        Patch(
            SSM,
            "handle_request",
            "(method, path, headers, body, query_params)",
            "sessions were unknown",
            sessions.start_where_connected,
        ),
        Patch(
            APP,
            "_dispatch_service_request",
            "(method: str, path: str, headers: dict, body: bytes, query_params: dict, request_id: str)",
            "no call ever failed",
            api_faults.refuse(refusals),
        ),
    )


def _also_for_services(original: Any) -> Any:
    def patched(resource_type: str) -> bool:
        return resource_type == service.NAME or bool(original(resource_type))

    return patched
