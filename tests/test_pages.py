"""The pages that are made from the lessons: fresh, and true to the lessons; the lecture's map is whole, and the paths can be taught."""

import re
import tomllib
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest

from course_utils.authoring import pages
from course_utils.authoring.cells import names
from course_utils.authoring.editions import build
from course_utils.authoring.pages import glossary, lecture_map, literature, needs_graph, questions, syllabus
from course_utils.authoring.pages.outline import all_needs, find, heading, read_outlines
from course_utils.authoring.papers import MARK, SOURCE, read_papers
from course_utils.authoring.papers import titles as titles_of
from course_utils.authoring.paths import ROOT
from course_utils.errors import CourseError

NO_AUTHORS = {"CS231n"}  # before a year in a lesson's text


@pytest.fixture(scope="module")
def outlines():
    return read_outlines()


@pytest.fixture(scope="module")
def made(outlines):
    return pages.made(outlines)


def test_no_page_is_stale(made):
    stale = [name for name, text in made.items() if (ROOT / name).read_text(encoding="utf-8") != text]
    assert stale == [], "run: course build"


def test_every_link_leads_to_a_file_and_to_a_heading_in_it(made, outlines):
    headings = {
        f"{one.lesson.name}.ipynb": {heading(t).replace(" ", "-") for t in one.sections} for one in outlines.values()
    }
    for name, text in made.items():
        for target in re.findall(r"\]\((?!https://)([^)]+)\)", text):
            path, _, anchor = target.partition("#")
            place = (ROOT / name).parent / path
            assert place.exists(), f"{name}: {target}"
            assert not anchor or unquote(anchor) in headings[place.name], f"{name}: {target}"


# the syllabus


def test_the_syllabus_has_every_lesson_with_its_minutes(made, outlines):
    rows = re.findall(
        r"^\| \[(\d\d) · (.+?)\]\(.+?\) \| (\d+) \|", made["docs/syllabus.md"].partition("## One afternoon")[0], re.M
    )
    assert rows == [(n, one.lesson.title, str(one.lesson.minutes)) for n, one in sorted(outlines.items())]
    sums = {number: sum(map(one.minutes, one.sections)) for number, one in outlines.items()}
    assert all(abs(sums[number] - one.lesson.minutes) <= 5 for number, one in outlines.items()), sums


def taught(path, outlines):
    """`(meeting, parts)` of a path, as the page has them."""
    return [(m["name"], [syllabus.read_part(part, outlines) for part in m["parts"]]) for m in path["meeting"]]


PATHS = {path["name"]: path for path in syllabus.read_paths()}


def test_there_are_three_paths():
    assert list(PATHS) == ["One afternoon", "Two weeks", "Half a term"]


@pytest.mark.parametrize("name", PATHS)
def test_a_path_fits_its_time(name, outlines):
    meetings = [sum(part.minutes for part in parts) for _, parts in taught(PATHS[name], outlines)]
    held = [sum(meetings)] if name == "One afternoon" else meetings
    assert max(held) <= PATHS[name]["most_minutes"]
    assert min(held) > PATHS[name]["most_minutes"] / 2, "a meeting that is half empty"


def order(path, outlines, instead=()):
    """The lessons of a path in its order, with some exchanged for others."""
    other = dict(instead)
    found = [part.lesson for _, parts in taught(path, outlines) for part in parts if part.lesson]
    return [other.get(number, number) for number in dict.fromkeys(found)]


@pytest.mark.parametrize("name", PATHS)
def test_what_a_lesson_of_a_path_needs_comes_before_it(name, outlines):
    for instead in ((), PATHS[name].get("instead", ())):
        before = set()
        for number in sorted(order(PATHS[name], outlines, instead)):
            if name != "One afternoon":  # there only sections are taught: see below
                assert all_needs(outlines, number) <= before, number
            before.add(number)


