"""The page of a deployment."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from portside.records.deployment_record import HEALTHY, INTERRUPTED, ROLLBACK
from portside.report.deployment_report import duration
from portside.report.report_page import page
from portside.report.time_chart import chart_of, tone_of
from portside.report.timeline import SERVICE, STACK, TASK, Moment
from tests.unit.deployment_report_support import REASON, VERDICT, failed_report
from tests.unit.operations_support import digest


class _Reader(HTMLParser):
    """The text of a page, and whether every element is closed in order."""

    def __init__(self, written: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.feed(written)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += attrs
        if tag not in {"meta", "line"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def test_it_is_whole_and_needs_nothing_else() -> None:
    written = page(failed_report())
    reader = _Reader(written)
    assert reader.open == []
    assert not re.search(r"<(?:script|link|img|iframe|object)\b|@import|url\(", written)
    assert {name for name, _ in reader.attributes}.isdisjoint({"src", "style", "onclick", "onload"})
    links = [str(value) for name, value in reader.attributes if name == "href"]
    assert links == ["#verdict-1", VERDICT["look"]]


def test_verdicts_are_on_top_with_the_place_to_look_and_the_fix() -> None:
    text = _Reader(page(failed_report())).text
    assert text.index("failed after 3 min 05 s") < text.index("agora-app: the image is not in the registry any more")
    assert text.index("the image is not in the registry") < text.index("Images")
    for reported in (VERDICT["look"], VERDICT["fix"], REASON):
        assert str(reported) in text


def test_what_was_deployed_is_named_by_version_commit_and_digest() -> None:
    text = _Reader(page(failed_report())).text
    assert f"agora-api edge ccccccc {digest('api')} 1 of 1 healthy" in text
    assert "1 stack needs no change." in text


def test_the_chart_has_a_bar_for_each_state_with_its_reason_and_an_axis() -> None:
    written = page(failed_report())
    assert re.search(
        rf'<rect class="bad"[^>]*><title>stopped, 31\.0 s to 31\.0 s: {re.escape(REASON)}</title>', written
    )
    for tone in ("waiting", "busy", "good", "bad"):
        assert f'<rect class="{tone}"' in written
    ticks = re.findall(r'class="tick"[^>]*>([^<]*)<', written)
    assert ticks == ["0 min", "1 min", "2 min", "3 min"]
    assert "agora-dev-network" not in written.partition('class="chart"')[2].partition("<section")[0]
    assert [each[0] for each in re.findall(r'<div class="lane (\w+)"><div class="label">([^<]*)', written)][1:3] == [
        "phases",
        "stack",
    ]


def test_the_chart_is_first_and_has_the_reasons_in_its_rows() -> None:
    written = page(failed_report())
    chart, _, rest = written.partition('<section class="verdict')
    assert f'<div class="reason">{REASON}</div>' in chart
    assert 'aria-label="task 55555555: pending, 11.0 s to 31.0 s; stopped' in chart
    assert "<h2>Images</h2>" in rest


def test_phases_follow_each_other() -> None:
    titles = [bar.title for bar in chart_of(failed_report()).rows[0].bars]
    assert titles == [
        "preparing, 0.0 s to 4.0 s",
        "deploying, 4.0 s to 120.0 s",
        "rolling back, 120.0 s to 180.0 s",
        "checking, 180.0 s to 185.0 s",
    ]


def test_bars_stay_within_the_chart() -> None:
    written = page(failed_report(moments=(*failed_report().moments, Moment(185, STACK, "late", "updating"))))
    bars = re.findall(r'<rect [^>]*x="([\d.]+)%"[^>]*width="([\d.]+)%"', written)
    assert bars
    assert all(float(x) + float(wide) <= 100.01 for x, wide in bars)


def test_the_evidence_can_be_opened_and_has_events_tasks_and_log_lines() -> None:
    written = page(failed_report())
    assert "<summary>services: agora-app</summary>" in written
    text = _Reader(written.partition("<h2>Evidence</h2>")[2].partition("</main>")[0]).text
    for reported in ("has started 1 tasks.", REASON, "listening on 4200"):
        assert reported in text


@pytest.mark.parametrize("where", ["who", "version", "place", "message"])
def test_what_others_wrote_is_shown_and_not_run(where: str) -> None:
    attack = '"><script>alert(1)</script>'
    written = page(failed_report(**{where: attack, "verdicts": ()}))
    assert "<script" not in written
    assert attack in _Reader(written).text


def test_what_several_verdicts_advise_is_reported_once() -> None:
    same = {**VERDICT, "service": "agora-api", "sentence": "its callers wait for agora-app"}
    other = {**VERDICT, "service": "agora-apex", "look": "its log", "fix": "./agora logs dev apex"}
    text = page(failed_report(verdicts=(VERDICT, same, other)))
    for advice in (VERDICT["look"], VERDICT["fix"], "its log", "./agora logs dev apex"):
        assert len(re.findall(rf"<dd[^>]*>(?:<a [^>]*>)?{re.escape(str(advice))}<", text)) == 1
    assert text.count('<section class="verdict" id=') == 3


def test_reasons_verdicts_and_log_lines_are_escaped_everywhere() -> None:
    attack = "'\"><svg onload=alert(1)>"
    report = failed_report(
        verdicts=({**VERDICT, "sentence": attack, "look": attack, "fix": attack, "evidence": [attack]},),
        moments=(Moment(1, STACK, attack, attack), Moment(2, TASK, attack, "stopped", attack, attack, over=True)),
        evidence={"evidence": {attack: [{"name": attack, "log": [attack]}]}},
        changes={attack: attack},
    )
    assert "<svg onload" not in page(report)


def test_a_healthy_deployment_shows_its_images_and_no_verdict() -> None:
    written = page(failed_report(result=HEALTHY, verdicts=(), evidence=None, message="", kind=ROLLBACK))
    text = _Reader(written).text
    assert "✓ Rolling back dev in AWS account 607346494281 succeeded" in text
    assert "Images" in text
    assert "agora-migrate before a rollout edge exit code 0, 12 s" in " ".join(text.split())
    assert "Evidence" not in text
    assert '<section class="verdict' not in written


def test_an_interrupted_deployment_is_reported_even_without_events() -> None:
    text = _Reader(page(failed_report(result=INTERRUPTED, verdicts=(), evidence=None, moments=(), seconds=0.0))).text
    assert "was interrupted after 0 s" in text


@pytest.mark.parametrize(
    ("state", "tone"),
    [("pending", "waiting"), ("running", "busy"), ("healthy", "good"), ("failed, rolled back", "bad")],
)
def test_a_state_has_the_colour_of_what_it_means(state: str, tone: str) -> None:
    assert tone_of(state) == tone


@pytest.mark.parametrize(("seconds", "said"), [(0.4, "0 s"), (59.4, "59 s"), (59.9, "1 min 00 s"), (185, "3 min 05 s")])
def test_seconds_are_said_as_people_say_them(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_a_service_without_its_stack_is_in_the_chart() -> None:
    moments = (Moment(1, SERVICE, "agora-app", "rolling out", "agora-dev-app"),)
    assert "agora-app: rolling out" in page(failed_report(moments=moments))
