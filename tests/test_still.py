"""What a notebook keeps of a widget, without a browser; with one: tests/explorers/test_browser.py."""

from __future__ import annotations

from course_utils import quiz
from course_utils.still import picture_still, text_still


def test_of_a_quiz_the_questions_and_the_answers_stay(monkeypatch):
    outputs = []
    monkeypatch.setattr("IPython.display.display", lambda data, **options: outputs.append(data))
    monkeypatch.setattr("IPython.display.update_display", lambda data, **options: outputs.append(data))
    box = quiz("07")
    box._ipython_display_()
    view, still = outputs
    assert view["application/vnd.jupyter.widget-view+json"]["model_id"] == box.model_id
    assert "1. A pixel is black" in still["text/plain"] and "1. A pixel is black" in still["text/html"]
    assert "chosen" not in still["text/html"]
    assert "`" not in "".join(still.values()), "code is marked, not typed with backticks"
    choice, answer = box.children[0].children[1:]
    choice.value = 0
    assert "← chosen" in outputs[-1]["text/html"] and answer.value in outputs[-1]["text/html"]


def test_what_stays_says_what_is_seen_and_what_to_do():
    data, metadata = picture_still("image/png", "AAAA", 'a "cat" & more').bundle()
    assert 'alt="a &quot;cat&quot; &amp; more" src="data:image/png;base64,AAAA"' in data["text/html"]
    assert data["image/png"] == "AAAA" and metadata == {"image/png": {"alt": 'a "cat" & more'}}
    data, metadata = text_still("<p>one</p>", "one").bundle()
    assert metadata == {} and set(data) == {"text/html", "text/plain"} and "Run this cell again" in data["text/html"]