def test_the_paths_hold_every_part_of_the_lecture_and_the_longest_all_lessons(outlines):
    parts = [{"01"}, {"02", "03", "04", "05", "06"}, {"07", "08", "09", "10", "11"}, {"12", "13", "14", "15"}]
    for path in PATHS.values():
        for instead in ((), path.get("instead", ())):
            assert all(part & set(order(path, outlines, instead)) for part in parts), path["name"]
    assert order(PATHS["Half a term"], outlines) == sorted(outlines)


def test_the_sections_of_the_afternoon_need_nothing_from_those_left_out(outlines):
    """By the names that their cells use, in the solution edition."""
    chosen = {}
    for _, parts in taught(PATHS["One afternoon"], outlines):
        for part in parts:
            if part.lesson:
                chosen.setdefault(part.lesson, []).append(part.section)
    partly = {number: titles for number, titles in chosen.items() if titles != [None]}
    assert partly
    for number, titles in partly.items():
        missing = missing_names(outlines[number], titles)
        assert missing == set(), f"lesson {number} needs {missing} from other sections"
    assert missing_names(outlines["07"], ["Explore", "Which map is right?"])  # the test can fail


def missing_names(one, titles):
    """What the code of some sections uses that other sections of the lesson make."""
    solved = {c["id"]: c.source for c in build(one.lesson, "solution").cells if c.cell_type == "code"}
    made_by = {}
    for title, section in one.sections.items():
        code = [c for c in section.cells if c.cell_type == "code" and "claim" not in c.metadata]
        made_by[title] = names([_source(c, solved) for c in code])
    setup = [c for s in one.sections.values() for c in s.cells if "setup" in c.metadata.get("tags", [])]
    have, missing = names([c.source for c in setup])[1], set()
    everything = set().union(*(makes for _, makes in made_by.values()))
    for title in titles:
        uses, makes = made_by[title]
        missing |= (uses & everything) - have
        have |= makes
    return missing


def _source(cell, solved):
    number = cell.metadata.get("exercise")
    return solved[f"exercise-{number.replace('.', '-')}"] if number else cell.source


def test_a_part_that_is_not_there_is_said(outlines):
    with pytest.raises(CourseError, match="no lesson '99'"):
        syllabus.read_part("99", outlines)
    with pytest.raises(CourseError, match="no section 'The ideas'.*'The idea'"):
        syllabus.read_part("07: The ideas", outlines)


# what needs what


def test_the_graph_has_every_lesson_and_its_arrows_say_all_needs(made, outlines):
    root = ElementTree.fromstring(made["docs/needs.svg"])
    numbers = [text.text for text in root.iter("{http://www.w3.org/2000/svg}text") if text.get("class") == "number"]
    assert sorted(numbers) == sorted(outlines)
    reached = {number: {a for a, b in needs_graph.arrows(outlines) if b == number} for number in outlines}
    for number in sorted(outlines):  # what needs 00 has a larger number
        reached[number] |= set().union(*(reached[n] for n in reached[number]))
        assert reached[number] == all_needs(outlines, number)
    assert len(needs_graph.arrows(outlines)) < sum(len(one.needs) for one in outlines.values()) + 1


def test_no_two_boxes_of_the_graph_overlap_and_needs_stand_above(outlines):
    where = needs_graph.places(outlines)
    assert len(set(where.values())) == len(outlines)
    for number, one in outlines.items():
        assert all(where[needed][1] < where[number][1] for needed in one.needs)


# the lecture


def test_every_slide_of_the_lecture_has_sections_that_exist(outlines):
    for slide in lecture_map.read_map()["slide"]:
        assert slide["sections"] and slide["headings"], slide["title"]
        for place in slide["sections"]:
            assert find(outlines, place)[1], f"{place} names no section"


def test_a_slide_and_a_heading_stand_once():
    found = lecture_map.read_map()
    titles = [slide["title"] for slide in found["slide"]]
    assert len(titles) == len(set(titles)) >= 30
    headings = [(slide["title"], *heading) for slide in found["slide"] for heading in slide["headings"]]
    assert len(headings) == len(set(headings))
    assert {number for _, number, _ in headings} == set(range(1, len(found["notes"]) + 1))


