"""The load balancers that use a certificate."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from portside.emulator.ministack_modules import alb


def with_users(original: Any) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """DescribeCertificate, with the load balancers whose listeners have the certificate."""

    def certificate_shape(certificate: Mapping[str, Any]) -> dict[str, Any]:
        shape: dict[str, Any] = original(certificate)
        arn = certificate["CertificateArn"]
        users = {
            listener["LoadBalancerArn"]
            for listener in list(alb._listeners.values())
            if arn in listener.get("Certificates", [])
        }
        return shape | {"InUseBy": sorted({*shape.get("InUseBy", []), *users})}

    return certificate_shape
