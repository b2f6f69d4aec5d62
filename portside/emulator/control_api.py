"""Server side of the control API: `client.control` is its client. The secret in its path protects it."""

from __future__ import annotations

import asyncio
import hmac
import json
import os
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

from portside.emulator.fargate import faults
from portside.emulator.fargate.load_balancing import LoadBalancers
from portside.emulator.fargate.platform import Platform
from portside.emulator.loopback_http import Answer, Handler, Request, json_answer
from portside.emulator.ministack_modules import acm, app, responses
from portside.emulator.patches import api_faults, stack_faults
from portside.emulator.patches.api_faults import ApiFaults
from portside.emulator.registry import catalogue_faults
from portside.emulator.registry.catalogue import Catalogue
from portside.emulator.registry.catalogue_faults import CatalogueFaults
from portside.emulator.services import service_quotas
from portside.emulator.state.saving import Saver
from portside.errors import UserError

Action = Callable[[Request], Awaitable[Any]]


def handler(
    token: str,
    platform: Platform,
    faulty: CatalogueFaults,
    refusals: ApiFaults,
    balancers: LoadBalancers,
    saver: Saver,
) -> Handler:
    """The handler of requests whose path begins with the token."""
    actions = (
        _image_actions(platform.catalogue, faulty)
        | _refusal_actions(refusals)
        | _actions(platform, faulty, refusals, balancers)
        | {("POST", "/save"): _save_action(saver)}
    )

    async def answer(request: Request) -> Answer:
        _, given, *rest = request.path.split("/", 2)
        if not hmac.compare_digest(given.encode(), token.encode()):
            return json_answer({"error": "forbidden"}, 404)
        action = actions.get((request.method, f"/{rest[0] if rest else ''}"))
        if not action:
            return json_answer({"error": f"unknown: {request.method} {'/'.join(rest)}"}, 404)
        try:
            return json_answer(await action(request))
        except (KeyError, TypeError, ValueError) as error:
            return json_answer({"error": str(error)}, 400)
        except UserError as error:
            return json_answer({"error": error.message, "hint": error.hint}, 507)

    return answer


def _save_action(saver: Saver) -> Action:
    async def save(request: Request) -> Any:
        return await asyncio.to_thread(saver.save)

    return save


def _image_actions(catalogue: Catalogue, faulty: CatalogueFaults) -> dict[tuple[str, str], Action]:
    async def list_images(request: Request) -> Any:
        return [image.about() for image in catalogue.images()]

    async def put_image(request: Request) -> Any:
        body = json.loads(request.body)
        return catalogue.put(body["reference"], body["source"], body.get("digest")).about()

    async def publish_image(request: Request) -> Any:
        return catalogue.publish(**json.loads(request.body)).about()

    async def remove_image(request: Request) -> Any:
        return catalogue.remove(json.loads(request.body)["reference"])

    async def list_catalogue_faults(request: Request) -> Any:
        return [asdict(fault) for fault in faulty.all()]

    async def put_catalogue_fault(request: Request) -> Any:
        fault = catalogue_faults.checked(**json.loads(request.body))
        faulty.put(fault)
        return asdict(fault)

    async def clear_catalogue_faults(request: Request) -> Any:
        faulty.clear()
        return True

    return {
        ("GET", "/images"): list_images,
        ("PUT", "/images"): put_image,
        ("POST", "/images"): publish_image,
        ("DELETE", "/images"): remove_image,
        ("GET", "/catalogue-faults"): list_catalogue_faults,
        ("PUT", "/catalogue-faults"): put_catalogue_fault,
        ("DELETE", "/catalogue-faults"): clear_catalogue_faults,
    }


