"""Connections to other services: refusals, timeouts, TLS, proxies."""

from __future__ import annotations

from portside.findings.log_rows.row import AT_ITS_TIME, Row

_HOST_PORT = r"(?P<host>[\w.-]+):(?P<port>\d{2,5})"

ROWS = (
    Row(
        f"{AT_ITS_TIME}.PROXY",
        r"(?i:proxy authentication required|tunneling socket could not be established|ERR_PROXY|ProxyError"
        r"|unable to connect to proxy"
        r"|cannot connect to proxy|proxyconnect|407 Proxy)",
        "it can't connect through its proxy: {line}",
        "Correct HTTP_PROXY, HTTPS_PROXY and NO_PROXY in {env} (services of this environment belong to NO_PROXY), "
        "then: {deploy}",
    ),
    Row(
        f"{AT_ITS_TIME}.TLS",
        r"self[- ]signed certificate|SELF_SIGNED_CERT|unable to (?:verify the first certificate"
        r"|get (?:local )?issuer certificate)"
        r"|UNABLE_TO_VERIFY_LEAF|UNABLE_TO_GET_ISSUER|PKIX path|certificate verify failed|CERTIFICATE_VERIFY_FAILED"
        r"|x509: |"
        r"certificate (?:has expired|is not trusted|is not yet valid)|CERT_HAS_EXPIRED|ERR_TLS_CERT"
        r"|SSLHandshakeException|"
        r"The SSL connection could not be established|RemoteCertificate|[Hh]ostname/IP does not match"
        r"|unable to find valid certification path",
        "it does not trust the TLS certificate of a server that it calls: {line}",
        "Add the issuing CA to the image (NODE_EXTRA_CA_CERTS, SSL_CERT_FILE, or the trust store), or correct the "
        "host name in "
        "{env}; {program}",
    ),
    Row(
        f"{AT_ITS_TIME}.TLS",
        r"wrong version number|EPROTO|tls: first record does not look like a TLS handshake|plaintext connection"
        r"|packet length too long"
        r"|Client network socket disconnected before secure TLS",
        "one side of a connection uses TLS and the other does not: {line}",
        "Correct http or https, and the port, in {env}, then: {deploy}",
    ),
    Row(
        f"{AT_ITS_TIME}.CONNECTION_REFUSED",
        r"(?:ECONNREFUSED|[Cc]onnection refused)\D{0,40}(?P<host>localhost|127\.0\.0\.1|\[?::1\]?):(?P<port>\d+)"
        r"|(?P<host>localhost|127\.0\.0\.1|\[::1\]):(?P<port>\d+)\D{0,60}(?i:connection refused|refused|111)",
        "connection to {host}:{port} refused: that is its own task, and nothing listens there",
        "Set the host of the service that it means in {env} (its default is localhost), then: {deploy}",
        "app.py, container_env_vars of {name}",
    ),
    Row(
        f"{AT_ITS_TIME}.CONNECTION_REFUSED",
        rf"(?:ECONNREFUSED|[Cc]onnection refused|actively refused)\D{{0,60}}?(?:{_HOST_PORT})"
        rf"|(?:{_HOST_PORT})\D{{0,80}}(?i:connection refused"
        rf"|connect\(\) failed \(111)"
        r"|ECONNREFUSED|[Cc]onnection refused",
        "connection to {where} refused",
        "Correct the host and port in {env}; if it should be another service of this environment: calls of {name} in "
        "app.py, "
        "and the port that it listens on; then: {deploy}",
        "app.py, container_env_vars of {name}",
    ),
    Row(
        f"{AT_ITS_TIME}.CONNECTION_LOST",
        r"ECONNRESET|[Cc]onnection reset by peer|socket hang up|EPIPE|[Bb]roken pipe|unexpected EOF"
        r"|prematurely closed|outbound has closed",
        "the other side closed a connection: {line}",
        "See what the other side says (its log, and whether it expects TLS on that port); then: {again}",
    ),
    Row(
        f"{AT_ITS_TIME}.CONNECTION_TIMEOUT",
        r"timeout occurred after waiting \d+ seconds for (?P<host>[\w.-]+):(?P<port>\d+)"
        r"|[Tt]imed? ?out (?:waiting|connecting) (?:for|to) (?P<host>[\w.-]+):(?P<port>\d+)|"
        rf"(?:ETIMEDOUT|ESOCKETTIMEDOUT|[Cc]onnection timed out|[Cc]onnect timed out|i/o timeout"
        rf"|UND_ERR_CONNECT_TIMEOUT|ConnectTimeout\w*"
        rf"|[Cc]onnect Timeout Error|Max retries exceeded|ENETUNREACH|EHOSTUNREACH|[Nn]etwork is unreachable"
        rf"|[Nn]o route to host)"
        rf"(?:\D{{0,60}}?{_HOST_PORT})?",
        "connection to {where} timed out: {line}",
        "Correct the host in {env}; if it is right: the route out of its subnets (NAT gateways of the network stack) "
        "and the "
        "security group of what it calls; then: {again}",
    ),
    Row(
        f"{AT_ITS_TIME}.CALLEE_UNAVAILABLE",
        r"upstream connect error or disconnect/reset before headers|no healthy upstream",
        "Service Connect's proxy can't reach a service that it calls: {line}",
        "See how the services that it calls are ({status}), and that calls of {name} in app.py has each with its port; "
        "then: {again}",
        "app.py, calls of {name}",
    ),
    Row(
        f"{AT_ITS_TIME}.CONNECTION_UNAVAILABLE",
        r"StatusCode\.UNAVAILABLE|code = Unavailable|failed to connect to all addresses",
        "a gRPC server that it calls is not available: {line}",
        "Correct the host and port in {env}; if it should be another service of this environment: see its log; then: "
        "{again}",
    ),
    Row(
        f"{AT_ITS_TIME}.UNAUTHORIZED",
        r"(?:status(?: code)?:?|HTTP(?:/[\d.]+)?|[Rr]esponse(?: code)?:?|code) ?(?P<status>40[13])\b(?!\d)"
        r"|invalid_client|invalid_grant|\b(?P<status>401) Unauthorized|\b(?P<status>403) Forbidden",
        "a service that it calls rejects its credentials: {line}",
        "Correct the key or token in {secrets}, then: {again}",
    ),
)
