"""Lessons in other languages: the text is translated, the code is not; what is missing or stale is said."""

import re

import pytest

from course_utils import languages
from course_utils.authoring import files, paths, translate
from course_utils.authoring.editions import build
from course_utils.authoring.source import read_lesson
from course_utils.errors import CourseError
from course_utils.exercises import quiz
from course_utils.exercises.quizzes import questions
from course_utils.grading.notebooks import read_notebook
from course_utils.languages import Texts, read_translations
from tests.test_cli import assert_one_line, course, lessons, mine, started  # noqa: F401  fixtures

TRANSLATED = [(code, number) for code in languages.languages() for number in languages.translated_lessons(code)]
FILES = sorted(languages.LOCALE.glob("*/*.po"))


def lesson(number):
    return read_lesson(paths.lesson_paths([number])[0])


def test_lesson_00_is_there_in_korean_and_chinese():
    assert {("ko", "00"), ("zh", "00")} <= set(TRANSLATED)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_formulas_code_and_places_stay_in_a_translation(path):
    kept = re.compile(r"\$[^$]+\$|`[^`]+`|\{\w+\}|^#+ |^- |https?://\S+", re.M)
    for entry in read_translations(path):
        if entry.id and entry.string:
            assert sorted(kept.findall(entry.string)) == sorted(kept.findall(entry.id)), entry.string


@pytest.mark.parametrize("code", languages.languages())
def test_the_words_around_the_lessons_are_all_translated(code):
    report = translate.report(None, code)
    assert (report.missing, report.stale) == ([], []), f"course translate {code}"


@pytest.mark.parametrize(("code", "number"), TRANSLATED)
def test_code_is_untouched(code, number):
    for edition in ("student", "solution"):
        english, other = (build(lesson(number), edition, language=language) for language in ("", code))
        assert [c.cell_type for c in english.cells] == [c.cell_type for c in other.cells]
        for one, two in zip(english.cells, other.cells, strict=True):
            if one.cell_type == "code":
                assert two.source.replace(f', language="{code}")', ")") == one.source
                assert one.metadata == two.metadata
        assert other.metadata["course"]["language"] == code
        texts = [(a.source, b.source) for a, b in zip(english.cells, other.cells, strict=True) if a.cell_type != "code"]
        assert sum(a != b for a, b in texts) > 0.8 * len(texts)
    found = translate.report(lesson(number), code)
    assert found.missing == found.stale == []


@pytest.mark.parametrize(("code", "number"), TRANSLATED)
def test_a_hand_in_in_another_language_is_read_as_the_lesson(code, number, tmp_path):
    path = tmp_path / "anything.ipynb"
    path.write_text(files.to_text(build(lesson(number), "student", language=code)), encoding="utf-8")
    assert read_notebook(path, [lesson(number)]).lesson == number


def test_live_coding_is_in_english():
    with pytest.raises(CourseError, match="in English only"):
        build(lesson("00"), "live", language="ko")


# ---------------------------------------------------------------------------------------------- a translator's work


@pytest.fixture
def begun(monkeypatch, tmp_path):
    """A translation of lesson 00 into French that has just been begun."""
    monkeypatch.setattr(languages, "LOCALE", tmp_path / "locale")
    monkeypatch.setattr(
        paths, "notebook_path", lambda name, edition, language="": tmp_path / language / f"{name}.ipynb"
    )
    return translate.update(lesson("00"), "fr")


def say(path, **said):
    """Fill in texts that begin with the keys (an underscore is a space)."""
    text = path.read_text(encoding="utf-8")
    for begin, translation in said.items():
        text, count = re.subn(
            rf'(msgid (?:""\n)?"{begin.replace("_", " ")}.*\n(?:".*\n)*)msgstr ""', rf'\1msgstr "{translation}"', text
        )
        assert count == 1, begin
    path.write_text(text, encoding="utf-8")
    languages._texts.cache_clear()


def test_what_is_not_translated_stays_english_and_is_said(begun, course):  # noqa: F811
    say(begun, Start_here="Commencez ici", Return_one_number="Un nombre par image.")
    said = course("build", "--language", "fr", "00").stdout
    assert "fr 00: 2 of " in said and "in English: Open me" in said and "stale" not in said
    text = (begun.parents[2] / "fr" / "00_start_here.ipynb").read_text(encoding="utf-8")
    assert "# 00 · Commencez ici" in text and "Un nombre par image." in text and "## How the course works" in text


