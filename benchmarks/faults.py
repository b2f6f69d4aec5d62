"""Whether `./agora diagnose` tells faults apart: each is injected into an embedded AWS, and its verdict is scored.

    .venv/bin/python -m benchmarks.faults [NAME …] [--write]

One environment is deployed from a copy of this repository, with its own embedded AWS. Each fault is injected, the
service is deployed (by `./agora deploy`, by the CDK, or again as it is), `./agora diagnose dev --local --json` is
asked, its fix is followed, and the service is deployed again. Printed commands of AWS are run as they are printed.
Scored are: the first verdict's cause and service, which `deploy` must have reported too, whether nothing is wrong
after the fix, the seconds that `diagnose` took, and those that `deploy` took to its verdict since the deployment of
the service had failed. `--write` puts the table into docs/diagnose.md.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.fault_bench import Bench
from benchmarks.fault_cases import Case, cases
from portside.config.configuration import ROOT
from portside.emulator.client import control, process
from portside.findings.codes import code_named, outer
from tests.e2e.aws import DEV, clients
from tests.e2e.clone import Clone

PAGE = ROOT / "docs" / "diagnose.md"
BEGIN, END = "<!-- benchmark: begin -->", "<!-- benchmark: end -->"


@dataclass(frozen=True)
class Score:
    """How a fault was reported."""

    case: Case
    said: str
    right_cause: bool
    right_service: bool
    fix_works: bool
    seconds: float
    since_failure: float | None = None
    """From the failure of the deployment to the verdict of `deploy`, in seconds; None where it was not asked."""


def _inject(bench: Bench, case: Case) -> None:
    case.inject(bench)
    match case.by:
        case "deploy":
            bench.publish(case.service)
            faults = [each for each in control.faults(aws=bench.aws) if each["account"] == DEV]
            # Pre-flight checks would stop some of these before they begin.
            bench.deploy("--no-verify", *(f"--fault={_written(each)}" for each in faults))
        case "cdk":
            exports = bench.clone.exports("dev")
            words = ["cdk", "deploy", "agora-dev-apex", "--exclusively", "--require-approval", "never"]
            bench.clone.run(words, exports)
        case "roll":
            bench.roll(case.service)
        case "roll both":
            bench.roll("agora-api")
            bench.roll("agora-api-docs")


def _written(fault: dict[str, Any]) -> str:
    value = f":{fault['value']}" if fault["value"] else ""
    return f"{fault['container']}={fault['fault']}{value}"


def _follow(bench: Bench, case: Case, fix: str) -> bool:
    """Do what the fix says; whether it says what must be done, and nothing is wrong afterwards."""
    # A command with a placeholder marks it in capitals or with an ellipsis.
    if "NUMBER" not in fix and "detect-stack-drift" not in fix and "<(" not in fix:
        bench.run_printed(fix)
    case.fix(bench)
    if case.by in ("deploy", "cdk", "form", "free", "hand"):
        well = bench.deploy()
    elif case.by == "nothing":
        well = True
    else:
        well = all(bench.roll(name) for name in [case.service, *(name for name, _ in case.others)] if name)
    until = time.monotonic() + 20
    while well:
        answer, exit_code, _ = bench.diagnose()
        if exit_code == 0:
            return bool(re.search(case.says, fix))
        if time.monotonic() > until:
            print(f"    still wrong: {[each['sentence'] for each in answer['verdicts']]}", file=sys.stderr)
            return False
    print(f"    the fix did not work: {bench.kept.get('said', '')[-600:]}", file=sys.stderr)
    return False


def score(bench: Bench, case: Case) -> Score:
    """Bring a fault about, ask, and follow the fix."""
    _inject(bench, case)
    by_deploy = case.by == "deploy"
    of_deploy = bench.kept["verdicts"][:1] if by_deploy else []
    reported_by_deploy = [(each["service"], outer(each["cause"])) for each in of_deploy]
    since_failure = bench.seconds_since_failure(case.service) if by_deploy else None
    answer, exit_code, seconds = bench.diagnose()
    verdicts = answer["verdicts"]
    first = verdicts[0] if verdicts else {"cause": "none", "service": "", "sentence": answer.get("said", ""), "fix": ""}
    reported = {(each["service"], outer(each["cause"])) for each in verdicts}
    others = all((service, cause) in reported for service, cause in case.others)
    is_wrong = case.cause not in ("HEALED", "NOTHING")
    return Score(
        case,
        first["sentence"],
        outer(first["cause"]) == case.cause
        and others
        and (exit_code == 1) == is_wrong
        and (not by_deploy or reported_by_deploy == [(case.service, case.cause)]),
        first["service"] == case.service,
        _follow(bench, case, first["fix"]),
        seconds,
        since_failure,
    )


HEADER = ("fault", "service", "reported cause", "cause", "service", "fix", "diagnose", "deploy")


def row(scored: Score) -> tuple[str, ...]:
    """A score in a line."""
    return (
        scored.case.name,
        scored.case.service.removeprefix("agora-") or "-",
        code_named(scored.case.cause).title,
        *("right" if right else "WRONG" for right in (scored.right_cause, scored.right_service)),
        "yes" if scored.fix_works else "NO",
        f"{scored.seconds:.1f}",
        "-" if scored.since_failure is None else f"{scored.since_failure:.1f}",
    )


def table(rows: Sequence[tuple[str, ...]]) -> str:
    """The rows, for a page."""
    widths = [max(len(each[column]) for each in [HEADER, *rows]) for column in range(len(HEADER))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(each, widths, strict=True)) + " |"
        for each in [HEADER, *rows]
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def summary(rows: Sequence[tuple[str, ...]]) -> str:
    """The rows in a sentence."""
    causes, services, fixes = (sum(each[column] in ("right", "yes") for each in rows) for column in (3, 4, 5))
    slowest = max(float(each[6]) for each in rows)
    summary = f"{len(rows)} cases: right cause {causes}, right service {services}, fix works {fixes}.\n"
    summary += f"The slowest verdict of `diagnose` took {slowest:.1f} s"
    since = [float(each[7]) for each in rows if each[7] != "-"]
    return summary + (f", that of `deploy`\n{max(since):.1f} s since the failure." if since else ".")


def write(rows: Sequence[tuple[str, ...]]) -> None:
    """Put rows into the page's table, in place of those of the same faults."""
    page = PAGE.read_text(encoding="utf-8")
    before, rest = page.split(BEGIN)
    inside, after = rest.split(END)
    lines = [line for line in inside.splitlines() if line.startswith("| ")][1:]
    known = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in lines]
    known = [each + ("-",) * (len(HEADER) - len(each)) for each in known]
    merged = {each[:2]: each for each in [*known, *rows]}
    order = [(case.name, case.service.removeprefix("agora-") or "-") for case in cases()]
    kept = [merged[key] for key in order if key in merged]
    PAGE.write_text(f"{before}{BEGIN}\n{summary(kept)}\n\n{table(kept)}\n{END}{after}", encoding="utf-8")


