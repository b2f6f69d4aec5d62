"""The pages of docs/cookbook/, and the configurations on them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "cookbook"

# The first lines, which no page shows.
_START = """\
if __name__ == "__main__":
    from portside.app import main

    main()

APP = "cookbook"
ENVIRONMENTS = {"dev": {"ACCOUNT": "111122223333", "VPC_CIDR": "10.20.50.0/24"}}

"""
# The configurations of several pages, which are in folders, as one.
_TOGETHER = '''\
if __name__ == "__main__":
    from portside.app import main

    main()

import runpy
from pathlib import Path

PAGES = [runpy.run_path(str(each)) for each in sorted(Path(__file__).parent.glob("pages/*/app.py"))]
STACKS = [runpy.run_path(str(each)) for each in sorted(Path(__file__).parent.glob("pages/*/stacks.py"))]
APP = "cookbook"
ENVIRONMENTS = {"dev": {key: value for page in PAGES for key, value in page["ENVIRONMENTS"]["dev"].items()}}


def services(environment):
    """All services; the first public one without routes receives what is left, and each other one a folder."""
    from dataclasses import replace

    from portside.app import Route

    found = [each for page in PAGES for each in page["services"](environment)]
    rest = [each.container_name for each in found if each.public and not each.routes][1:]
    routes = {name: [Route(100 + number, paths=[f"/{name}/*"])] for number, name in enumerate(rest)}
    return [replace(each, routes=routes.get(each.container_name, each.routes)) for each in found]


def stacks(app, environment, platform):
    for each in STACKS:
        function = each["stacks"]
        function(*(app, environment, platform)[: function.__code__.co_argcount])
'''


@dataclass(frozen=True)
class Page:
    """A page: the title of its row in the index, its configuration, and whether it is deployed."""

    name: str
    configuration: str
    stacks: str
    is_deployed: bool

    def write(self, folder: Path) -> Path:
        """Write its `app.py`, and its `stacks.py` if it has one."""
        folder.mkdir(parents=True)
        app = folder / "app.py"
        app.write_text(_START + self.configuration)
        if self.stacks:
            (folder / "stacks.py").write_text(self.stacks)
        return app


def _page(row: re.Match[str]) -> Page:
    text = (FOLDER / f"{row['name']}.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return Page(row["name"], blocks[0], "".join(blocks[1:]), row["tested"] == "deployed")


def pages() -> list[Page]:
    """The pages that the index lists."""
    index = (FOLDER / "README.md").read_text(encoding="utf-8")
    rows = re.finditer(
        r"^\| \[(?P<name>[\w-]+)\]\((?P=name)\.md\) .*\| (?P<tested>deployed|templates) +\|$", index, re.MULTILINE
    )
    return [_page(row) for row in rows]


def write_together(folder: Path) -> None:
    """Write the configuration of all pages that are deployed as one."""
    folder.mkdir(parents=True)
    (folder / "app.py").write_text(_TOGETHER)
    for each in pages():
        if each.is_deployed:
            each.write(folder / "pages" / each.name)
