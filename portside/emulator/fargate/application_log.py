"""The log lines of programs that fail, as Node.js, Java and Caddy write them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from string import Template
from typing import Any, Final

from portside.emulator.fargate.database_connection import connection, is_database
from portside.emulator.fargate.launch import Launch, environment_of

# In the VPC, the proxy of Service Connect has an address on the loopback interface for each endpoint.
ENDPOINT_ADDRESS = "127.255.0.3"

_URL = re.compile(r"http://([^/:]+)(?::(\d+))?")

# By fault and platform; without text for a platform, Node.js's.
_LOGS: Final[Mapping[str, Mapping[str, str]]] = {
    "crash-at-start": {
        "node": """\
/app/main.js:14
    throw new Error('required setting is missing');
Error: required setting is missing
    at Object.<anonymous> (/app/main.js:14:11)
    at Module._compile (node:internal/modules/cjs/loader:1688:14)

Node.js v22.20.0""",
        "java": """\
ERROR 1 --- [           main] o.s.boot.SpringApplication : Application run failed
org.springframework.beans.factory.BeanCreationException: Error creating bean with name 'applicationSettings': \
Invocation of init method failed
\tat org.springframework.boot.SpringApplication.run(SpringApplication.java:1361)
Caused by: java.lang.IllegalStateException: required setting is missing""",
        "caddy": "Error: adapting config using caddyfile: /etc/caddy/Caddyfile:7: unrecognized directive: proxy",
    },
    "crash-after-start": {
        "node": """\
TypeError: Cannot read properties of undefined (reading 'length')
    at IncomingMessage.<anonymous> (/app/main.js:211:31)
    at process.processTicksAndRejections (node:internal/process/task_queues:105:5)

Node.js v22.20.0""",
        "java": """\
Exception in thread "main" java.lang.NullPointerException: Cannot invoke "java.util.List.size()" because "entries" \
is null
\tat java.base/java.lang.Thread.run(Thread.java:1583)""",
        "caddy": """\
panic: runtime error: invalid memory address or nil pointer dereference
goroutine 1 [running]:""",
    },
    "callee-unknown": {
        "node": """\
Error: getaddrinfo ENOTFOUND $callee
    at GetAddrInfoReqWrap.onlookupall [as oncomplete] (node:dns:122:26) {
  errno: -3008,
  code: 'ENOTFOUND',
  syscall: 'getaddrinfo',
  hostname: '$callee'
}""",
        "java": "java.net.UnknownHostException: $callee: Name or service not known",
        "caddy": '{"level":"error","logger":"http.log.error","msg":"dial tcp: lookup $callee on 169.254.169.253:53: '
        'no such host","status":502}',
    },
    "callee-refused": {
        "node": """\
Error: connect ECONNREFUSED $endpoint:$callee_port
    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1637:16)
