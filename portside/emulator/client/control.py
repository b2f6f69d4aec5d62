"""Client of the embedded AWS's control API: what a person would do outside AWS, or cannot do on it.

Every function talks to the server of `aws`, or to the one that runs for this clone.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterable, Mapping
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
    """Puts an image into the catalogue (again: nothing changes); its record, with the digest it got.

    With a digest, here or in the reference, only Fargate finds it: nobody knows what is in it.
    """
    body = {"reference": reference, "source": source, "digest": digest}
    return _object(_call("PUT", "/images", body, aws=aws))


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
    """Publishes the image of a commit as GHCR does, which moves the tags to it; its record.

    `created` is a moment in ISO 8601, now by default. Several platforms, separated by commas, make an index. Another
    `marker` makes another image of the same commit.
    """
    body = {"name": name, "tags": list(tags), "commit": commit, "created": created}
    return _object(_call("POST", "/images", body | {"platform": platform, "marker": marker}, aws=aws))


def images(*, aws: LocalAws | None = None) -> list[dict[str, Any]]:
    """Every version of every image: `name`, `tags`, `digest`, `commit`, `created`, `platform`, `source`."""
    return _objects(_call("GET", "/images", aws=aws))


def remove_image(reference: str, *, aws: LocalAws | None = None) -> bool:
    """Takes what a reference stands for out of the catalogue, with all its tags; False if it wasn't there."""
    return bool(_call("DELETE", "/images", {"reference": reference}, aws=aws))


def set_catalogue_fault(
    name: str,
    api: CatalogueApi | None = None,
    image: str | None = None,
    times: int | None = None,
    value: float | None = None,
    *,
    aws: LocalAws | None = None,
) -> None:
    """Lets the catalogue's APIs fail in the named way, so many times or until `clear_catalogue_faults`.

    Both APIs and all images by default; `value` is the seconds that the fault is about, if it is about any.
    """
    body = {"fault": name, "api": api, "image": image, "times": times, "value": value}
    _call("PUT", "/catalogue-faults", body, aws=aws)


def clear_catalogue_faults(*, aws: LocalAws | None = None) -> None:
    """Lets the catalogue's APIs work again."""
    _call("DELETE", "/catalogue-faults", aws=aws)


def catalogue_faults(*, aws: LocalAws | None = None) -> list[dict[str, Any]]:
    """Every fault of the catalogue that is on: `fault`, `api`, `image`, `times` that are left, `value`."""
    return _objects(_call("GET", "/catalogue-faults", aws=aws))


def set_fault(
    account: str,
    container: str,
    fault: str,
    value: str | None = None,
    *,
    times: int | None = None,
    aws: LocalAws | None = None,
) -> None:
    """Lets tasks of this container that start from now on fail in the named way, so many or until `clear_faults`."""
    body = {"account": account, "container": container, "fault": fault, "value": value, "times": times}
    _call("PUT", "/faults", body, aws=aws)


def clear_faults(account: str | None = None, *, aws: LocalAws | None = None) -> None:
    """Switches off the faults of an account, or all; tasks that start from now on are whole."""
    _call("DELETE", "/faults", {"account": account}, aws=aws)


def faults(*, aws: LocalAws | None = None) -> list[dict[str, Any]]:
    """Every fault that is on: `account`, `container`, `fault`, `value`, `times` that are left."""
    return _objects(_call("GET", "/faults", aws=aws))


def set_api_fault(
    service: str,
    operation: str,
    code: str,
    times: int | None = None,
    *,
    account: str | None = None,
    aws: LocalAws | None = None,
) -> None:
    """Lets calls of AWS's API get an error, so many or until `clear_api_faults`; retries of a client count.

    `operation` is in boto3's or AWS's form, `*` for all of the service's; `code` is one of `api_faults.CODES`.
    """
    body = {"service": service, "operation": operation, "code": code, "times": times, "account": account}
    _call("PUT", "/api-faults", body, aws=aws)


def clear_api_faults(*, aws: LocalAws | None = None) -> None:
    """Lets all calls through again."""
    _call("DELETE", "/api-faults", aws=aws)


def api_faults(*, aws: LocalAws | None = None) -> list[dict[str, Any]]:
    """Every fault of the API that is on: `service`, `operation`, `code`, `times` that are left, `account`."""
    return _objects(_call("GET", "/api-faults", aws=aws))


def set_stack_fault(
    account: str, stack: str, state: str, *, region: str = "us-east-1", aws: LocalAws | None = None
) -> None:
    """Brings a stack into a state of `stack_faults.STATES`, where it stays until AWS's own way out, or `clear_…`.

    What only a first deployment leaves behind, such as ROLLBACK_COMPLETE, may be given to a stack that isn't there.
    """
    _call("PUT", "/stack-faults", _of_stack(account, stack, region) | {"state": state}, aws=aws)


def clear_stack_fault(account: str, stack: str, *, region: str = "us-east-1", aws: LocalAws | None = None) -> bool:
    """Gives the stack the state that it had; False if it has left the fault's state already."""
    return bool(_call("DELETE", "/stack-faults", _of_stack(account, stack, region), aws=aws))


def set_quota(
    account: str, service: str, code: str, value: float, *, region: str = "us-east-1", aws: LocalAws | None = None
) -> None:
    """Gives an account another service quota, one of `service_quotas.QUOTAS`."""
    body = {"account": account, "region": region, "service": service, "code": code, "value": value}
    _call("PUT", "/quotas", body, aws=aws)


def tasks(account: str, *, aws: LocalAws | None = None) -> list[dict[str, Any]]:
    """The running stubs of an account.

    Each has `service`, `container`, `image`, `digest`, `task_arn`, `health`, `url`, and the `token` that it wants.
    """
    return _objects(_call("GET", f"/tasks?account={urllib.parse.quote(account)}", aws=aws))


def load_balancers(account: str, *, aws: LocalAws | None = None) -> list[dict[str, Any]]:
    """The load balancers of an account: `name`, `arn`, `dns_name`, and the `url` that stands in for it here."""
    return _objects(_call("GET", f"/load-balancers?account={urllib.parse.quote(account)}", aws=aws))


def save(*, aws: LocalAws | None = None) -> bool:
    """Saves what has changed, so that it is there again however the server ends; False if nothing had changed.

    Raises UserError where it can't be written; what was saved before stays.
    """
    return bool(_call("POST", "/save", aws=aws))


def put_certificate(arn: str, *, domain: str, aws: LocalAws | None = None) -> bool:
    """Creates the certificate with exactly this ARN, as ACM's own API cannot; False if it was there."""
    return bool(_call("PUT", "/certificates", {"arn": arn, "domain": domain}, aws=aws))


def _call(method: str, path: str, body: Mapping[str, Any] | None = None, *, aws: LocalAws | None) -> Any:
    server = aws or process.expect_running(process.default_state_dir())
    if method != "GET" and path != "/save":
        connection.use(server)
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(server.control_url + path, data=data, method=method)
    try:
        with loopback_client.send(request, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            problem = json.loads(error.read() or b"{}")
        raise UserError(str(problem.get("error", error)), str(problem.get("hint", ""))) from error
    except OSError as error:
        raise UserError(f"the embedded AWS does not answer: {error}", f"Start it with: {local_tool('up')}") from error


def _of_stack(account: str, stack: str, region: str) -> dict[str, str]:
    return {"account": account, "region": region, "name": stack}


def _object(answer: Any) -> dict[str, Any]:
    return dict(answer)


def _objects(answer: Any) -> list[dict[str, Any]]:
    return [dict(each) for each in answer]
