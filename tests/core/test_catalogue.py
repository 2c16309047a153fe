"""Every word has its French; a word that lacks it is found."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from jinja2 import Environment
from jinja2.nodes import Block, Call, Const, FromImport, Import, Macro, Name

from core import catalogue
from tests.database import ROOT

GETTEXT = ("_", "gettext", "ngettext", "pgettext", "npgettext")


def test_every_word_has_its_french(worker_app: object) -> None:
    assert list(catalogue.problems(ROOT)) == []


def test_no_partial_says_words_before_it_is_called() -> None:
    """What stands outside macros in a file that is imported is said once, in one language."""
    assert list(_said_too_early(ROOT / "templates")) == []


def test_words_that_a_partial_says_too_early_are_found(tmp_path: Path) -> None:
    (tmp_path / "_part.html").write_text(
        '{% set words = {"a": _("Early")} %}{% macro m() %}{{ _("In time") }}{% endmacro %}'
    )
    (tmp_path / "page.html").write_text('{% from "_part.html" import m %}{{ m() }}{{ _("Here") }}')

    assert list(_said_too_early(tmp_path)) == ["_part.html: Early"]


def _said_too_early(folder: Path) -> Iterator[str]:
    known = Environment(extensions=["jinja2.ext.i18n", "jinja2.ext.do"])
    trees = {
        str(file.relative_to(folder)): known.parse(file.read_text())
        for file in folder.rglob("*.html")
    }
    imports = [one for tree in trees.values() for one in tree.find_all((FromImport, Import))]
    names = {one.template.value for one in imports if isinstance(one.template, Const)}
    for name in sorted(names & set(trees)):
        outside = [one for one in trees[name].body if not isinstance(one, Macro | Block)]
        for call in (found for one in outside for found in one.find_all(Call)):
            if isinstance(call.node, Name) and call.node.name in GETTEXT:
                yield f"{name}: {call.args[0].value}"


def test_a_word_without_french_is_found(tmp_path: Path) -> None:
    root = _small(tmp_path)
    (root / "core" / "planted.py").write_text('_("A planted sentence without French.")\n')

    [problem] = [line for line in catalogue.problems(root) if "planted" in line]

    assert "not translated" in problem


def test_a_lost_placeholder_a_bare_sign_and_a_leftover_are_found(tmp_path: Path) -> None:
    root = _small(tmp_path)
    (root / "core" / "planted.py").write_text('_("Hello %(name)s")\n_("Really?")\n')
    po = root / "translations" / "fr" / "core.po"
    po.write_text(
        po.read_text()
        + '\nmsgid "Hello %(name)s"\nmsgstr "Bonjour"\n'
        + '\nmsgid "Really?"\nmsgstr "Vraiment ?"\n'
        + '\nmsgid "Nobody says this"\nmsgstr "Personne"\n'
    )

    found = " ".join(catalogue.problems(root))

    assert "other placeholders: 'Bonjour'" in found
    assert "no-break space" in found
    assert "no longer used: 'Nobody says this'" in found


def test_catalogues_are_merged_when_one_is_newer(tmp_path: Path) -> None:
    root = _small(tmp_path)

    catalogue.ensure_compiled(root / "translations")

    merged = root / "translations" / "fr" / "LC_MESSAGES" / "messages.mo"
    assert merged.exists()
    before = merged.stat().st_mtime_ns
    catalogue.ensure_compiled(root / "translations")
    assert merged.stat().st_mtime_ns == before


def _small(tmp_path: Path) -> Path:
    """A tree with the words of core alone."""
    for folder in catalogue.PACKAGES:
        (tmp_path / folder).mkdir()
    (tmp_path / "templates").mkdir()
    target = tmp_path / "translations" / "fr"
    target.mkdir(parents=True)
    shutil.copy(ROOT / "translations" / "fr" / "core.po", target)
    return tmp_path


def test_two_packages_that_say_a_word_differently_are_found(tmp_path: Path) -> None:
    root = _small(tmp_path)
    for package, french in (("experts", "Ouvert"), ("payouts", "Ouverte")):
        po = root / "translations" / "fr" / f"{package}.po"
        po.write_text(f'msgid ""\nmsgstr ""\n\nmsgid "Ajar"\nmsgstr "{french}"\n')

    found = " ".join(catalogue.problems(root))

    assert "'Ajar' is translated otherwise in experts" in found
