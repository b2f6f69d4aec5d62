"""What a container's program would log before it gives up: the words of its platform, Node.js, Java or Caddy."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from portside.emulator.fargate import stub
from portside.emulator.fargate.launch import Launch

NODE = "Node.js v22.20.0"
DATABASE_PORT = "27017"
# In the VPC, Service Connect's proxy answers for an endpoint at an address of its own on the loopback device.
ENDPOINT_ADDRESS = "127.255.0.3"

_URL = re.compile(r"http://([^/:]+)(?::(\d+))?")


@dataclass(frozen=True)
class Peer:
    """Another host that a program connects to."""

    host: str
    port: str


def crash_while_starting(container: Mapping[str, Any]) -> list[str]:
    """A program that meets an error which it doesn't catch before it listens."""
    match _platform(_environment(container)):
        case "java":
            return [
                "ERROR 1 --- [           main] o.s.boot.SpringApplication : Application run failed",
                "org.springframework.beans.factory.BeanCreationException: Error creating bean with name "
                "'applicationSettings': Invocation of init method failed",
                "\tat org.springframework.boot.SpringApplication.run(SpringApplication.java:1361)",
                "Caused by: java.lang.IllegalStateException: required setting is missing",
            ]
        case "caddy":
            return ["Error: adapting config using caddyfile: /etc/caddy/Caddyfile:7: unrecognized directive: proxy"]
        case "node":
            return [
                "/app/main.js:14",
                "    throw new Error('required setting is missing');",
                "Error: required setting is missing",
                "    at Object.<anonymous> (/app/main.js:14:11)",
                "    at Module._compile (node:internal/modules/cjs/loader:1688:14)",
                "",
                NODE,
            ]


def crash_while_running(container: Mapping[str, Any]) -> list[str]:
    """A program that meets an error which it doesn't catch after it has listened."""
    match _platform(_environment(container)):
        case "java":
            return [
                'Exception in thread "main" java.lang.NullPointerException: Cannot invoke "java.util.List.size()" '
                'because "entries" is null',
                "\tat java.base/java.lang.Thread.run(Thread.java:1583)",
            ]
        case "caddy":
            return ["panic: runtime error: invalid memory address or nil pointer dereference", "goroutine 1 [running]:"]
        case "node":
            return [
                "TypeError: Cannot read properties of undefined (reading 'length')",
                "    at IncomingMessage.<anonymous> (/app/main.js:211:31)",
                "    at process.processTicksAndRejections (node:internal/process/task_queues:105:5)",
                "",
                NODE,
            ]


def complaint(launch: Launch, container: Mapping[str, Any]) -> list[str]:
    """What a program says about the fault that only it can tell; nothing if the container has none."""
    environment = _environment(container)
    platform = _platform(environment)
    if launch.fault(container, "callee-unknown"):
        return _callee_unknown(platform, callee(environment))
    if launch.fault(container, "callee-refused"):
        return _callee_refused(platform, callee(environment))
    if launch.fault(container, "database-unreachable"):
        return _database_unreachable(platform, database(environment))
    if launch.fault(container, "database-auth"):
        return _database_refuses(platform)
    if launch.fault(container, "role-denied"):
        return _role_denied(launch, platform)
    return []


def callee(environment: Mapping[str, str]) -> Peer:
    """The first of the services that a container with these variables calls, by Service Connect's name."""
    for value in environment.values():
        found = _URL.match(value)
        if found and "." not in found[1] and found[1] != "localhost":
            return Peer(found[1], found[2] or "80")
    for name, value in environment.items():
        if name.endswith("_HOST") and not _is_database(name):
            return Peer(value, environment.get(name.removesuffix("HOST") + "PORT", "80"))
    return Peer("agora-api", "3333")


def database(environment: Mapping[str, str]) -> Peer:
    """The database that a container with these variables connects to."""
    for name, value in environment.items():
        if name.endswith("_HOST") and _is_database(name):
            return Peer(value, environment.get(name.removesuffix("HOST") + "PORT", DATABASE_PORT))
    return Peer("database", DATABASE_PORT)


def _is_database(variable: str) -> bool:
    return "MONGODB" in variable or variable.startswith("DB_")


