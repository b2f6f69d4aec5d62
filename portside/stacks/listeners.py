"""The listeners of the load balancer."""

from __future__ import annotations

from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct

HTTP_PORT, HTTPS_PORT = 80, 443
HTTPS_LISTENER = "HttpsListener"
# A year, in which a browser that has used HTTPS doesn't use HTTP.
# https://docs.aws.amazon.com/elasticloadbalancing/latest/application/header-modification.html
_RESPONSE_HEADERS = {
    "strict_transport_security.header_value": "max-age=31536000",
    "x_content_type_options.header_value": "nosniff",
    "server.enabled": "false",
}


def https_listener(
    scope: Construct,
    load_balancer: elbv2.IApplicationLoadBalancer,
    certificate_arn: str,
    action: elbv2.ListenerAction | None = None,
) -> elbv2.ApplicationListener:
    """The listener of port 443; without an action, target groups must be added."""
    listener = elbv2.ApplicationListener(
        scope,
        HTTPS_LISTENER,
        load_balancer=load_balancer,
        port=HTTPS_PORT,
        protocol=elbv2.ApplicationProtocol.HTTPS,
        ssl_policy=elbv2.SslPolicy.TLS13_12_RES_PQ,
        certificates=[acm.Certificate.from_certificate_arn(scope, "Cert", certificate_arn)],
        # The load balancer's stack has the rules for incoming traffic.
        open=False,
        default_action=action,
    )
    for header, value in _RESPONSE_HEADERS.items():
        listener.set_attribute(f"routing.http.response.{header}", value)
    return listener


def http_listener(
    scope: Construct, load_balancer: elbv2.IApplicationLoadBalancer, action: elbv2.ListenerAction
) -> elbv2.ApplicationListener:
    """The listener of port 80."""
    return elbv2.ApplicationListener(
        scope,
        "HttpListener",
        load_balancer=load_balancer,
        port=HTTP_PORT,
        protocol=elbv2.ApplicationProtocol.HTTP,
        open=False,
        default_action=action,
    )


def to_https() -> elbv2.ListenerAction:
    """The redirect from port 80 to port 443."""
    return elbv2.ListenerAction.redirect(port=str(HTTPS_PORT), protocol="HTTPS", permanent=True)


def listener_for_rules(
    scope: Construct, load_balancer: elbv2.IApplicationLoadBalancer, certificate_arn: str
) -> elbv2.ApplicationListener:
    """The listener to which public services add their rules: that of port 443, or of port 80 without a certificate.

    CloudFormation changes the listeners one after the other, because a certificate can come later.
    """
    nothing = elbv2.ListenerAction.fixed_response(503, content_type="text/plain", message_body="No service answers.")
    if not certificate_arn:
        return http_listener(scope, load_balancer, nothing)
    https = https_listener(scope, load_balancer, certificate_arn, nothing)
    http_listener(scope, load_balancer, to_https()).node.add_dependency(https)
    return https
