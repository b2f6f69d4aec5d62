"""Folding between words, with commands in one piece."""

from __future__ import annotations

import pytest

from portside.terminal.folding import fold


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("Run: ./agora unlock dev", ["Run: ./agora unlock dev"]),
        (
            "If it has ended without a result: ./agora unlock dev",
            ["If it has ended without a", "result:", "./agora unlock dev"],
        ),
        ("  SKIP quota: read by nobody at all today", ["  SKIP quota: read by", "  nobody at all today"]),
        ("cdk deploy failed: agora-dev-app failed", ["cdk deploy failed:", "agora-dev-app failed"]),
        (
            "./agora local faults --clear  # then: ./agora deploy dev; without it: aws ecs list-clusters",
            ["./agora local faults --clear  # then: ./agora deploy dev", "without it:", "aws ecs list-clusters"],
        ),
        (f"role {'a' * 40} may not read it", ["role", "a" * 40, "may not read it"]),
        ("first\n\nsecond", ["first", "", "second"]),
    ],
)
def test_lines_fold_between_words_and_commands_stay_whole(text: str, lines: list[str]) -> None:
    assert fold(text, 26) == lines
