"""Agora's additions to the machinery."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING

from agora_own.apex import APEX
from agora_own.load_data_command import load_data
from agora_own.loader_image import loaders_of
from portside.extension import AcceptedRisk, Extension

if TYPE_CHECKING:
    from portside.deploy.rights import Right

# agora-api has no option for TLS, and only what carries the callers' group reaches the database, from the private
# network. Once it has one, switch `tls` on in portside/stacks/docdb_stack.py and delete this.
DATABASE_WITHOUT_TLS = AcceptedRisk(
    reason="off, because agora-api can't use it",
    until=date(2027, 6, 30),
    hint="Ask whether agora-api can use TLS by now: docs/database.md, TLS.",
)


def _rights() -> Sequence[Right]:
    # Imported on use: it loads far more modules than the rest of this file.
    from agora_own.rights import RIGHTS

    return RIGHTS


AGORA = Extension(
    app="agora",
    commands=(load_data,),
    released_images=loaders_of,
    rights=_rights,
    database_without_tls=DATABASE_WITHOUT_TLS,
    proxies=(APEX,),
)
