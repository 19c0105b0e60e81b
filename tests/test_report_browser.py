"""The report in a real browser: listed, filtered, opened by keyboard, never wider than the page, and inert."""

import re
from pathlib import Path

import pytest

from harness.report import collect, page
from harness.report.pictures import heat_map
from harness.report.study import Study
from tests.report_browser import CHROMIUM, DRIVER, browser
from tests.report_runs import hostile_runs, judged, made, searched

in_browser = pytest.mark.skipif(
    not (DRIVER and CHROMIUM), reason="the page IS NOT TESTED in a browser: no chromium, chromedriver"
)
LOADED = "document.getElementById('count').textContent !== ''"


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> list[Path]:
    return hostile_runs(tmp_path_factory.mktemp("runs"))


@in_browser
def test_in_a_browser(runs: list[Path], tmp_path: Path) -> None:
    """Samples are listed, filtered, searched and opened; a hostile response does nothing; all by keyboard."""
    (tmp_path / "report.html").write_text(page.build(*collect.collect(runs)), encoding="utf-8")
    with browser() as tab:
        tab.open((tmp_path / "report.html").as_uri())
        tab.wait("document.getElementById('count').textContent === '48 of 48'")
        key = "document.dispatchEvent(new KeyboardEvent('keydown', {key: '%s', bubbles: true}));"
        assert tab.run("return document.querySelector('#window .row span').textContent").startswith("▼")  # flips first
        shown = "[...document.querySelectorAll('#window .row')].map((r) => r.querySelector('.piece').textContent)"
        assert all(re.fullmatch(r"\d+|\(nothing read\)", piece) for piece in tab.run(f"return {shown}"))
        tab.run(set_value("search", "hacked"))
        tab.wait("document.getElementById('count').textContent === '1 of 48'")
        tab.run("document.activeElement.blur();" + key % "j")
        tab.run("document.querySelector('#window .row').click()")
        tab.wait("document.getElementById('sample').open")
        tab.wait("document.getElementById('body').textContent.includes('onerror')")
        assert tab.run(
            "return [window.hacked, document.querySelectorAll('#body script, #body img, #body b').length]"
        ) == [None, 0]
        tab.run("document.getElementById('close').click();" + set_value("search", "") + set_value("run", "1"))
        tab.wait("document.getElementById('count').textContent === '24 of 48'")
        tab.run("document.activeElement.blur();" + key % "/")
        assert tab.run("return document.activeElement.id") == "search"
        blocked = "try { eval('1'); return 'ran' } catch (e) { return e.name }"
        assert (
            tab.run(f"return await new Promise((r) => setTimeout(() => r((() => {{ {blocked} }})()), 0))")
            == "EvalError"
        )
    with browser(width=360) as tab:
        tab.open((tmp_path / "report.html").as_uri())
        tab.wait("document.getElementById('count').textContent === '48 of 48'")
        assert tab.run("return document.documentElement.scrollWidth <= window.innerWidth")


def set_value(name: str, value: str) -> str:
    return (
        f"const {name} = document.getElementById('{name}'); {name}.value = '{value}';"
        f"{name}.dispatchEvent(new Event({name}.tagName === 'SELECT' ? 'change' : 'input', {{bubbles: true}}));"
    )


@in_browser
def test_the_address_keeps_filters_and_the_open_sample(runs: list[Path], tmp_path: Path) -> None:
    """Back and forward work, and a copied address opens the same view."""
    (tmp_path / "report.html").write_text(page.build(*collect.collect(runs)), encoding="utf-8")
    url = (tmp_path / "report.html").as_uri()
    with browser() as tab:
        tab.open(url)
        tab.wait(LOADED)
        tab.run(set_value("outcome", "wrong"))
        tab.wait("location.hash === '#outcome=wrong'")
        tab.run("document.querySelector('#window .row').click()")
        tab.wait("document.getElementById('sample').open && document.querySelector('#body h2')")
        address, name = tab.run("return [location.hash, document.querySelector('#body h2').textContent]")
        assert address.startswith("#outcome=wrong&sample=")
        tab.run("history.back()")
        tab.wait("!document.getElementById('sample').open && location.hash === '#outcome=wrong'")
        tab.run("history.back()")
        tab.wait("document.getElementById('count').textContent === '48 of 48'")
        tab.run("history.go(2)")
        tab.wait("document.getElementById('sample').open")
    with browser() as tab:
        tab.open(url + address)
        tab.wait("document.getElementById('sample').open && document.querySelector('#body h2')")
        assert tab.run("return document.querySelector('#body h2').textContent") == name
        assert tab.run("return document.getElementById('outcome').value") == "wrong"
        tab.run("document.getElementById('close').click()")
        tab.wait("location.hash === '#outcome=wrong'")
        tab.run("location.hash = '#run-1'")
        tab.wait("document.getElementById('count').textContent === '48 of 48'")