def test_a_changed_text_is_english_again_and_its_translation_stale(begun):
    say(begun, Start_here="Commencez ici", Return_one_number="Un nombre par image.")
    changed = lesson("00")
    cell = next(c for c in changed.cells if c.source.startswith("Return one number"))
    cell.source = cell.source.replace("Run the cell once", "Run the cell two times")
    report = translate.report(changed, "fr")
    assert [text[:17] for text in report.stale] == ["Return one number"] and cell.source in report.missing
    assert "stale, its English text has changed: Return one number" in str(report)
    translate.update(changed, "fr")
    languages._texts.cache_clear()
    entry = next(m for m in read_translations(begun) if m.id == cell.source)
    assert entry.fuzzy and entry.string == "Un nombre par image."
    before = re.findall(r"^#\| .*", begun.read_text(encoding="utf-8"), re.M)
    assert "Run the cell once" in "".join(before), "the older English stands beside it"
    assert Texts("00", "fr")(cell.source, "text") == cell.source, "a guess is not shown"
    assert Texts("00", "fr")("Start here: what does a network see?", "title") == "Commencez ici"
    assert [text[:17] for text in translate.report(changed, "fr").stale] == ["Return one number"]


@pytest.mark.parametrize("wrong", ["{Minuten}", "3 Minuten", "{count} {Minuten}", "{count Minuten"])
def test_a_word_that_lost_its_number_stays_english(begun, wrong):
    words = translate.update(None, "fr")
    say(words, **{"{count} minutes": wrong, "{count} points": "{count} Punkte"})
    assert Texts("00", "fr")("{count} minutes") == "{count} minutes" in translate.report(None, "fr").missing
    assert Texts("00", "fr")("{count} points") == "{count} Punkte"


def test_slips_of_a_translator(begun, course):  # noqa: F811
    assert_one_line(course("build", "--language", "xx"), "no translations into 'xx'", "fr")
    assert_one_line(course("build", "--language", "fr", "--check"), "--check looks at all languages")
    assert_one_line(course("translate", "../up", "00"), "is a code such as ko")
    assert_one_line(course("translate", "eo"), "no translation into 'eo' yet", "course translate eo 00")
    assert "course translate fr 07" in course("build", "--language", "fr", "07").stdout
    begun.write_text("no gettext", encoding="utf-8")
    languages._texts.cache_clear()
    assert_one_line(course("build", "--language", "fr"), "00.po", "is no gettext file")


# ------------------------------------------------------------------------------------------------------- a student's


def test_lab_opens_and_reset_renews_the_copy_of_the_language(course, started, lessons, mine):  # noqa: F811
    (lessons / "ko").mkdir()
    (lessons / "ko" / "00_start_here.ipynb").write_text('{"ko": 1}')
    assert "other languages: --language ko" in course("lab", "00").stdout
    assert course("lab", "--language", "ko").exit_code == 0
    assert started[-1][:2] == [str(mine / "ko/00_start_here.ipynb"), f"--ServerApp.root_dir={mine / 'ko'}"]
    (mine / "ko" / "00_start_here.ipynb").write_text('{"cells": []}')
    assert course("reset", "00", "--language", "ko").exit_code == 0
    assert (mine / "ko" / "00_start_here.ipynb").read_text() == '{"ko": 1}'
    assert (mine / "ko" / "00_start_here.before-1.ipynb").is_file()
    assert (mine / "00_start_here.ipynb").read_text() == "{}", "the English copy is another file"
    assert "00 ko  " in course("progress").stdout
    assert_one_line(course("lab", "07", "--language", "ko"), "no lesson 07 in 'ko'", "00")
    assert_one_line(course("lab", "--language", "xx"), "no lessons in 'xx'", "ko")
    assert_one_line(course("lab", "--language", ".."), "no lessons in '..'")


def test_the_quiz_speaks_the_language(capsys):
    right = "".join("abcd"[question.answer] for question in questions("00"))
    quiz("00", right[:3] + ("b" if right[3] == "a" else "a"), language="ko")
    said = capsys.readouterr().out
    assert said.count("맞습니다.") == 3 and said.count("정답이 아닙니다.") == 1
    assert "이미지 N장" in said
    quiz("00", "bbbb", language="xx")
    assert "not quite." in capsys.readouterr().out
