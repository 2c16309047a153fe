"""Checks of an answer in Label Studio's result format, against the config and the task's data.

Label Studio stores whatever it is sent, and one bad answer later blocks every change of the
config. So nothing counts before it has passed here: names, types, labels, offsets and quoted
text, arity, required controls, ranges, unknown keys, sizes. Pure, and without the SDK, since web
workers must stay small; the tests hold it against the SDK's own judgement.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from flask_babel import lazy_gettext as _l

from annotation.config_check import config_problems
from annotation.label_config import Control, LabelConfig, for_editor, parse, variables
from annotation.label_tags import ANSWER_KEYS, CLASSIFYING_KINDS
from annotation.problems import Problem
from annotation.regions import MAX_REGIONS, region_problems
from annotation.storable import is_storable

__all__ = ["Problem", "config_problems", "for_editor", "is_storable", "problems", "variables"]

_DIRECTIONS = ("left", "right", "bi")
_RELATION_KEYS = frozenset({"id", "type", "from_id", "to_id", "direction", "labels", "origin"})


def problems(config: str, data: Mapping[str, Any], result: Any) -> list[Problem]:
    """List what is wrong with an answer; nothing means that it may count."""
    if not isinstance(result, list) or not all(isinstance(part, dict) for part in result):
        return [Problem("not_a_result", _l("The answer is not in the editor’s format."))]
    if len(result) > MAX_REGIONS or not is_storable(result):
        return [
            Problem("too_large", _l("The answer is too large, or holds signs that cannot be kept."))
        ]
    parsed = parse(config)
    regions = [part for part in result if part.get("type") != "relation"]
    relations = [part for part in result if part.get("type") == "relation"]
    found = [problem for region in regions for problem in region_problems(parsed, data, region)]
    found += _relation_problems(parsed, relations, regions)
    if not found:
        # Only what is well-formed can be counted.
        found += [*_arity_problems(parsed, regions), *_required_problems(parsed, regions)]
    return list({(problem.code, str(problem.words)): problem for problem in found}.values())


def _relation_problems(
    parsed: LabelConfig,
    relations: Sequence[Mapping[str, Any]],
    regions: Sequence[Mapping[str, Any]],
) -> Iterator[Problem]:
    ids = {region["id"] for region in regions if isinstance(region.get("id"), str)}
    for relation in relations:
        labels = relation.get("labels") or []
        if (
            relation.keys() - _RELATION_KEYS
            or not isinstance(relation.get("from_id"), str)
            or not isinstance(relation.get("to_id"), str)
            or not {relation["from_id"], relation["to_id"]} <= ids
            or relation.get("direction") not in _DIRECTIONS
            or not isinstance(labels, list)
            or not all(
                isinstance(label, str) and label in parsed.relation_options for label in labels
            )
        ):
            yield Problem("relation", _l("A relation does not join two marks of this answer."))


def _arity_problems(parsed: LabelConfig, regions: Sequence[Mapping[str, Any]]) -> Iterator[Problem]:
    """Find controls that answer twice where the editor would answer once."""
    given = Counter(
        (
            region["from_name"],
            region.get("item_index"),
            region.get("id") if _is_per_region(parsed.controls[region["from_name"]]) else None,
        )
        for region in regions
        if parsed.controls[region["from_name"]].kind in CLASSIFYING_KINDS
    )
    for (name, _item, _region), times in given.items():
        if times > 1:
            yield Problem("answered_twice", _l("“%(control)s” is answered twice.", control=name))


def _required_problems(
    parsed: LabelConfig, regions: Sequence[Mapping[str, Any]]
) -> Iterator[Problem]:
    for control in parsed.controls.values():
        if (
            control.required
            and _is_visible(parsed, control, regions)
            and not _is_answered(parsed, control, regions)
        ):
            yield Problem(
                "required", _l("Answer “%(control)s”: it is required.", control=control.name)
            )


def _is_answered(
    parsed: LabelConfig, control: Control, regions: Sequence[Mapping[str, Any]]
) -> bool:
    own = [region for region in regions if region["from_name"] == control.name]
    own = [region for region in own if _holds_something(control, region["value"])]
    if not _is_per_region(control):
        return bool(own)
    return _marks(parsed, control, regions) <= {region.get("id") for region in own}


def _holds_something(control: Control, value: Mapping[str, Any]) -> bool:
    """Return whether an answer says anything: no stars and blank texts do not."""
    answer = value.get(ANSWER_KEYS.get(control.kind, ""), True)
    if control.kind == "Rating":
        return bool(answer)
    if control.kind == "TextArea":
        return any(text.strip() for text in ([answer] if isinstance(answer, str) else answer))
    return True


def _marks(parsed: LabelConfig, control: Control, regions: Sequence[Mapping[str, Any]]) -> set[Any]:
    """Return the regions about which a control must be answered."""
    tag, label = control.attributes.get("whentagname"), control.attributes.get("whenlabelvalue")
    return {
        region.get("id")
        for region in regions
        if (source := parsed.controls[region["from_name"]]).kind not in CLASSIFYING_KINDS
        and set(source.to_names) & set(control.to_names)
        and (tag is None or source.name == tag)
        and (label is None or _has_label(source, region["value"], label))
    }


def _has_label(source: Control, value: Mapping[str, Any], wanted: str) -> bool:
    given = value.get(ANSWER_KEYS.get(source.kind, "labels")) or []
    return bool(set(given) & set(wanted.split(",")))


def _is_per_region(control: Control) -> bool:
    return control.is_on("perregion")


def _is_visible(
    parsed: LabelConfig, control: Control, regions: Sequence[Mapping[str, Any]]
) -> bool:
    """Return whether the editor showed a control at the end, as far as an answer can tell."""
    if _is_per_region(control):
        return True
    chosen: dict[str, set[Any]] = {name: set() for name in parsed.controls}
    for region in regions:
        for choice in region["value"].get("choices") or []:
            chosen[region["from_name"]].add(choice if isinstance(choice, str) else choice[-1])
    return all(_condition_holds(rules, chosen) for rules in (control.attributes, *control.within))


def _condition_holds(rules: Mapping[str, str], chosen: Mapping[str, set[Any]]) -> bool:
    when, tag, value = (rules.get(key) for key in ("visiblewhen", "whentagname", "whenchoicevalue"))
    if when in ("region-selected", "no-region-selected"):
        # What was selected while working is not part of an answer.
        return False
    if when not in ("choice-selected", "choice-unselected") and not value:
        return True
    picked = chosen.get(tag, set()) if tag else set().union(*chosen.values())
    selected = bool(picked & set(value.split(","))) if value else bool(picked)
    return not selected if when == "choice-unselected" else selected
