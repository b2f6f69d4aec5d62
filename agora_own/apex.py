"""The routes of agora-apex, which its stub in a rehearsal follows: those of its Caddyfile."""

from __future__ import annotations

from typing import Any, Final

APEX: Final[dict[str, Any]] = {
    "variables": ["API_HOST", "APP_HOST"],
    "routes": [
        {"path": "/api-docs(/.*)?", "upstream": "API_DOCS"},
        {
            "path": "/api/v1/(data-version|comparison-tools/.*|drugs/.*)",
            "upstream": "API_NEXT",
            "removed": "/api",
        },
        {"path": "/api/.*", "upstream": "API", "removed": "/api"},
        {"path": ".*", "upstream": "APP"},
    ],
}
