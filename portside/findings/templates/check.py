"""All rules over an assembly."""

from __future__ import annotations

from importlib import import_module

from portside.findings.finding import Finding
from portside.findings.templates.assembly import Assembly
from portside.findings.templates.rule import declared_rules, rows

# Importing a module declares its rules.
for _name in (
    *("references", "limits", "task_definition", "service", "attribute_names", "load_balancer", "policies", "roles"),
    *("reach", "routes", "network", "web_acl", "alarm", "scaling", "database"),
):
    import_module(f"{__package__}.{_name}")


def check(assembly: Assembly) -> list[Finding]:
    """The certain findings about the templates of an assembly, in the order of the table of rules."""
    order = {row.code: place for place, row in enumerate(rows().values())}
    found = [finding for rule in declared_rules() for finding in rule(assembly)]
    return sorted(dict.fromkeys(found), key=lambda finding: order[finding.code])
