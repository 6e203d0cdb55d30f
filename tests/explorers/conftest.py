"""The browser of the explorers' tests; see browser.py."""

from __future__ import annotations

import importlib.util

import pytest

from tests.explorers.browser import CHROMIUM, Lab, Server

# JupyterLab's own messages, with no effect: a notebook was closed before its debugger had an answer from the kernel
HARMLESS = ("Could not restore the debugger state: Canceled future",)


@pytest.fixture(scope="session")
def lab_server():
    """One JupyterLab for the whole test session."""
    if CHROMIUM is None:
        pytest.skip("chromium is not installed (Debian: apt-get install chromium); the browser tests need it")
    if importlib.util.find_spec("playwright") is None:
        pytest.skip("playwright is not installed (pip install -e .[test]); the browser tests need it")
    server = Server()
    yield server
    server.close()


@pytest.fixture(scope="module")
def lab_page(lab_server):
    """One page for each module of tests: playwright's event loop must not stay open for other tests."""
    page = Lab(lab_server)
    yield page
    page.close()


@pytest.fixture
def lab(lab_page):
    """The page; fails a test whose page wrote errors to the console, or asked for anything outside."""
    lab_page.console_errors.clear()
    lab_page.outside.clear()
    yield lab_page
    assert not [e for e in lab_page.console_errors if not any(h in e for h in HARMLESS)]
    assert not lab_page.outside
