"""Local load balancers: a port on 127.0.0.1 for each, which forwards to healthy targets as its listeners define."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

from portside.emulator import loopback_http
from portside.emulator.fargate.running_tasks import RunningTasks
from portside.emulator.loopback_http import Answer, Handler, Request
from portside.emulator.ministack_modules import alb

FORWARD_TIMEOUT_SECONDS = 10


class LoadBalancers:
    """The local ports of all load balancers, on the runtime's event loop."""

    def __init__(self, tasks: RunningTasks) -> None:
        self._tasks = tasks
        self._servers: dict[str, asyncio.Server] = {}
        self._turns = itertools.count()

    async def described(self, account: str | None = None) -> list[dict[str, Any]]:
        """The load balancers of an account, or of all, for the control API."""
        await self._update_servers()
        return [
            {
                "account": key[0],
                "arn": arn,
                "name": record["LoadBalancerName"],
                "dns_name": record["DNSName"],
                "url": f"http://127.0.0.1:{loopback_http.port_of(self._servers[arn])}",
            }
            for key, record in list(alb._lbs._data.items())
            if (arn := record["LoadBalancerArn"]) in self._servers and account in (None, key[0])
        ]

    async def _update_servers(self) -> None:
        """Open ports for new load balancers and close those of deleted ones."""
        present = {record["LoadBalancerArn"] for record in list(alb._lbs._data.values())}
        for arn in self._servers.keys() - present:
            self._servers.pop(arn).close()
        for arn in present - self._servers.keys():
            self._servers[arn] = await loopback_http.serve(self._handler(arn), guard=loopback_http.as_a_site)

    def _handler(self, arn: str) -> Handler:
        async def answer(request: Request) -> Answer:
            action = self._action(arn, request)
            if fixed := action.get("FixedResponseConfig"):
                return _fixed_response(fixed)
            target_group = action.get("TargetGroupArn")
            healthy = self._tasks.healthy_targets(target_group) if target_group else []
            if not healthy:
                return Answer(503, b"503 Service Temporarily Unavailable: no healthy target\n")
            target = healthy[next(self._turns) % len(healthy)]
            try:
                return await target.fetch(request, FORWARD_TIMEOUT_SECONDS)
            except TimeoutError:
                return Answer(504, b"504 Gateway Time-out\n")
            except OSError:
                return Answer(502, b"502 Bad Gateway\n")

        return answer

    @staticmethod
    def _action(arn: str, request: Request) -> dict[str, Any]:
        """The action of a listener on a request: of HTTPS if there is one, because HTTP redirects to it."""
        listeners = [each for each in list(alb._listeners._data.values()) if each["LoadBalancerArn"] == arn]
        for listener in sorted(listeners, key=lambda each: each.get("Protocol") != "HTTPS"):
            own = [each for each in list(alb._rules._data.values()) if each["ListenerArn"] == listener["ListenerArn"]]
            matching = (each["Actions"] for each in sorted(own, key=alb._rule_sort_key) if _matches(each, request))
            for actions in (*matching, listener["DefaultActions"]):
                for action in actions:
                    if action.get("TargetGroupArn") or action.get("FixedResponseConfig"):
                        return dict(action)
        return {}


def _fixed_response(fixed: dict[str, Any]) -> Answer:
    content_type = fixed.get("ContentType") or "text/plain"
    return Answer(int(fixed["StatusCode"]), (fixed.get("MessageBody") or "").encode(), content_type)


def _matches(rule: dict[str, Any], request: Request) -> bool:
    """Whether all conditions of a listener's rule match. The default rule never does, because its actions come last."""
    query = request.query
    return not rule.get("IsDefault") and all(
        alb._match_condition(each, request.method, request.path, request.headers, query) for each in rule["Conditions"]
    )