def main() -> None:
    """Score the named faults, or all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--write", action="store_true", help="put each row, when it is measured, into docs/diagnose.md")
    options = parser.parse_args()
    chosen = [case for case in cases() if not options.names or case.name in options.names]
    # A deployment by the CDK takes longest.
    chosen.sort(key=lambda case: case.by in ("deploy", "cdk", "form", "free"))
    with tempfile.TemporaryDirectory(prefix="faults ") as folder:
        clone = Clone.at(Path(folder) / "agora")
        try:
            first = clone.agora("deploy", "dev", "--local")
            assert first.exit_code == 0, first.stderr
            aws = process.expect_running(clone.folder / ".agora" / "local")
            bench = Bench(clone, aws, clients(clone.exports("dev")))
            scores = []
            for case in chosen:
                scores.append(score(bench, case))
                last = scores[-1]
                marks = "".join("+" if each else "-" for each in (last.right_cause, last.right_service, last.fix_works))
                if options.write:
                    write([row(last)])
                print(f"{marks} {case.name} ({case.service}): {last.said} [{last.seconds:.1f} s]", file=sys.stderr)
                bench.clear()
                control.clear_api_faults(aws=bench.aws)
                clone.restore_configuration()
        finally:
            clone.agora("local", "down")
    print(table([row(each) for each in scores]))
    print(summary([row(each) for each in scores]))


if __name__ == "__main__":
    main()
