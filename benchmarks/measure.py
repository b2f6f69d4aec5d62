"""The time that users wait: medians of paired runs, on a separate embedded AWS.

    ./agora --help >/dev/null && .venv/bin/python benchmarks/measure.py [NAME …] [--rounds N] [--load CLONE]

Each round runs every variant once, one after the other, so that a slow moment of the machine falls on all of them.
`--load` names another clone, such as one of the state before, whose answers are measured in the same rounds.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENTS = ("dev", "stage", "prod")

IN_ONE_PROCESS = """
import sys
from portside.config.configuration import load_configuration
from portside.images.synthesis_images import images_for_synthesis
from portside.stacks.synthesize import build_app
configuration = load_configuration()
for name in ("dev", "stage", "prod"):
    images = images_for_synthesis(configuration.environment(name), configuration.services_of(name))
    build_app(configuration, name, images=images, outdir=f"{sys.argv[1]}/{name}").synth()
"""

KEEP_IMAGES_OF_DEV = """
import sys
from pathlib import Path
from portside.emulator.registry.catalogue import Catalogue
from portside.config.configuration import load_configuration
from portside.images.synthesis_images import keep, kept_file, references_of
from portside.images.resolution import Resolution
from portside.images.resolved_image import ResolvedImage
configuration = load_configuration()
catalogue = Catalogue(Path(sys.argv[1]) / "images.json")
images = {}
for reference in references_of(configuration.services_of("dev")):
    put = catalogue.put(reference, "stub")
    recipe = put.recipe
    images[reference] = ResolvedImage(put.name, put.tags[0], put.digest, recipe.commit, recipe.platform, recipe.created)
version = configuration.environment("dev").ghcr_package_version
keep(Resolution(version, images), kept_file("dev", Path(sys.argv[1])))
"""


def run(command: Sequence[str | Path], **environment: str) -> float:
    """Run a command and return the seconds it took. Raises `CalledProcessError` with its output when it fails."""
    return run_in(ROOT, command, environment)


def run_in(root: Path, command: Sequence[str | Path], environment: Mapping[str, str]) -> float:
    """The same in another clone."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "CDK_", "ENV"))}
    path = f"{root / '.venv' / 'bin'}{os.pathsep}{clean['PATH']}"
    began = time.monotonic()
    done = subprocess.run(command, cwd=root, env=clean | {"PATH": path, **environment}, capture_output=True, text=True)
    seconds = time.monotonic() - began
    if done.returncode:
        sys.stderr.write(done.stdout + done.stderr)
        done.check_returncode()
    return seconds


def rounds(variants: Mapping[str, Callable[[], float]], count: int) -> dict[str, float]:
    """The median of each variant over a number of rounds."""
    found: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(count):
        for name, measure in variants.items():
            found[name].append(measure())
    return {name: statistics.median(values) for name, values in found.items()}


@contextmanager
def rehearsal(root: Path = ROOT) -> Iterator[dict[str, str]]:
    """A separate embedded AWS, in a folder that is deleted afterwards."""
    folder = tempfile.mkdtemp()
    environment = {"AGORA_STATE_DIR": folder}
    try:
        yield environment
    finally:
        run_in(root, ["./agora", "local", "down"], environment)
        shutil.rmtree(folder)


def launcher(count: int) -> dict[str, float]:
    """The start-up time of every command."""
    return rounds({"agora --help": lambda: run(["./agora", "--help"])}, count)


def deployment(count: int) -> dict[str, float]:
    """A first deployment of dev on a running embedded AWS, an empty one, and the memory it takes."""
    firsts, no_ops, megabytes = [], [], []
    for _ in range(count):
        with rehearsal() as environment:
            run(["./agora", "local", "up"], **environment)
            firsts.append(run(["./agora", "deploy", "dev", "--local"], **environment))
            no_ops.append(run(["./agora", "deploy", "dev", "--local"], **environment))
            megabytes.append(_resident_megabytes(environment))
    return {
        "deploy dev --local, first": statistics.median(firsts),
        "deploy dev --local, no change": statistics.median(no_ops),
        "embedded AWS, MB resident": statistics.median(megabytes),
    }


