"""Client of the embedded AWS's control API, for what is done outside AWS or is not possible there.

Every function calls the server `aws`; the default is the running server of this clone.
"""

from __future__ import annotations

import json
import urllib.error
from collections.abc import Iterable
from typing import Any, Literal

from portside.commands import local_tool
from portside.emulator.client import connection, loopback_client, process
from portside.emulator.client.process import LocalAws
from portside.emulator.fargate.faults import FAULTS as FAULTS
from portside.emulator.registry.oci_image import PLATFORM
from portside.errors import UserError

Source = Literal["published", "stub"]
CatalogueApi = Literal["registry", "packages"]


def put_image(
    reference: str, *, source: Source, digest: str | None = None, aws: LocalAws | None = None
) -> dict[str, Any]:
    """Add an image to the catalogue (no change if it is in it); returns its record with its digest.

    With a digest, here or in the reference, only Fargate finds the image, because its content is unknown.
    """
    return dict(_change("put_image", reference, source, digest, aws=aws))


def publish_image(
    name: str,
    tags: Iterable[str],
    *,
    commit: str,
    created: str | None = None,
    platform: str = PLATFORM,
    marker: str = "",
    aws: LocalAws | None = None,
) -> dict[str, Any]:
    """Publish the image of a commit as GHCR does, which moves the tags to it; returns its record.

    `created` is an ISO 8601 time and defaults to now. Several platforms, separated by commas, make an index. A
    different `marker` makes a different image of the same commit.
    """
    return dict(_change("publish_image", name, list(tags), commit, created, platform, marker, aws=aws))


def images(*, aws: LocalAws | None = None) -> list[dict[str, Any]]:
    """Every version of every image: `name`, `tags`, `digest`, `commit`, `created`, `platform`, `source`."""
    return list(_call("images", aws=aws))


def remove_image(reference: str, *, aws: LocalAws | None = None) -> bool:
    """Delete an image from the catalogue, with all its tags; False if it doesn't exist."""
    return bool(_change("remove_image", reference, aws=aws))


def set_catalogue_fault(
    name: str,
    api: CatalogueApi | None = None,
    image: str | None = None,
    times: int | None = None,
    value: float | None = None,
    *,
    aws: LocalAws | None = None,
) -> None:
    """Make the catalogue's APIs fail in the named way, this many times or until `clear_catalogue_faults`.

    Applies to both APIs and all images by default; `value` is in seconds, for faults that take one.
    """
    _change("set_catalogue_fault", name, api, image, times, value, aws=aws)


def clear_catalogue_faults(*, aws: LocalAws | None = None) -> None:
    _change("clear_catalogue_faults", aws=aws)


def catalogue_faults(*, aws: LocalAws | None = None) -> list[dict[str, Any]]:
    """The active faults of the catalogue: `fault`, `api`, `image`, remaining `times`, `value`."""
    return list(_call("catalogue_faults", aws=aws))


def set_fault(
    account: str,
    container: str,
    fault: str,
    value: str | None = None,
    *,
    times: int | None = None,
    aws: LocalAws | None = None,
) -> None:
    """Make new tasks with this container fail in the named way, this many or until `clear_faults`."""
    _change("set_fault", account, container, fault, value, times, aws=aws)


def clear_faults(account: str | None = None, *, aws: LocalAws | None = None) -> None:
    """Clear the faults of an account, or all; new tasks have no fault."""
    _change("clear_faults", account, aws=aws)


def faults(*, aws: LocalAws | None = None) -> list[dict[str, Any]]:
    """The active faults: `account`, `container`, `fault`, `value`, remaining `times`."""
    return list(_call("faults", aws=aws))


def set_api_fault(
    service: str,
    operation: str,
    code: str,
    times: int | None = None,
    *,
    account: str | None = None,
    aws: LocalAws | None = None,
) -> None:
    """Make calls of AWS's API fail, this many or until `clear_api_faults`; retries of a client count.

    `operation` is boto3's or AWS's name, `*` for all of the service; `code` is one of `api_faults.CODES`.
    """
    _change("set_api_fault", service, operation, code, times, account, aws=aws)


def clear_api_faults(*, aws: LocalAws | None = None) -> None:
    _change("clear_api_faults", aws=aws)


def api_faults(*, aws: LocalAws | None = None) -> list[dict[str, Any]]:
    """The active faults of AWS's API: `service`, `operation`, `code`, remaining `times`, `account`."""
    return list(_call("api_faults", aws=aws))


def set_stack_fault(
    account: str, stack: str, state: str, *, region: str = "us-east-1", aws: LocalAws | None = None
) -> None:
    """Set a stack to a state of `stack_faults.STATES` until it is recovered as on AWS, or `clear_stack_fault`.

    States of a failed first deployment, such as ROLLBACK_COMPLETE, can be set for a stack that doesn't exist.
    """
    _change("set_stack_fault", account, region, stack, state, aws=aws)


def clear_stack_fault(account: str, stack: str, *, region: str = "us-east-1", aws: LocalAws | None = None) -> bool:
    """Restore the stack's previous state; False if it is no longer in the state of the fault."""
    return bool(_change("clear_stack_fault", account, region, stack, aws=aws))


def set_quota(
    account: str, service: str, code: str, value: float, *, region: str = "us-east-1", aws: LocalAws | None = None
) -> None:
    """Set the value of a service quota, one of `service_quotas.QUOTAS`, in an account."""
    _change("set_quota", account, region, service, code, value, aws=aws)


def tasks(account: str, *, aws: LocalAws | None = None) -> list[dict[str, Any]]:
    """The running stubs of an account.

    Each has `service`, `container`, `image`, `digest`, `task_arn`, `health`, `url`, and the `token` that it requires.
    """
    return list(_call("tasks", account, aws=aws))


def load_balancers(account: str, *, aws: LocalAws | None = None) -> list[dict[str, Any]]:
    """The load balancers of an account: `name`, `arn`, `dns_name`, and the local `url`."""
    return list(_call("load_balancers", account, aws=aws))


def save(*, aws: LocalAws | None = None) -> bool:
    """Save the changes, so that they survive a crash of the server; False if nothing has changed.

    Raises UserError if the state can't be written; the last saved state remains.
    """
    return bool(_call("save", aws=aws))


def reset(*, aws: LocalAws | None = None) -> None:
    """Delete everything (all accounts, images, faults); the server keeps running."""
    _change("reset", aws=aws)


def put_certificate(arn: str, *, domain: str, aws: LocalAws | None = None) -> bool:
    """Create a certificate with this ARN, which ACM's API can't do; False if it exists."""
    return bool(_change("put_certificate", arn, domain, aws=aws))


def _change(action: str, *arguments: Any, aws: LocalAws | None) -> Any:
    server = aws or process.expect_running(process.default_state_dir())
    connection.use(server)
    return _call(action, *arguments, aws=server)


def _call(action: str, *arguments: Any, aws: LocalAws | None) -> Any:
    """The result of an action of `portside.emulator.control_api`, which has its parameters in this order."""
    server = aws or process.expect_running(process.default_state_dir())
    request = loopback_client.post(f"{server.control_url}/{action}", arguments)
    try:
        with loopback_client.send(request, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            problem = json.loads(error.read() or b"{}")
        raise UserError(str(problem.get("error", error)), str(problem.get("hint", ""))) from error
    except OSError as error:
        raise UserError(f"the embedded AWS does not answer: {error}", f"Start it with: {local_tool('up')}") from error
