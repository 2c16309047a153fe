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
from annotation.places import PLACES
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
        found += [
            *_arity_problems(parsed, regions),
            *_usage_problems(parsed, regions),
            *_kinship_problems(parsed, regions),
            *_required_problems(parsed, regions),
        ]
    return list({(problem.code, str(problem.words)): problem for problem in found}.values())


def _relation_problems(
    parsed: LabelConfig,
    relations: Sequence[Mapping[str, Any]],
    regions: Sequence[Mapping[str, Any]],
) -> Iterator[Problem]:
    ids = {region["id"] for region in regions if isinstance(region.get("id"), str)}
    joined: set[tuple[Any, Any]] = set()
    for relation in relations:
        pair = (relation.get("from_id"), relation.get("to_id"))
        if not _is_relation(parsed, relation, ids) or pair in joined:
            yield Problem("relation", _l("A relation does not join two marks of this answer."))
        else:
            joined.add(pair)


def _is_relation(parsed: LabelConfig, relation: Mapping[str, Any], ids: set[str]) -> bool:
    labels = relation.get("labels", [])
    ends = [relation.get("from_id"), relation.get("to_id")]
    return (
        not relation.keys() - _RELATION_KEYS
        and all(isinstance(one, str) and one in ids for one in ends)
        and ends[0] != ends[1]
        and relation.get("direction") in _DIRECTIONS
        and isinstance(labels, list)
        and all(isinstance(label, str) for label in labels)
        and set(labels) <= parsed.relation_options
        and len(set(labels)) == len(labels)
    )


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


def _usage_problems(parsed: LabelConfig, regions: Sequence[Mapping[str, Any]]) -> Iterator[Problem]:
    """Find labels that are set more often than the config allows."""
    given = Counter(
        (region["from_name"], label)
        for region in regions
        if parsed.controls[region["from_name"]].is_labels
        for label in region["value"].get(ANSWER_KEYS[parsed.controls[region["from_name"]].kind], [])
    )
    for (name, label), times in given.items():
        if times > parsed.most_uses(name).get(label, times):
            yield Problem("too_many", _l("“%(label)s” is set too often.", label=label))


def _kinship_problems(
    parsed: LabelConfig, regions: Sequence[Mapping[str, Any]]
) -> Iterator[Problem]:
    """Find marks that share an id and not their place, and answers about marks that are not there.

    One mark may come several times, once for each control that says something of it.
    """
    marks: dict[Any, tuple[Any, Any]] = {}
    given: set[tuple[Any, str]] = set()
    for region in regions:
        control = parsed.controls[region["from_name"]]
        if control.kind in CLASSIFYING_KINDS or region.get("id") is None:
            continue
        place = {key: part for key, part in region["value"].items() if key in PLACES}
        same = marks.setdefault(region["id"], (region["to_name"], place))
        if same != (region["to_name"], place) or (region["id"], control.name) in given:
            yield Problem("same_id", _l("Two marks of this answer have the same id."))
        given.add((region["id"], control.name))
    for region in regions:
        control = parsed.controls[region["from_name"]]
        parent = region.get("parentID")
        is_about = control.kind in CLASSIFYING_KINDS and _is_per_region(control)
        if (is_about and region.get("id") not in marks) or (
            parent is not None and (parent not in marks or parent == region.get("id"))
        ):
            yield Problem("no_mark", _l("A part of this answer is about a mark that is not there."))


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