def questions(count: int) -> dict[str, float]:
    """Commands that read a deployed dev, and a deployment that changes nothing: with new templates, or kept ones."""
    with rehearsal() as environment:
        run(["./agora", "deploy", "dev", "--local"], **environment)

        def ask(verb: str) -> float:
            return run(["./agora", verb, "dev", "--local"], **environment)

        def ask_again(verb: str) -> float:
            shutil.rmtree(Path(environment["AGORA_STATE_DIR"]) / "templates")
            return ask(verb)

        found = rounds(
            {
                "status dev --local": lambda: ask("status"),
                "verify dev --local, made": lambda: ask_again("verify"),
                "verify dev --local, kept": lambda: ask("verify"),
                "deploy dev --local, no change, made": lambda: ask_again("deploy"),
                "deploy dev --local, no change, kept": lambda: ask("deploy"),
            },
            count,
        )
    ratios = {
        f"ratio of {verb}": found[f"{verb} dev --local{more}, kept"] / found[f"{verb} dev --local{more}, made"]
        for verb, more in (("verify", ""), ("deploy", ", no change"))
    }
    return found | ratios


def reads(count: int, load: Path | None = None) -> dict[str, float]:
    """Commands that read a deployed, healthy dev, and an empty deployment; and the number of AWS calls."""
    clones = {"": ROOT} | ({f", {load}": load} if load else {})
    verbs = {"status dev": ["status"], "diagnose dev": ["diagnose"], "deploy dev, no change": ["deploy"]}
    variants: dict[str, Callable[[], float]] = {}
    calls: dict[str, float] = {}
    with ExitStack() as running:
        for suffix, root in clones.items():
            environment = running.enter_context(rehearsal(root))
            run_in(root, ["./agora", "deploy", "dev", "--local"], environment)
            for label, verb in verbs.items():
                command = ["./agora", *verb, "dev", "--local"]
                variants[label + suffix] = partial(run_in, root, command, environment)
                if not suffix:
                    calls[f"{label}, calls"] = _calls([command[0], "--debug", *command[1:]], environment)
        return rounds(variants, count) | calls


def _calls(command: Sequence[str], environment: Mapping[str, str]) -> float:
    """How often a command called AWS, as it says with --debug."""
    asked = subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, text=True)
    return float(re.findall(r"^(\d+) AWS API calls", asked.stderr, re.M)[-1])


def _resident_megabytes(environment: Mapping[str, str]) -> float:
    status = ["./agora", "local", "status", "--json"]
    answer = subprocess.run(status, cwd=ROOT, env={**os.environ, **environment}, capture_output=True, check=True)
    pid = json.loads(answer.stdout)["pid"]
    return float(subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, check=True).stdout) / 1024


def synthesis(count: int) -> dict[str, float]:
    """Three environments in one process without validation, against three runs of the CDK's command line."""

    with tempfile.TemporaryDirectory() as kept:
        run([sys.executable, "-c", KEEP_IMAGES_OF_DEV, kept])

        def in_one_process() -> float:
            with tempfile.TemporaryDirectory() as folder:
                command = [sys.executable, "-c", IN_ONE_PROCESS, folder]
                return run(command, CDK_VALIDATION="false", AGORA_IMAGES_DIR=kept)

        def by_the_cli() -> float:
            with tempfile.TemporaryDirectory() as folder:
                commands = {name: ["cdk", "synth", "-q", "-o", f"{folder}/{name}"] for name in ENVIRONMENTS}
                return sum(run(each, ENV=name, AGORA_IMAGES_DIR=kept) for name, each in commands.items())

        in_one_process(), by_the_cli()
        found = rounds({"three environments, one process": in_one_process, "three cdk synth -q": by_the_cli}, count)
    return found | {"ratio": found["three environments, one process"] / found["three cdk synth -q"]}


def tests(count: int) -> dict[str, float]:
    """The quick tests."""
    return rounds({"agora test --quick": lambda: run(["./agora", "test", "--quick", "-q"])}, count)


BENCHMARKS = {each.__name__: each for each in (launcher, synthesis, deployment, questions, reads, tests)}


def main() -> None:
    """Run the benchmarks that are named, or all of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[*BENCHMARKS, []], metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--load", type=lambda given: Path(given).resolve(), metavar="CLONE")
    arguments = parser.parse_args()
    for name in arguments.names or BENCHMARKS:
        print(f"{name}: {BENCHMARKS[name].__doc__}")
        measured = reads(arguments.rounds, arguments.load) if name == "reads" else BENCHMARKS[name](arguments.rounds)
        for label, value in measured.items():
            print(f"  {label:<36} {value:8.3f}", flush=True)


if __name__ == "__main__":
    main()
