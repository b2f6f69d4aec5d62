"""ECS's backoff between the task starts of a deployment whose tasks fail."""

from __future__ import annotations

from collections import Counter

FIRST_SECONDS = 0.1
LONGEST_SECONDS = 10.0


class Backoff:
    """The number of failed tasks of each deployment since its last stable task."""

    def __init__(self) -> None:
        self._failures: Counter[str] = Counter()

    def failed(self, deployment_id: str) -> int:
        """Count a failed task; returns the number of failed tasks."""
        self._failures[deployment_id] += 1
        return self._failures[deployment_id]

    def stable(self, deployment_id: str) -> None:
        """Reset the count, because a task of the deployment is stable."""
        self._failures.pop(deployment_id, None)

    def seconds(self, deployment_id: str) -> float:
        """The pause before the next start, in seconds at time scale 1; it doubles with each failure."""
        failures = self._failures[deployment_id]
        return min(FIRST_SECONDS * 2 ** (failures - 1), LONGEST_SECONDS) if failures else 0.0

    def clear(self) -> None:
        """Reset all counts."""
        self._failures.clear()
