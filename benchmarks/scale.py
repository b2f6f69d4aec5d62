"""How synthesis grows with the number of services: CPU of Python and of jsii's node process, and the time that passes.

    .venv/bin/python -m benchmarks.scale [--shapes NAME …] [--counts N …] [--rounds N]
    .venv/bin/python -m benchmarks.scale --write SHAPE COUNT > app.py

Each round synthesizes every shape and count once, one after the other, so that a slow moment of the machine falls on
all of them; the medians are printed, and a round's ratio to the smallest count is taken within that round. `--write`
prints such a configuration, to rehearse its deployment in a clone. The CDK's validation is part of it, and the Node is
that of .venv, as in a deployment.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COUNTS = (8, 16, 32, 64, 128)
CALLEES_OF_A_FAN = 20

SHAPES = {
    "independent": "[]",
    "chain": "[number - 1] if number else []",
    "fan": f"list(range({CALLEES_OF_A_FAN})) if number >= {CALLEES_OF_A_FAN} else []",
    "mesh": "list(range(max(0, number - 3), number))",
}
"""The numbers of the services that the service of a number calls."""

APP = '''"""{count} services, {shape}."""

if __name__ == "__main__":
    from src.synthesize import main

    main()

from src.environment import Environment
from src.service_props import Call, HealthCheck, ServiceProps

APP = "scale"

ENVIRONMENTS = {{
    "dev": {{
        "ACCOUNT": "123456789012",
        "VPC_CIDR": "10.20.0.0/16",
        "FQDN": "scale.example.org",
        "CERTIFICATE_ID": "e8093404-7db1-4042-90d0-01eb5bde1ffc",
        "TAGS": {{"CostCenter": "none"}},
        "GHCR_PACKAGE_VERSION": "edge",
        "AUTO_SCALE_CAPACITY": {{"min": 1, "max": 2}},
    }}
}}


def calls(number: int) -> list[int]:
    return {calls}


def services(environment: Environment) -> list[ServiceProps]:
    return [
        ServiceProps(
            container_name=f"scale-s{{number:03}}",
            container_port=8080,
            container_memory_reservation=512,
            container_location=f"ghcr.io/example/scale-s{{number:03}}:{{environment.ghcr_package_version}}",
            container_env_vars={{"PORT": "8080"}},
            container_healthcheck=HealthCheck(["CMD-SHELL", "curl -fsS http://localhost:8080/ || exit 1"]),
            calls=[Call(f"scale-s{{callee:03}}", 8080) for callee in calls(number)],
            public=number == {count} - 1,
        )
        for number in range({count})
    ]
'''


@dataclass(frozen=True)
class Taken:
    """The seconds of one synthesis, in a separate process."""

    python_cpu: float
    node_cpu: float
    wall: float

    @property
    def cpu(self) -> float:
        return self.python_cpu + self.node_cpu


def app_source(shape: str, count: int) -> str:
    """The text of an `app.py` with this many services."""
    return APP.format(shape=shape, count=count, calls=SHAPES[shape])


def synthesize(shape: str, count: int) -> Taken:
    """Synthesize in this process, which must be a new one."""
    from portside.config.configuration import load_configuration
    from portside.stacks.synthesize import build_app

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "app.py")
        path.write_text(app_source(shape, count), encoding="utf-8")
        build_app(load_configuration(path), "dev", outdir=f"{folder}/cdk.out").synth()
    own = time.process_time()
    return Taken(own, sum(map(_cpu_seconds, _descendants(os.getpid()))), 0)


def _descendants(process: int) -> list[int]:
    # jsii's runtime is a node process that starts another one, which does the work.
    children = [int(each) for each in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    return [*children, *(each for child in children for each in _descendants(child))]


def _cpu_seconds(process: int) -> float:
    # Linux's `proc_pid_stat` manual page: fields 14 and 15 are the times in user and system mode.
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(shape: str, count: int) -> Taken:
    """Synthesize in a new process."""
    began = time.monotonic()
    command = [sys.executable, "-m", "benchmarks.scale", "--one", shape, str(count)]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, "PATH": path}, capture_output=True, text=True)
    wall = time.monotonic() - began
    if done.returncode:
        sys.stderr.write(done.stderr)
        done.check_returncode()
    return Taken(**json.loads(done.stdout) | {"wall": wall})


def curve(shapes: Sequence[str], counts: Sequence[int], rounds: int) -> dict[str, dict[int, list[Taken]]]:
    """Every shape and count in every round."""
    found: dict[str, dict[int, list[Taken]]] = {shape: {count: [] for count in counts} for shape in shapes}
    for _ in range(rounds):
        for shape in shapes:
            for count in counts:
                found[shape][count].append(measure(shape, count))
    return found


def table(found: dict[str, dict[int, list[Taken]]]) -> str:
    """The medians, and for each count the ratio to the smallest one and the CPU of each further service."""
    lines = ["shape        services  Python    node     CPU    wall   ratio  ms CPU a further service"]
    for shape, counts in found.items():
        least = min(counts)
        for count, taken in counts.items():
            python, node, cpu, wall = (
                statistics.median(values)
                for values in zip(
                    *((each.python_cpu, each.node_cpu, each.cpu, each.wall) for each in taken), strict=True
                )
            )
            pairs = list(zip(taken, counts[least], strict=True))
            ratio = statistics.median(each.cpu / first.cpu for each, first in pairs)
            more = count - least
            a_service = statistics.median((each.cpu - first.cpu) * 1000 / more for each, first in pairs) if more else 0
            lines.append(
                f"{shape:<12} {count:>8} {python:7.2f} {node:7.2f} {cpu:7.2f} {wall:7.2f} {ratio:7.2f} {a_service:8.0f}"
            )
    return "\n".join(lines)


def main() -> None:
    """Print the curve."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=list(SHAPES))
    parser.add_argument("--counts", nargs="+", type=int, default=COUNTS)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--write", nargs=2, metavar=("SHAPE", "COUNT"))
    parser.add_argument("--one", nargs=2, metavar=("SHAPE", "COUNT"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.write:
        print(app_source(arguments.write[0], int(arguments.write[1])), end="")
    elif arguments.one:
        print(json.dumps(asdict(synthesize(arguments.one[0], int(arguments.one[1])))))
    else:
        print(table(curve(arguments.shapes, arguments.counts, arguments.rounds)))


if __name__ == "__main__":
    main()
