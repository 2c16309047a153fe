"""What stands in the way of publishing a label config. Pure.

The server accepts configs that nobody could work with: without a control, or with tags that only
the Enterprise editor shows. They are refused here, in words that an owner can act on.
"""

from collections.abc import Iterator

from flask_babel import lazy_gettext as _l

from annotation.config_sense import sense_problems
from annotation.label_config import (
    MAX_SIZE,
    Control,
    LabelConfig,
    Unreadable,
    parse,
    repeated,
    unknown_tags,
)
from annotation.label_tags import CLASSIFYING_KINDS, CONTROLS, ENTERPRISE, LABEL_KINDS, OBJECTS
from annotation.problems import Problem

_WITH_OPTIONS = LABEL_KINDS | {"Choices", "Taxonomy"}


def config_problems(config: str) -> list[Problem]:
    """List what is wrong with a config; nothing means that it can be published."""
    if len(config) > MAX_SIZE:
        return [
            Problem("too_long", _l("Shorten the config: it may have 100,000 characters at most."))
        ]
    try:
        parsed = parse(config)
    except Unreadable as reason:
        return [_unreadable(reason)]
    return [
        *_tag_problems(parsed),
        *_name_problems(parsed),
        *_control_problems(parsed),
        *sense_problems(parsed),
    ]


def _unreadable(reason: Unreadable) -> Problem:
    return Problem(
        "unreadable",
        _l("Correct the config: it is not well-formed XML (%(reason)s).", reason=str(reason)),
    )


def _tag_problems(parsed: LabelConfig) -> Iterator[Problem]:
    if parsed.root.tag != "View":
        yield Problem("root", _l("Put everything into one <View>."))
    for tag in sorted(set(unknown_tags(parsed))):
        yield Problem("unknown_tag", _l("Remove <%(tag)s>: the editor has no such tag.", tag=tag))
    for tag in sorted({str(element.tag) for element in parsed.root.iter()} & ENTERPRISE):
        yield Problem(
            "enterprise_tag",
            _l("Remove <%(tag)s>: only Label Studio Enterprise can show it.", tag=tag),
        )


def _name_problems(parsed: LabelConfig) -> Iterator[Problem]:
    # A bucket of a ranking has a name of its own kind, which no answer refers to.
    names = [element.get("name") for element in parsed.root.iter() if element.tag != "Bucket"]
    for name in repeated([name for name in names if name]):
        yield Problem(
            "repeated_name", _l("Give each tag its own name: “%(name)s” is used twice.", name=name)
        )
    for element in parsed.root.iter():
        if element.tag in OBJECTS and not (
            element.get("name") and (element.get("value") or element.get("valueList"))
        ):
            yield Problem(
                "bare_object",
                _l("Give <%(tag)s> a name and a value such as $text.", tag=str(element.tag)),
            )
        if element.tag in CONTROLS and not (element.get("name") and element.get("toName")):
            yield Problem(
                "bare_control", _l("Give <%(tag)s> a name and a toName.", tag=str(element.tag))
            )


def _control_problems(parsed: LabelConfig) -> Iterator[Problem]:
    if not any(
        control.kind in CLASSIFYING_KINDS | LABEL_KINDS for control in parsed.controls.values()
    ):
        yield Problem(
            "no_control",
            _l("Add something to answer with, such as <Choices> or <Labels>."),
        )
    if not parsed.required_variables:
        yield Problem(
            "no_data",
            _l("Add something to look at that comes from the task, such as a <Text> with $text."),
        )
    for control in parsed.controls.values():
        yield from _problems_of(control, parsed)


def _problems_of(control: Control, parsed: LabelConfig) -> Iterator[Problem]:
    for name in control.to_names:
        if name not in parsed.objects:
            yield Problem(
                "unknown_to_name",
                _l(
                    "Correct the toName of “%(control)s”: nothing shown is named “%(name)s”.",
                    control=control.name,
                    name=name,
                ),
            )
    if "apiurl" in control.attributes:
        # The editor runs without access to any network but ours.
        yield Problem(
            "api_url",
            _l(
                "Put the options of “%(control)s” into the config or the tasks: an apiUrl is "
                "not reachable from the editor.",
                control=control.name,
            ),
        )
    elif control.kind in _WITH_OPTIONS and not control.options and not control.is_dynamic:
        yield Problem(
            "no_options", _l("Give “%(control)s” something to choose from.", control=control.name)
        )
    if control.kind != "Taxonomy":
        for option in repeated(list(control.options)):
            yield Problem(
                "repeated_option",
                _l(
                    "Name “%(option)s” only once in “%(control)s”.",
                    option=option,
                    control=control.name,
                ),
            )