@in_browser
def test_a_link_to_a_run_opens_its_section(runs: list[Path], tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text(page.build(*collect.collect([*runs, runs[0]])), encoding="utf-8")
    opened = "return [...document.querySelectorAll('details.run')].map((d) => d.open)"
    with browser() as tab:
        tab.open((tmp_path / "report.html").as_uri())
        tab.wait(LOADED)
        assert tab.run(opened) == [False, False, False]
        tab.run("document.querySelector('a[href=\"#run-1\"]').click()")
        tab.wait("document.querySelectorAll('details.run')[1].open")
        assert tab.run(opened) == [False, True, False]


@in_browser
def test_a_hostile_address_does_nothing(runs: list[Path], tmp_path: Path) -> None:
    (tmp_path / "report.html").write_text(page.build(*collect.collect(runs)), encoding="utf-8")
    addresses = [
        "#sample=<img src=x onerror=window.hacked=1>/1/1", "#outcome=<script>window.hacked=1</script>&run=99",
        "#sample=%E0%A4%A/1/1", "#sample=__proto__/1/1&condition=constructor", "#javascript:window.hacked=1",
        "#sample=" + "a/" * 5000, "#search=%3Cimg%20src%3Dx%3E", "#%",
    ]  # fmt: skip
    with browser() as tab:
        for address in addresses:
            tab.open("about:blank")
            tab.open((tmp_path / "report.html").as_uri() + address)
            tab.wait(LOADED)
            found = "return [window.hacked, document.getElementById('sample').open, document.images.length]"
            assert tab.run(found) == [None, False, 0], address


@in_browser
@pytest.mark.parametrize("width", [360, 720])
def test_nothing_is_cut_at_the_right_edge(runs: list[Path], tmp_path: Path, width: int) -> None:
    """On a phone tables scroll and say so; printed, everything that is folded is there and fits the paper."""
    named = made(tmp_path, [*judged(3, 1), *judged(1, 3, world="odd")], config={"name": "n" * 80})
    (tmp_path / "report.html").write_text(page.build(*collect.collect([*runs, named])), encoding="utf-8")
    with browser() as tab:
        tab.command("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=True)
        tab.open((tmp_path / "report.html").as_uri())
        tab.wait(LOADED)
        tab.run("for (const d of document.querySelectorAll('details')) d.open = true;")
        fits = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        tab.wait(fits)
        tab.wait("document.querySelectorAll('.scroll.wide').length > 0")
        tab.run("for (const d of document.querySelectorAll('details')) d.open = false;")
        if width < 700:
            return
        tab.command("Emulation.setEmulatedMedia", media="print")
        assert tab.run(f"return {fits}")
        shown = "[...document.querySelectorAll('details figure')].every((f) => f.getBoundingClientRect().height > 0)"
        assert tab.run(f"return {shown}"), "what is folded is printed"
        inside = (
            "[...document.querySelectorAll('table')].every((t) => t.getBoundingClientRect().right <= innerWidth + 1)"
        )
        assert tab.run(f"return {inside}")


@in_browser
@pytest.mark.parametrize("dark", [False, True])
def test_a_study_fits_a_phone_and_its_pictures_have_the_colours_of_the_page(tmp_path: Path, dark: bool) -> None:
    """A wide picture scrolls by itself; printed, it fits the paper and its numbers are there."""
    wide = heat_map("wide", [[i / 60 for i in range(60)]] * 30, [f"token {i}" for i in range(60)],
                    list(map(str, range(30))), -1, 1)  # fmt: skip
    study = Study("lens", "A study", {"model": "m"}, ["A sentence."], [], [], [wide])
    (tmp_path / "page.html").write_text(study.page(), encoding="utf-8")
    with browser(width=360) as tab:
        tab.command("Emulation.setDeviceMetricsOverride", width=360, height=900, deviceScaleFactor=1, mobile=True)
        theme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        tab.command("Emulation.setEmulatedMedia", features=[theme])
        tab.open((tmp_path / "page.html").as_uri())
        fits = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        assert tab.run(f"return {fits}")
        scrolls = "const s = document.querySelector('.map .scroll'); return s.scrollWidth > s.clientWidth"
        assert tab.run(scrolls)
        shown = "getComputedStyle(document.querySelector('%s'))"
        text, paper = tab.run(f"return [{shown % '.map text'}.fill, {shown % 'body'}.backgroundColor]")
        assert (text, paper) == (("rgb(236, 236, 236)", "rgb(22, 22, 22)") if dark else
                                 ("rgb(28, 28, 28)", "rgb(253, 253, 251)"))  # fmt: skip
        tab.command("Emulation.setEmulatedMedia", media="print")
        assert tab.run("return document.querySelector('.map svg').getBoundingClientRect().right <= innerWidth")
        assert tab.run("return document.querySelector('.map table').getBoundingClientRect().height > 0")


@in_browser
def test_a_search_is_drawn_as_a_tree(tmp_path: Path) -> None:
    made = searched(tmp_path)
    file = tmp_path / "page.html"
    file.write_text(page.build(*collect.collect([made])), encoding="utf-8")
    with browser() as tab:
        tab.open(file.as_uri())
        tab.wait("document.querySelectorAll('.row').length > 0")
        tab.run("document.querySelector('.row').click()")
        tab.wait("document.querySelector('.tree') !== null")
        lines = tab.run(
            "return [...document.querySelectorAll('.tree > li > ul > li')].map((l) => l.firstChild.textContent)"
        )
        assert [line[:8] for line in lines] == ["<script>", "1 + 1 = "]
        assert "kept; value: likely; the answer" in tab.run("return document.querySelector('.tree').textContent")
        assert tab.run("return document.querySelector('.tree li.pruned') !== null")
        assert tab.run("return window.hacked") is None