request to http://$callee:$callee_port failed""",
        "java": "java.net.ConnectException: Connection refused: $callee/$endpoint:$callee_port",
        "caddy": '{"level":"error","logger":"http.log.error","msg":"dial tcp $endpoint:$callee_port: connect: '
        'connection refused","status":502}',
    },
    "database-unreachable": {
        "node": """\
MongoServerSelectionError: connect ETIMEDOUT $database
    at Topology.selectServer (/app/node_modules/mongodb/lib/sdam/topology.js:326:38)
MongoNetworkTimeoutError: connection timed out to $database""",
        "java": "com.mongodb.MongoTimeoutException: Timed out after 30000 ms while waiting to connect. Client view of "
        "cluster state is {type=UNKNOWN, servers=[{address=$database, type=UNKNOWN, state=CONNECTING, "
        "exception={com.mongodb.MongoSocketOpenException: Exception opening socket}, caused by "
        "{java.net.SocketTimeoutException: Connect timed out}}]",
        "postgres": """\
connection to server at "$host", port $port failed: Connection timed out
\tIs the server running on that host and accepting TCP/IP connections?""",
        "mysql": "ERROR 2003 (HY000): Can't connect to MySQL server on '$host:$port' (110)",
    },
    "database-auth": {
        "node": """\
MongoServerError: Authentication failed.
    at Connection.sendCommand (/app/node_modules/mongodb/lib/cmap/connection.js:305:27) {
  ok: 0,
  code: 18,
  codeName: 'AuthenticationFailed'
}""",
        "java": """\
com.mongodb.MongoSecurityException: Exception authenticating MongoCredential{mechanism=SCRAM-SHA-1}
Caused by: com.mongodb.MongoCommandException: Command failed with error 18 (AuthenticationFailed): \
'Authentication failed.'""",
        "postgres": 'connection to server at "$host", port $port failed: '
        'FATAL:  password authentication failed for user "$user"',
        "mysql": "ERROR 1045 (28000): Access denied for user '$user'@'$address' (using password: YES)",
    },
    "database-tls": {
        "node": "MongoServerSelectionError: connection <monitor> to $database closed",
        "java": "com.mongodb.MongoSocketReadException: Prematurely reached end of stream",
        "postgres": 'connection to server at "$host", port $port failed: FATAL:  no pg_hba.conf entry for host '
        '"$address", user "$user", database "$name", no encryption',
        "mysql": "ERROR 3159 (HY000): Connections using insecure transport are prohibited while "
        "--require_secure_transport=ON.",
    },
    "database-missing": {
        "node": """MongoServerError: not authorized on $name to execute command""",
        "postgres": 'connection to server at "$host", port $port failed: FATAL:  database "$name" does not exist',
        "mysql": "ERROR 1049 (42000): Unknown database '$name'",
    },
    "role-denied": {
        "node": """\
AccessDenied: $denied
    at throwDefaultError (/app/node_modules/@smithy/smithy-client/dist-cjs/index.js:388:20)""",
        "java": "software.amazon.awssdk.services.s3.model.S3Exception: $denied (Service: S3, Status Code: 403)",
    },
}


@dataclass(frozen=True)
class Peer:
    """A host that a program connects to."""

    host: str
    port: str


def lines_of_fault(launch: Launch, container: Mapping[str, Any]) -> list[str]:
    """The log lines of the container's fault; none for a fault that the program doesn't notice."""
    fault = launch.faults.get(container["name"])
    if fault is None or fault.fault not in _LOGS:
        return []
    environment = environment_of(container)
    called, stored_in = callee(environment), connection(environment)
    by_platform = _LOGS[fault.fault]
    platform = stored_in.engine if stored_in.engine in by_platform else _platform(launch, container)
    text = Template(by_platform.get(platform, by_platform["node"])).substitute(
        callee=called.host,
        callee_port=called.port,
        endpoint=ENDPOINT_ADDRESS,
        database=f"{stored_in.host}:{stored_in.port}",
        host=stored_in.host,
        port=stored_in.port,
        user=stored_in.user or "app",
        name=stored_in.name or stored_in.user or "app",
        address=launch.address if launch.task.get("attachments") else ENDPOINT_ADDRESS,
        denied=_denied(launch),
    )
    return text.split("\n")


def callee(environment: Mapping[str, str]) -> Peer:
    """The first service that a container with these variables calls, by its Service Connect name."""
    for value in environment.values():
        found = _URL.match(value)
        if found and "." not in found[1] and found[1] != "localhost":
            return Peer(found[1], found[2] or "80")
    for name, value in environment.items():
        if name.endswith("_HOST") and not is_database(name):
            return Peer(value, environment.get(name.removesuffix("HOST") + "PORT", "80"))
    return Peer("backend", "80")


def _platform(launch: Launch, container: Mapping[str, Any]) -> str:
    if launch.proxy(container):
        return "caddy"
    return "java" if any(each["name"].startswith("SPRING_") for each in container.get("environment", [])) else "node"


def _denied(launch: Launch) -> str:
    role = str(launch.task_definition.get("taskRoleArn", "")).rsplit("/", 1)[-1] or "no-task-role"
    return (
        f"User: arn:aws:sts::{launch.account}:assumed-role/{role}/{launch.task_id} is not authorized to perform: "
        f's3:GetObject on resource: "arn:aws:s3:::data-{launch.account}/manifest.json" because no '
        "identity-based policy allows the s3:GetObject action"
    )
