"""Server side of the control API: `client.control` is its client. The secret in its path protects it."""

from __future__ import annotations

import asyncio
import hmac
import inspect
import json
import os
from collections.abc import Callable
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
from portside.emulator.registry.catalogue_faults import CatalogueFaults
from portside.emulator.services import service_quotas
from portside.emulator.state.active_faults import ActiveFaults
from portside.emulator.state.saving import Saver
from portside.errors import UserError

Actions = dict[str, Callable[..., Any]]
"""By path: called with the arguments in the JSON body. Some return an awaitable."""


def handler(
    token: str,
    platform: Platform,
    faulty: CatalogueFaults,
    refusals: ApiFaults,
    balancers: LoadBalancers,
    saver: Saver,
) -> Handler:
    """The handler of requests whose path begins with the token."""

    async def reset() -> bool:
        await asyncio.to_thread(_reset_ministack)
        platform.catalogue.clear()
        for each in (platform.faults, faulty, refusals):
            each.clear()
        return True

    actions: Actions = {
        "health": lambda: {"pid": os.getpid()},
        "save": lambda: asyncio.to_thread(saver.save),
        "reset": reset,
        "images": lambda: [image.about() for image in platform.catalogue.images()],
        "put_image": lambda *image: platform.catalogue.put(*image).about(),
        "publish_image": lambda *image: platform.catalogue.publish(*image).about(),
        "remove_image": platform.catalogue.remove,
        "tasks": lambda account: _tasks(platform, account),
        "load_balancers": balancers.described,
        "put_certificate": create_certificate,
        "set_stack_fault": stack_faults.set_state,
        "clear_stack_fault": stack_faults.restore,
        "set_quota": service_quotas.set_value,
        **_fault_actions("fault", platform.faults, faults.checked),
        **_fault_actions("catalogue_fault", faulty, catalogue_faults.checked),
        **_fault_actions("api_fault", refusals, api_faults.checked),
    }

    async def answer(request: Request) -> Answer:
        _, given, *rest = request.path.split("/", 2)
        if not hmac.compare_digest(given.encode(), token.encode()):
            return json_answer({"error": "forbidden"}, 404)
        action = actions.get("".join(rest)) if request.method == "POST" else None
        if not action:
            return json_answer({"error": f"unknown: {request.method} {'/'.join(rest)}"}, 404)
        try:
            result = action(*json.loads(request.body))
            return json_answer(await result if inspect.isawaitable(result) else result)
        except (KeyError, TypeError, ValueError) as error:
            return json_answer({"error": str(error)}, 400)
        except UserError as error:
            return json_answer({"error": error.message, "hint": error.hint}, 507)

    return answer


def _fault_actions(name: str, active: ActiveFaults[Any], checked: Callable[..., Any]) -> Actions:
    return {
        f"{name}s": lambda: [asdict(fault) for fault in active.all()],
        f"set_{name}": lambda *given: active.put(checked(*given)),
        f"clear_{name}s": active.clear,
    }


def _tasks(platform: Platform, account: str) -> list[dict[str, Any]]:
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
        for each in platform.tasks.stubs(account)
    ]


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
