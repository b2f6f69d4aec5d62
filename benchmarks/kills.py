"""Ends the embedded AWS and the tool at random moments, and counts how often the next deployment recovers.

    python benchmarks/kills.py --rounds 30 --seed 1

Each round has its own state folder, in which dev was deployed once; every third begins with an empty one. One of
server, tool (with the CDK) or both gets SIGKILL while dev is being deployed; then `./agora deploy dev --local` must end
healthy without help, and before it `status` must find the last deployment or the start must say what was lost.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ("deploy", "dev", "--local", "--yes")
VICTIMS = ("server", "tool", "both")
LONGEST_SECONDS = 400


@dataclass(frozen=True)
class Round:
    """The process killed, how long after the deployment began, and the result of the next deployment."""

    victim: str
    after_seconds: float
    was_empty: bool
    recovered: bool
    said: str


def agora(state: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the tool until it finishes."""
    return subprocess.run(
        [sys.executable, "-m", "agora_own", *arguments],
        cwd=ROOT,
        env=os.environ | {"AGORA_STATE_DIR": str(state)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LONGEST_SECONDS,
        check=False,
    )


def kill_and_recover(state: Path, victim: str, after_seconds: float) -> Round:
    """One round in a state folder."""
    was_empty = not (state / "local").exists()
    deploying = subprocess.Popen(
        [sys.executable, "-m", "agora_own", *DEPLOY],
        cwd=ROOT,
        env=os.environ | {"AGORA_STATE_DIR": str(state)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    time.sleep(after_seconds)
    if victim in ("server", "both"):
        with contextlib.suppress(OSError, ValueError):
            os.kill(int((state / "local" / "server.lock").read_text()), signal.SIGKILL)
    if victim in ("tool", "both"):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(deploying.pid, signal.SIGKILL)
    deploying.wait(LONGEST_SECONDS)
    again = agora(state, *DEPLOY)
    return Round(victim, after_seconds, was_empty, again.returncode == 0, again.stderr)


@contextlib.contextmanager
def state_folder() -> Iterator[Path]:
    """An empty one, whose server ends with the block."""
    folder = Path(tempfile.mkdtemp(prefix="kills-"))
    try:
        yield folder
    finally:
        agora(folder, "local", "down")
        shutil.rmtree(folder, ignore_errors=True)


def rounds(count: int, seed: int, longest_seconds: float) -> Iterator[Round]:
    """As many as asked for, the same ones for the same seed."""
    chance = random.Random(seed)  # nosec B311 # moments, no secrets
    done = 0
    while done < count:
        with state_folder() as state:
            for number in range(3):
                if done == count:
                    return
                if number:
                    agora(state, "local", "publish", "edge", "agora-app")
                yield kill_and_recover(state, chance.choice(VICTIMS), chance.uniform(0.5, longest_seconds))
                done += 1


def main() -> int:
    """Print a line for each round, and how many recovered."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--longest", type=float, default=14, help="the latest moment of a kill, in seconds")
    chosen = parser.parse_args()
    recovered = 0
    for number, each in enumerate(rounds(chosen.rounds, chosen.seed, chosen.longest), 1):
        recovered += each.recovered
        where = "an empty state" if each.was_empty else "a deployed state"
        print(f"{number} {each.victim} after {each.after_seconds:.1f} s in {where}: ", end="")
        print("recovered" if each.recovered else f"NOT recovered\n{each.said}", flush=True)
    print(f"{recovered} of {chosen.rounds} recovered")
    return 0 if recovered == chosen.rounds else 1


if __name__ == "__main__":
    sys.exit(main())
