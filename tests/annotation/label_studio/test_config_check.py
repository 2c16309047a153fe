"""Configs are read as hostile, and refused when nobody could work with them."""

import pytest
from label_studio_sdk.label_interface import LabelInterface

from annotation import label_config, results
from annotation.label_config import Unreadable
from tests.annotation.label_studio.cases import (
    BY_REGION,
    CLAUSES,
    CONDITIONAL,
    MANY,
    PAIR,
    PICTURE,
)

CONTROL = '<Choices name="c" toName="t"><Choice value="a"/></Choices>'
TEXT = '<Text name="t" value="$text"/>'


def view(inner: str) -> str:
    return f"<View>{inner}</View>"


@pytest.mark.parametrize("config", [CLAUSES, MANY, PICTURE, BY_REGION, CONDITIONAL, PAIR])
def test_a_good_config_has_no_problem(config):
    assert results.config_problems(config) == []
    LabelInterface(config).validate()


BAD = {
    "nothing": ("", "unreadable"),
    "words": ("hello", "unreadable"),
    "half a tag": ("<View>", "unreadable"),
    "an entity that grows": (
        '<!DOCTYPE v [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><View>&b;</View>',
        "unreadable",
    ),
    "a file of the server": (
        '<!DOCTYPE v [<!ENTITY f SYSTEM "file:///etc/passwd">]><View><Header value="&f;"/></View>',
        "unreadable",
    ),
    "far too deep": ("<View>" * 60 + "</View>" * 60, "unreadable"),
    "far too long": ("<View>" + " " * 100_000 + "</View>", "too_long"),
    "another root": (f"<Panel>{TEXT}{CONTROL}</Panel>", "root"),
    "a script": (view(TEXT + CONTROL + "<script>alert(1)</script>"), "unknown_tag"),
    "a tag in other case": (view(TEXT + CONTROL + "<header value='x'/>"), "unknown_tag"),
    "what only Enterprise shows": (
        view(TEXT + CONTROL + '<Chat name="x" value="$x"/>'),
        "enterprise_tag",
    ),
    "code of the owner": (
        view(TEXT + CONTROL + '<ReactCode name="x" toName="x"/>'),
        "enterprise_tag",
    ),
    "nothing to answer with": (view(TEXT), "no_control"),
    "shapes without names": (
        view('<Image name="t" value="$i"/><Rectangle name="r" toName="t"/>'),
        "no_control",
    ),
    "nothing to look at": (view('<Text name="t" value="always the same"/>' + CONTROL), "no_data"),
    "a name twice": (view(TEXT + CONTROL + CONTROL), "repeated_name"),
    "a name that means nothing": (
        view(TEXT + CONTROL.replace('toName="t"', 'toName="x"')),
        "unknown_to_name",
    ),
    "a control without a name": (
        view(TEXT + CONTROL + '<Number toName="t"/>'),
        "bare_control",
    ),
    "an object without a value": (view(TEXT + CONTROL + '<Image name="i"/>'), "bare_object"),
    "nothing to choose from": (view(TEXT + '<Choices name="c" toName="t"/>'), "no_options"),
    "one option twice": (
        view(TEXT + CONTROL.replace("</Choices>", '<Choice value="a"/></Choices>')),
        "repeated_option",
    ),
    "options from another host": (
        view(TEXT + '<Taxonomy name="c" toName="t" apiUrl="https://example.org"/>'),
        "api_url",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_config_is_refused_with_its_reason(name):
    config, code = BAD[name]

    assert code in {problem.code for problem in results.config_problems(config)}
    assert all(str(problem) for problem in results.config_problems(config))


def test_all_problems_are_named_at_once():
    config = view(TEXT + '<Choices name="c" toName="x"/><Chat name="y"/><wrong/>')

    found = [problem.code for problem in results.config_problems(config)]

    assert found == ["unknown_tag", "enterprise_tag", "unknown_to_name", "no_options"]


def test_variables_are_the_fields_that_the_config_shows():
    config = view(
        '<Header value="About $title: $text"/><Text name="t" value="$text"/>'
        '<Choices name="c" toName="t" value="$options"/><Header value="$5.00? no: $who.name"/>'
    )

    assert results.variables(config) == ["title", "text", "options", "5", "who"]
    assert label_config.parse(config).required_variables == ["text"]


def test_a_config_that_cannot_be_read_has_no_variables():
    assert results.variables("<View>") == []
    with pytest.raises(Unreadable):
        label_config.parse("<View>")


def test_hypertext_is_drawn_inline_for_the_editor():
    config = view('<HyperText name="h" value="$html"/>' + CONTROL.replace('"t"', '"h"'))

    shown = results.for_editor(config)

    assert 'inline="true"' in shown
    assert results.config_problems(shown) == []
    assert results.for_editor(CLAUSES) == CLAUSES
