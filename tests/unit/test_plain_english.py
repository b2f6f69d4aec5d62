"""Texts and names are in the words of the field: tests/plain_english.toml lists the phrases that are not."""

from pathlib import Path

import pytest

from tests.plain_english import Count, Text, WordList, count, main, rate, texts_of, tracked_files

LIST = WordList.read()


@pytest.fixture(scope="module")
def counted() -> Count:
    return count(LIST)


@pytest.mark.parametrize("area", LIST.areas)
def test_an_area_has_no_new_odd_phrases(counted: Count, area: str) -> None:
    found = counted.of_area(area)
    assert found <= LIST.limits[area], (
        f"{area}: {found} phrases of tests/plain_english.toml, {LIST.limits[area]} before. "
        "`python -m tests.plain_english FOLDER` shows them"
    )


def test_every_file_belongs_to_an_area() -> None:
    assert {LIST.area(path) for path in tracked_files()} <= set(LIST.limits)
    assert set(LIST.limits) == set(LIST.areas)


@pytest.mark.parametrize(
    ("source", "line", "found"),
    [
        ("# why it is mended", 1, "mended"),
        ("x = 1  # a mend", 1, "mend"),
        ('"""Ask\nanew."""', 2, "anew"),
        ("def f():\n    '''The problem is\n    told.'''", 2, "is told"),
        ('x = "nobody knows"', 1, "nobody"),
        ('x = f"{1} is told {2}"', 1, "is told"),
        ("def mend_it(): ...", 1, "mend"),
        ("def f(form): ...", 1, "form"),
        ("class SteadyState: ...", 1, "Steady"),
        ("def test_a_fault_is_told(): ...", 1, "is told"),
    ],
)
def test_a_phrase_is_found_where_a_user_reads_it(tmp_path: Path, source: str, line: int, found: str) -> None:
    (tmp_path / "sample.py").write_text(source)
    (hit,) = (hit for text in texts_of("sample.py", tmp_path) for hit in LIST.hits(text))
    assert (hit.line, hit.found) == (line, found)


@pytest.mark.parametrize(
    "source",
    [
        'x = "nobody"',  # one word is a value
        "x = configuration.told",  # names of others
        '"""See https://example.com/the-form of it."""',
        '"""The form of a value, recommended."""',
        'x = """\n# a comment of another language\n"""',
    ],
)
def test_values_and_names_of_others_are_not_counted(tmp_path: Path, source: str) -> None:
    (tmp_path / "sample.py").write_text(source)
    assert [hit.found for text in texts_of("sample.py", tmp_path) for hit in LIST.hits(text)] == []


def test_the_longest_phrase_counts_once() -> None:
    text = Text(path="docs/x.md", line=1, kind="page", words="It is told by its name.")
    assert [hit.found for hit in LIST.hits(text)] == ["is told by"]


def test_an_exempt_phrase_is_not_counted() -> None:
    words = "mend this anew"
    assert list(LIST.hits(Text(path="tests/plain_english.toml", line=1, kind="page", words=words))) == []
    assert len(list(LIST.hits(Text(path="docs/x.md", line=1, kind="page", words=words)))) == 2


def test_looking_a_phrase_up_by_its_first_word_loses_none() -> None:
    words = "\n".join(Path(path).read_text() for path in ("CHANGELOG.md", "README.md"))
    every = {phrase.pattern for phrase in LIST.phrases if "page" in phrase.kinds and phrase.pattern.search(words)}
    found = {
        phrase.pattern
        for word in {word.strip(".,:;()`*\"'").lower() for word in words.split()}
        for phrase in LIST.starting_with(word)
        if phrase.pattern.search(words)
    }
    assert every <= found


def test_the_command_shows_areas_places_and_phrases(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "page.md").write_text("One two three.\nAsk anew.\n")
    assert main(["--root", str(tmp_path)]) == 0
    assert "docs              1 in       5 words: 2000.0 per 10,000" in capsys.readouterr().out
    assert main(["--root", str(tmp_path), "docs"]) == 0
    assert capsys.readouterr().out == "docs/page.md:2: anew -> again\n"
    assert main(["--root", str(tmp_path), "--phrases"]) == 0
    assert capsys.readouterr().out == "     1  anew\n"


def test_a_rate_is_per_ten_thousand_words() -> None:
    assert rate(5, 10_000) == 5
    assert rate(0, 0) == 0