def _refusal_actions(refusals: ApiFaults) -> dict[tuple[str, str], Action]:
    """Faults of AWS's own APIs: calls, stacks, quotas."""

    async def list_api_faults(request: Request) -> Any:
        return [asdict(fault) for fault in refusals.all()]

    async def put_api_fault(request: Request) -> Any:
        fault = api_faults.checked(**json.loads(request.body))
        refusals.put(fault)
        return asdict(fault)

    async def clear_api_faults(request: Request) -> Any:
        refusals.clear()
        return True

    async def put_stack_fault(request: Request) -> Any:
        stack_faults.set_state(**json.loads(request.body))
        return True

    async def clear_stack_fault(request: Request) -> Any:
        return stack_faults.restore(**json.loads(request.body))

    async def put_quota(request: Request) -> Any:
        service_quotas.set_value(**json.loads(request.body))
        return True

    return {
        ("GET", "/api-faults"): list_api_faults,
        ("PUT", "/api-faults"): put_api_fault,
        ("DELETE", "/api-faults"): clear_api_faults,
        ("PUT", "/stack-faults"): put_stack_fault,
        ("DELETE", "/stack-faults"): clear_stack_fault,
        ("PUT", "/quotas"): put_quota,
    }


def _actions(
    platform: Platform, faulty: CatalogueFaults, refusals: ApiFaults, balancers: LoadBalancers
) -> dict[tuple[str, str], Action]:
    async def health(request: Request) -> Any:
        return {"pid": os.getpid()}

    async def list_faults(request: Request) -> Any:
        return [asdict(fault) for fault in platform.faults.all()]

    async def put_fault(request: Request) -> Any:
        body = json.loads(request.body)
        fault = faults.checked(**body)
        platform.faults.put(fault)
        return asdict(fault)

    async def clear_faults(request: Request) -> Any:
        platform.faults.clear(json.loads(request.body or b"{}").get("account"))
        return True

    async def list_tasks(request: Request) -> Any:
        return [
            {
                **each.about(),
                "account": each.account,
                "cluster": each.cluster,
                "address": each.address,
                "health": "healthy" if each.healthy else "unhealthy",
                "url": each.url,
                "token": each.token,
            }
            for each in platform.tasks.stubs(request.query.get("account"))
        ]

    async def list_load_balancers(request: Request) -> Any:
        return await balancers.described(request.query.get("account"))

    async def put_certificate(request: Request) -> Any:
        body = json.loads(request.body)
        return create_certificate(body["arn"], body["domain"])

    async def reset(request: Request) -> Any:
        await asyncio.to_thread(_reset_ministack)
        platform.catalogue.clear()
        platform.faults.clear()
        faulty.clear()
        refusals.clear()
        return True

    return {
        ("GET", "/health"): health,
        ("GET", "/faults"): list_faults,
        ("PUT", "/faults"): put_fault,
        ("DELETE", "/faults"): clear_faults,
        ("GET", "/tasks"): list_tasks,
        ("GET", "/load-balancers"): list_load_balancers,
        ("PUT", "/certificates"): put_certificate,
        ("POST", "/reset"): reset,
    }


def _reset_ministack() -> None:
    """Runs on the gateway's event loop, so that no request is served meanwhile."""
    resetting = app._handle_admin_reset("/_ministack/reset", "POST", {})
    asyncio.run_coroutine_threadsafe(resetting, app._MAIN_LOOP).result(timeout=30)


def create_certificate(arn: str, domain: str) -> bool:
    """Create an issued certificate, without a key; returns whether it was new."""
    parts = arn.split(":")
    if len(parts) != 6 or parts[2] != "acm" or not parts[5].startswith("certificate/"):
        raise ValueError(f"invalid certificate ARN: {arn!r}")
    with responses.request_scope(parts[4], parts[3]):
        if arn in acm._certificates:
            return False
        made = json.loads(acm._request_certificate({"DomainName": domain, "ValidationMethod": "DNS"})[2])
        certificate = acm._certificates.pop(made["CertificateArn"])
        certificate |= {"CertificateArn": arn, "Status": "ISSUED"}
        acm._certificates[arn] = certificate
    return True
