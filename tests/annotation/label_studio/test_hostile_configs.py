"""Configs that mean harm are refused in words before anybody works with them."""

import pytest

from annotation import label_tags, results
from annotation.config_check import config_problems
from annotation.label_config import Unreadable, parse
from tests.annotation.label_studio.hostile import CONFIGS, view
from tests.annotation.label_studio.templates import TEMPLATES


@pytest.mark.parametrize("name", CONFIGS)
def test_a_hostile_config_is_refused_in_words(name):
    config, code = CONFIGS[name]

    found = config_problems(config)

    assert code in {problem.code for problem in found}
    assert all(len(str(problem)) > 20 for problem in found)


@pytest.mark.parametrize("name", CONFIGS)
def test_an_answer_to_a_hostile_config_is_a_problem_and_never_a_crash(name):
    config, _code = CONFIGS[name]
    answer = [{"from_name": "c", "to_name": "t", "type": "choices", "value": {"choices": ["gone"]}}]
    try:
        parse(config)
    except Unreadable:
        return

    assert results.problems(config, {"text": "A clause."}, answer)


def test_what_stands_beside_them_is_accepted():
    assert config_problems(view()) == []
    assert config_problems(view("<Style>.x { color: red; }</Style>")) == []
    assert config_problems(view('<Header value="See https://example.org"/>')) == []
    assert config_problems(view('<Number name="Größe_1" toName="t" max="1e3"/>')) == []


@pytest.mark.parametrize("name", TEMPLATES)
def test_the_templates_that_are_proven_are_accepted(name):
    assert config_problems(TEMPLATES[name].config) == []


ALL = (
    label_tags.CONTROLS
    | label_tags.OBJECTS
    | label_tags.OPTION_TAGS
    | label_tags.OTHERS
    | label_tags.REGION_PARTS
    | label_tags.ENTERPRISE
)
# The other kind of thing that a control needs to be about, and how it comes.
ABOUT = {
    **dict.fromkeys(label_tags.SHAPE_KINDS - {"VideoRectangle"}, "Image"),
    **{f"{kind}Labels": "Image" for kind in label_tags.SHAPE_KINDS},
    "VideoRectangle": "Video",
    "TimelineLabels": "Video",
    "TimeSeriesLabels": "TimeSeries",
    "ParagraphLabels": "Paragraphs",
    "HyperTextLabels": "HyperText",
    "Ranker": "List",
}


@pytest.mark.parametrize("tag", sorted(ALL))
def test_every_tag_of_the_editor_is_accepted_or_refused_by_its_name(tag):
    if tag in label_tags.CONTROLS:
        about = ABOUT.get(tag, "Text")
        names = "x,t" if tag == "Pairwise" else "x"
        inside = '<Label value="a"/><Choice value="b"/>'
        config = view(
            f'<{about} name="x" value="$x"/><{tag} name="y" toName="{names}">{inside}</{tag}>'
        )
    elif tag in label_tags.OBJECTS:
        config = view(f'<{tag} name="x" value="$x"/>')
    else:
        config = view(f"<{tag}/>")

    found = config_problems(config)

    if tag in label_tags.ENTERPRISE | label_tags.REGION_PARTS:
        assert any(f"<{tag}>" in str(problem) for problem in found)
    else:
        assert found == []


def test_more_than_forty_ways_are_tried():
    assert len(CONFIGS) > 40
