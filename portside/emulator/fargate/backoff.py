"""How long ECS waits before it starts the next task of a deployment whose tasks fail."""

from __future__ import annotations

from collections import Counter

FIRST_SECONDS = 0.1
LONGEST_SECONDS = 10.0


class Backoff:
    """The failed tasks of each deployment, counted since its last steady one."""

    def __init__(self) -> None:
        self._failures: Counter[str] = Counter()

    def failed(self, deployment_id: str) -> int:
        """A task of the deployment has failed; how many have by now."""
        self._failures[deployment_id] += 1
        return self._failures[deployment_id]

    def steady(self, deployment_id: str) -> None:
        """A task of the deployment is steady: its failures count no more."""
        self._failures.pop(deployment_id, None)

    def seconds(self, deployment_id: str) -> float:
        """The pause before the next start, at time scale 1; it doubles with each failure."""
        failures = self._failures[deployment_id]
        return min(FIRST_SECONDS * 2 ** (failures - 1), LONGEST_SECONDS) if failures else 0.0

    def clear(self) -> None:
        """Forgets all deployments."""
        self._failures.clear()
