"""The attributes of load balancers, listeners and target groups, by name.

tests/unit/findings/test_template_limits.py compares them with what botocore documents.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from portside.findings.finding import Finding
from portside.findings.templates.assembly import Assembly
from portside.findings.templates.rule import over_assembly, wrong
from portside.findings.templates.values import objects

# A name this much like a known one is a misspelling. Others may be newer than this list.
_SIMILARITY = 0.85
_LOG_KEYS = ("bucket", "enabled", "prefix")
_CLIENT = "routing.http.request.x_amzn_mtls_clientcert"
_CORS = "routing.http.response.access_control"
_ROUTING = "target_group_health.unhealthy_state_routing.minimum_healthy_targets"
_FAILOVER = "target_group_health.dns_failover.minimum_healthy_targets"
# By resource type: its property, and the shape of botocore whose documentation names them.
# https://docs.aws.amazon.com/elasticloadbalancing/latest/APIReference/API_LoadBalancerAttribute.html
NAMES = {
    ("LoadBalancer", "LoadBalancerAttributes", "LoadBalancerAttribute"): (
        *(f"{logs}.s3.{key}" for logs in ("access_logs", "connection_logs", "health_check_logs") for key in _LOG_KEYS),
        *("client_keep_alive.seconds", "deletion_protection.enabled", "dns_record.client_routing_policy"),
        *("idle_timeout.timeout_seconds", "ipv6.deny_all_igw_traffic", "load_balancing.cross_zone.enabled"),
        *("routing.http.desync_mitigation_mode", "routing.http.drop_invalid_header_fields.enabled"),
        *("routing.http.preserve_host_header.enabled", "routing.http.x_amzn_tls_version_and_cipher_suite.enabled"),
        *("routing.http.xff_client_port.enabled", "routing.http.xff_header_processing.mode", "routing.http2.enabled"),
        *("secondary_ips.auto_assigned.per_subnet", "waf.fail_open.enabled", "zonal_shift.config.enabled"),
    ),
    ("Listener", "ListenerAttributes", "ListenerAttribute"): (
        *(f"{_CLIENT}{of}.header_name" for of in ("", "_issuer", "_leaf", "_serial_number", "_subject", "_validity")),
        *(f"routing.http.request.x_amzn_tls_{of}.header_name" for of in ("cipher_suite", "version")),
        *(f"{_CORS}_{of}.header_value" for of in ("allow_credentials", "allow_headers", "allow_methods")),
        *(f"{_CORS}_{of}.header_value" for of in ("allow_origin", "expose_headers", "max_age")),
        *(f"routing.http.response.{of}.header_value" for of in ("content_security_policy", "x_frame_options")),
        *(f"routing.http.response.{of}.header_value" for of in ("strict_transport_security", "x_content_type_options")),
        *("routing.http.response.server.enabled", "send_tcp_reset.on_idle_timeout.enabled", "tcp.idle_timeout.seconds"),
    ),
    ("TargetGroup", "TargetGroupAttributes", "TargetGroupAttribute"): (
        *("deregistration_delay.connection_termination.enabled", "deregistration_delay.timeout_seconds"),
        *("lambda.multi_value_headers.enabled", "load_balancing.algorithm.anomaly_mitigation"),
        *("load_balancing.algorithm.type", "load_balancing.cross_zone.enabled", "preserve_client_ip.enabled"),
        *(
            "proxy_protocol_v2.enabled",
            "send_tcp_reset.on_deregistration.enabled",
            "send_tcp_reset.on_unhealthy.enabled",
        ),
        *("slow_start.duration_seconds", "stickiness.app_cookie.cookie_name", "stickiness.app_cookie.duration_seconds"),
        *("stickiness.enabled", "stickiness.lb_cookie.duration_seconds", "stickiness.type"),
        *("target_failover.on_deregistration", "target_failover.on_unhealthy", f"{_FAILOVER}.count"),
        *(f"{_FAILOVER}.percentage", f"{_ROUTING}.count", f"{_ROUTING}.percentage"),
        *(
            f"target_health_state.unhealthy.{of}"
            for of in ("connection_termination.enabled", "draining_interval_seconds")
        ),
        "unhealthy.draining",
    ),
}


@over_assembly
def misspelt(assembly: Assembly) -> Iterator[Finding]:
    """Attributes whose name is similar to an existing one."""
    for (kind, key, _), names in NAMES.items():
        for resource in assembly.of_type(f"ElasticLoadBalancingV2::{kind}"):
            for each in objects(resource.get(key)):
                name = each.get("Key")
                if not isinstance(name, str) or name in names:
                    continue
                similar = difflib.get_close_matches(name, names, n=1, cutoff=_SIMILARITY)
                if similar:
                    sentence = f"there is no attribute {name}, but {similar[0]}"
                    yield wrong("ATTRIBUTE_NAME", resource, sentence, at=key)
