"""The page on verifying, compared with the checks."""

from __future__ import annotations

import re

from portside.aws.stack_status import STACK_STATUSES, Outlook
from portside.config.deferred_values import DatabaseSecret
from portside.config.service_props import DATABASE, Call, ServiceSecret
from portside.preflight.run import questions
from tests.unit import documents
from tests.unit.configuration_support import check_configuration, environments, service
from tests.unit.verification_support import context

PAGE = "docs/verify.md"
_NOT_UPDATED = (Outlook.ANNOUNCED, Outlook.TO_RECREATE, Outlook.STUCK)


def test_every_check_is_documented_and_no_other() -> None:
    props = service(
        public=True,
        spot_weight=1,
        container_secrets=[ServiceSecret("NAME", "A", "field"), ServiceSecret(DatabaseSecret("password"), "B")],
        calls=[Call(DATABASE, 27017)],
    )
    about = context(configuration=check_configuration(environments(dev={}), lambda _: [props]), drift=True)
    asked = {
        re.sub(r"^drift of .*", "drift of STACK", each.subject)
        .replace("read by app", "read by SERVICE")
        .replace("images", "image of SERVICE")
        for each in questions(about)
    }
    # Reported next to these, or by apps with more services.
    others = {
        "lifecycle policy: NAME",
        "quota: rules of a security group",
        "secret NAME: key",
        "state: STACK LOGICAL_ID",
        "interruption: STACK LOGICAL_ID",
        "template: STACK",
    }
    assert set(documents.tables(PAGE, "What is checked")) == asked | others


def test_every_state_of_a_stuck_stack_is_documented() -> None:
    text = (documents.ROOT / PAGE).read_text(encoding="utf-8").partition("## Stuck stacks")[2].partition("\n## ")[0]
    unusual = {name for name, status in STACK_STATUSES.items() if status.way_out or status.outlook in _NOT_UPDATED}
    assert unusual <= set(re.findall(r"`([A-Z_]+)`", text))