def test_every_lesson_but_the_explorers_has_a_slide(outlines):
    named = {place[:2] for slide in lecture_map.read_map()["slide"] for place in slide["sections"]}
    assert named == set(outlines)


def test_a_section_that_no_slide_names_is_in_the_second_list(made, outlines):
    assert "[Coarser: Grad-CAM]" in made["docs/lecture_map.md"].partition("## What the lessons add")[2]


# the questions


def test_every_fold_that_asks_is_on_the_page(made, outlines):
    page = made["docs/questions.md"]
    asked = [question for one in outlines.values() for question in questions.questions(one)]
    folds = [
        c.metadata["fold"]
        for one in outlines.values()
        for c in one.lesson.cells
        if c.metadata.get("fold", "").startswith(("I get", "Think"))
    ]
    assert len(asked) == len(folds) > 25
    assert all(question.answer in page for question in asked)


def test_no_solution_is_among_the_questions(made, outlines):
    for one in outlines.values():
        for cell in one.lesson.cells:
            if "solution" in cell.metadata or cell.metadata.get("fold") == "Hint":
                assert cell.source not in made["docs/questions.md"]


# the papers


def test_a_paper_stands_once_and_a_lesson_names_it(made, outlines):
    papers = read_papers()
    listed = tomllib.loads(SOURCE.read_text(encoding="utf-8"))["paper"]
    assert len(listed) == len(papers) == len({paper.address for paper in papers.values()}) > 90
    assert set(literature.named_in(outlines)) == set(papers)
    assert all(made["docs/papers.md"].count(f"]({paper.address})") == 1 for paper in papers.values())


@pytest.mark.parametrize("paper", read_papers().values(), ids=lambda paper: paper.title)
def test_a_paper_has_one_address(paper):
    assert (paper.arxiv != "") + (paper.doi != "") + (paper.url != "") == 1
    assert re.fullmatch(r"(\d{4}\.\d{4,5})?", paper.arxiv) and re.fullmatch(r"(10\.\d{4,5}/\S+)?", paper.doi)
    assert re.fullmatch(r"https://[^\s()]+", paper.address)


def test_every_lesson_links_its_papers_and_names_no_other_one(outlines):
    """A paper that the text names with a year is among those at the end."""
    by = r"([A-ZÀ-Þ][\w-]+)(?:(?:, [A-Z][\w-]+)*,? (?:and|&) [A-Z][\w-]+| et al\.)?,? \(?((?:19|20)\d\d)\b"
    found = 0
    for one in outlines.values():
        *texts, last = [cell.source for cell in one.lesson.cells if cell.cell_type == "markdown"]
        papers = [read_papers()[title] for title in titles_of(last)]
        assert papers, one.number
        (shown,) = (cell.source for cell in build(one.lesson, "student").cells if MARK in cell.source)
        for paper in papers:
            assert f"[*{paper.title}*]({paper.address})" in " ".join(shown.split()), paper.title
        for author, year in re.findall(by, " ".join("\n".join(texts).split())):
            if author not in NO_AUTHORS:
                found += 1
                assert any(author in p.authors and year in p.where for p in papers), (one.number, author, year)
    assert found > 10


# the glossary

TERMS = glossary.read_glossary()


def test_a_term_stands_once():
    spelled = [term["name"].lower() for term in TERMS]
    assert len(spelled) == len(set(spelled)) > 50


@pytest.mark.parametrize("term", TERMS, ids=lambda term: term["name"])
def test_the_section_of_a_term_explains_it(term, outlines):
    one, title = find(outlines, term["where"])
    text = "\n".join(
        c.source for c in one.sections[title].cells if c.cell_type == "markdown" and "notes" not in c.metadata
    )
    assert term.get("also", term["name"]).lower() in text.lower()
    assert term["means"].endswith(".") and len(term["means"]) < 160