def _environment(container: Mapping[str, Any]) -> dict[str, str]:
    return {each["name"]: each["value"] for each in container.get("environment", [])}


def _platform(environment: Mapping[str, str]) -> Literal["node", "java", "caddy"]:
    if stub.forwards(environment):
        return "caddy"
    return "java" if any(name.startswith("SPRING_") for name in environment) else "node"


def _callee_unknown(platform: str, peer: Peer) -> list[str]:
    if platform == "caddy":
        return [_caddy_error(f"dial tcp: lookup {peer.host} on 169.254.169.253:53: no such host")]
    if platform == "java":
        return [f"java.net.UnknownHostException: {peer.host}: Name or service not known"]
    return [
        f"Error: getaddrinfo ENOTFOUND {peer.host}",
        "    at GetAddrInfoReqWrap.onlookupall [as oncomplete] (node:dns:122:26) {",
        "  errno: -3008,",
        "  code: 'ENOTFOUND',",
        "  syscall: 'getaddrinfo',",
        f"  hostname: '{peer.host}'",
        "}",
    ]


def _callee_refused(platform: str, peer: Peer) -> list[str]:
    if platform == "caddy":
        return [_caddy_error(f"dial tcp {ENDPOINT_ADDRESS}:{peer.port}: connect: connection refused")]
    if platform == "java":
        return [f"java.net.ConnectException: Connection refused: {peer.host}/{ENDPOINT_ADDRESS}:{peer.port}"]
    return [
        f"Error: connect ECONNREFUSED {ENDPOINT_ADDRESS}:{peer.port}",
        "    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1637:16)",
        f"request to http://{peer.host}:{peer.port} failed",
    ]


def _caddy_error(message: str) -> str:
    return f'{{"level":"error","logger":"http.log.error","msg":"{message}","status":502}}'


def _database_unreachable(platform: str, peer: Peer) -> list[str]:
    where = f"{peer.host}:{peer.port}"
    if platform == "java":
        return [
            "com.mongodb.MongoTimeoutException: Timed out after 30000 ms while waiting to connect. Client view of "
            f"cluster state is {{type=UNKNOWN, servers=[{{address={where}, type=UNKNOWN, state=CONNECTING, "
            "exception={com.mongodb.MongoSocketOpenException: Exception opening socket}, caused by "
            "{java.net.SocketTimeoutException: Connect timed out}}]",
        ]
    return [
        f"MongoServerSelectionError: connect ETIMEDOUT {where}",
        "    at Topology.selectServer (/app/node_modules/mongodb/lib/sdam/topology.js:326:38)",
        f"MongoNetworkTimeoutError: connection timed out to {where}",
    ]


def _database_refuses(platform: str) -> list[str]:
    if platform == "java":
        return [
            "com.mongodb.MongoSecurityException: Exception authenticating MongoCredential{mechanism=SCRAM-SHA-1}",
            "Caused by: com.mongodb.MongoCommandException: Command failed with error 18 (AuthenticationFailed): "
            "'Authentication failed.'",
        ]
    return [
        "MongoServerError: Authentication failed.",
        "    at Connection.sendCommand (/app/node_modules/mongodb/lib/cmap/connection.js:305:27) {",
        "  ok: 0,",
        "  code: 18,",
        "  codeName: 'AuthenticationFailed'",
        "}",
    ]


def _role_denied(launch: Launch, platform: str) -> list[str]:
    role = str(launch.task_definition.get("taskRoleArn", "")).rsplit("/", 1)[-1] or "no-task-role"
    sentence = (
        f"User: arn:aws:sts::{launch.account}:assumed-role/{role}/{launch.task_id} is not authorized to perform: "
        f's3:GetObject on resource: "arn:aws:s3:::agora-data-{launch.account}/manifest.json" because no '
        "identity-based policy allows the s3:GetObject action"
    )
    if platform == "java":
        return [f"software.amazon.awssdk.services.s3.model.S3Exception: {sentence} (Service: S3, Status Code: 403)"]
    return [
        f"AccessDenied: {sentence}",
        "    at throwDefaultError (/app/node_modules/@smithy/smithy-client/dist-cjs/index.js:388:20)",
    ]
