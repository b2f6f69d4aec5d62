"""Prints a Markdown table of the stacks in a cdk.out folder: how many resources, and which there are most of."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path


def summary(cdk_out: Path) -> str:
    lines = ["| stack | resources | most of them |", "|---|---:|---|"]
    for path in sorted(cdk_out.glob("*.template.json")):
        resources = json.loads(path.read_text(encoding="utf-8")).get("Resources", {})
        types = Counter(str(resource["Type"]).removeprefix("AWS::") for resource in resources.values())
        most = ", ".join(f"{count} {name}" for name, count in types.most_common(3))
        lines.append(f"| {path.name.removesuffix('.template.json')} | {len(resources)} | {most} |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(summary(Path(sys.argv[1])))
