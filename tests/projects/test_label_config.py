"""Label configs: read safely, with everything that is wrong said at once."""

import pytest

from projects import config, label_config, preview
from projects.config import CLAUSES, PARTS, Kind

GOOD = config.build(Kind.CLAUSES, CLAUSES, PARTS)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ("", "not well-formed"),
        ("<View><Text", "line 1"),
        ("<!DOCTYPE x [<!ENTITY a 'b'>]><View>&a;</View>", "document type"),
        ("<View>" * 31 + "</View>" * 31, "too deeply"),
        ("<View>" + " " * 100_000 + "</View>", "too long"),
        ("<div/>", "inside one <View>"),
        ('<View><Chat name="c" value="$c"/></View>', "<Chat> cannot be shown"),
        ('<View><text name="t" value="$t"/></View>', "Write <text> as <Text>"),
        ("<View/>", "add at least one control"),
        ('<View><Text value="$t"/></View>', "Give <Text> a name"),
        ('<View><Text name="t" value="fixed"/></View>', 'write value="$t"'),
        ('<View><Text name="t" value="//x/$t" valueType="url"/></View>', "fetch its content"),
        ('<View><List name="t" value="$t" valueType="url"/></View>', "fetch its content"),
        ('<View><Choices name="c" toName="x"/></View>', "“c” marks “x”"),
        ('<View><Choices name="c"/></View>', "add toName"),
        ('<View><Text name="t" value="$t"/><Labels name="l" toName="t"/></View>', "nothing to"),
        ('<View><Text name="a" value="$t"/><Rating name="a" toName="a"/></View>', "2 times"),
        (
            '<View><Text name="t" value="$t"/><Choices name="c" toName="t">'
            '<Choice value="x"/><Choice value="x"/></Choices></View>',
            "offers “x” twice",
        ),
    ],
)
def test_what_is_wrong_is_said(wrong, words):
    assert any(words in problem for problem in label_config.config_problems(wrong))


def test_all_problems_are_said_at_once():
    assert len(label_config.config_problems('<div><Chat/><Text value="x"/></div>')) >= 4


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.OWN])
def test_every_template_is_right_as_it_comes(kind):
    template = config.TEMPLATES[kind]
    built = config.build(kind, template.choices, template.spans)

    assert label_config.config_problems(built) == []
    assert label_config.variables(built) == {"text"}
    found, choices, spans = config.filled_with(built)
    assert (tuple(choices), tuple(spans)) == (template.choices, template.spans)
    assert config.build(found, choices, spans) == built


def test_the_licence_template_has_the_controls_that_the_demo_counts_on():
    clause, spans = label_config.controls(GOOD)

    assert (clause.name, clause.kind, clause.to_names) == ("clause", "choices", ("text",))
    assert clause.is_required
    assert clause.is_single
    assert clause.values == CLAUSES
    assert (spans.name, spans.values) == ("spans", ("Party", "Obligation"))


def test_what_an_owner_types_cannot_leave_its_place():
    hostile = 'x"/><Style>*{display:none}</Style><Choice value="y'

    built = config.build(Kind.CHOICE, [hostile, "<b>&amp;</b>"])

    assert label_config.controls(built)[0].values == (hostile, "<b>&amp;</b>")


def test_fields_are_found_in_every_attribute_and_by_their_first_part():
    found = label_config.variables(
        '<View><Header value="$title"/><Text name="t" value="$doc.body"/>'
        '<Choices name="c" toName="t" value="$options[0]"/></View>'
    )

    assert found == {"title", "doc", "options"}


def test_values_that_come_with_the_task_are_not_missing():
    config_text = (
        '<View><Text name="t" value="$t"/><Choices name="c" toName="t" value="$o"/></View>'
    )

    assert label_config.config_problems(config_text) == []


def test_somebody_elses_config_is_their_own():
    assert config.filled_with(GOOD.replace("Party", "Person"))[0] is Kind.CLAUSES
    assert config.filled_with(GOOD.replace('required="true"', ""))[0] is Kind.OWN
    assert config.filled_with("<View")[0] is Kind.OWN


def test_the_preview_says_what_is_asked():
    shown = preview.of(GOOD)

    assert shown.fields == ["text"]
    assert [(name, words) for name, words, _values in shown.controls] == [
        ("clause", "Choose one:"),
        ("spans", "Mark passages or regions as:"),
    ]
    assert preview.of("<View").controls == []
