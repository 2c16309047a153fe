"""Formats for language models: as TRL reads them, and as OpenAI's fine-tuning does.

What stands for the prompt, the answer and the verdict follows from the label config alone; where it
leaves doubt, the format is refused and says why, rather than guess.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from annotation.label_config import Control
from releases.format_source import Out, Row, Source, Unfit, unpacked

Message = dict[str, str]
ROLES = {
    "system": "system",
    "user": "user",
    "human": "user",
    "prompter": "user",
    "assistant": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "gpt": "assistant",
}
GOOD = {
    "good",
    "yes",
    "correct",
    "right",
    "accept",
    "accepted",
    "true",
    "up",
    "desirable",
    "helpful",
    "safe",
    "pass",
    "ok",
    "bon",
    "bonne",
    "oui",
    "juste",
    "accepté",
}
BAD = {
    "bad",
    "no",
    "incorrect",
    "wrong",
    "reject",
    "rejected",
    "false",
    "down",
    "undesirable",
    "unhelpful",
    "unsafe",
    "fail",
    "mauvais",
    "mauvaise",
    "non",
    "faux",
    "refusé",
}
SIDES = {"left": 0, "right": 1}


@dataclass(frozen=True)
class Pair:
    """Two answers to a prompt, and which is better: 0, 1, or neither."""

    prompt: list[Message]
    answers: tuple[str, str]
    better: int | None


def messages(source: Source, out: Out) -> None:
    """TRL's conversational language modelling: `messages`, the expert's answer last."""
    for split in source.splits:
        with out.lines(f"{split}.jsonl") as add:
            for _row, prompt, completion in _written(source, split, out):
                add({"messages": [*prompt, _said("assistant", completion)]})


def prompt_completion(source: Source, out: Out) -> None:
    """TRL's prompt and completion, conversational."""
    for split in source.splits:
        with out.lines(f"{split}.jsonl") as add:
            for _row, prompt, completion in _written(source, split, out):
                add({"prompt": prompt, "completion": [_said("assistant", completion)]})


def openai_sft(source: Source, out: Out) -> None:
    """OpenAI's supervised fine-tuning: the same messages, each of a role that it knows."""
    messages(source, out)


def preference(source: Source, out: Out) -> None:
    """TRL's preference pairs with an explicit prompt; ties are left out."""
    for pair, add in _pairs(source, out, "{split}.jsonl"):
        if pair.better is None:
            out.left_out += 1
            continue
        add({"prompt": pair.prompt, **_chosen(pair, "chosen", "rejected")})
        out.rows += 1


def openai_dpo(source: Source, out: Out) -> None:
    """OpenAI's direct preference optimisation."""
    for pair, add in _pairs(source, out, "{split}.jsonl"):
        if pair.better is None:
            out.left_out += 1
            continue
        said = {"input": {"messages": pair.prompt, "tools": [], "parallel_tool_calls": True}}
        add(said | _chosen(pair, "preferred_output", "non_preferred_output"))
        out.rows += 1


def unpaired(source: Source, out: Out) -> None:
    """TRL's unpaired preference: one answer and whether it is good."""
    judged = _judging(source)
    if judged is None:
        _unpaired_from_pairs(source, out)
        return
    control, good, bad = judged
    answer = source.field_of(control, "Text")
    asked = [name for name in source.fields("Text", "Paragraphs") if name != answer]
    for split in source.splits:
        with out.lines(f"{split}.jsonl") as add:
            for row in source.rows(split):
                prompt, chosen = _prompt(row, asked), row.choice(control.name)
                if chosen not in (good, bad) or not prompt or not row.data.get(answer):
                    out.left_out += 1
                    continue
                completion = [_said("assistant", str(row.data[answer]))]
                add({"prompt": prompt, "completion": completion, "label": chosen == good})
                out.rows += 1


def stepwise(source: Source, out: Out) -> None:
    """TRL's stepwise supervision: the steps of an answer and whether each is right."""
    control, right, wrong, field = _steps(source)
    asked = source.fields("Text")
    if not asked:
        raise Unfit("no text beside the steps says what was asked")
    for split in source.splits:
        with out.lines(f"{split}.jsonl") as add:
            for row in source.rows(split):
                steps = [_line(one) for one in _lines(row.data.get(field))]
                labels = _verdicts(row, control, right, wrong, len(steps))
                prompt = "\n\n".join(str(row.data[name]) for name in asked if name in row.data)
                if labels is None or not steps or not prompt:
                    out.left_out += 1
                    continue
                add({"prompt": prompt, "completions": steps, "labels": labels})
                out.rows += 1


def rubric(source: Source, out: Out) -> None:
    """Answers graded by criteria: TRL's prompt and completion, with the grades and their mean."""
    graded = [one for one in source.of_kind("Rating", "Number") if _most(one)]
    if not graded:
        raise Unfit("nothing is graded with Rating, or with Number that has a max")
    answer = source.field_of(graded[0], "Text")
    asked = [name for name in source.fields("Text", "Paragraphs") if name != answer]
    if not asked:
        raise Unfit("no text beside the answer says what was asked")
    for split in source.splits:
        with out.lines(f"{split}.jsonl") as add:
            for row in source.rows(split):
                grades = _grades(row, graded)
                prompt = _prompt(row, asked)
                if not grades or not prompt or not row.data.get(answer):
                    out.left_out += 1
                    continue
                add(
                    {
                        "prompt": prompt,
                        "completion": [_said("assistant", str(row.data[answer]))],
                        "rubric": [
                            {"criterion": name, "grade": grade, "most": most}
                            for name, grade, most in grades
                        ],
                        "reward": round(sum(g / most for _n, g, most in grades) / len(grades), 6),
                    }
                )
                out.rows += 1


def _written(source: Source, split: str, out: Out) -> Iterator[tuple[Row, list[Message], str]]:
    """Yield what was asked and what the expert wrote."""
    control = _writing(source)
    asked = source.field_of(control, "Text", "Paragraphs")
    others = [name for name in source.fields("Text", "Paragraphs") if name != asked]
    for row in source.rows(split):
        texts = [text for value in row.values(control.name) for text in value.get("text", [])]
        prompt = _prompt(row, [*others, asked])
        if not texts or not prompt:
            out.left_out += 1
            continue
        out.rows += 1
        yield row, prompt, "\n\n".join(texts)


def _writing(source: Source) -> Control:
    for control in source.of_kind("TextArea"):
        if not control.is_on("perregion"):
            return control
    raise Unfit("nobody writes an answer: there is no TextArea about the whole task")


def _pairs(source: Source, out: Out, path: str) -> Iterator[tuple[Pair, Any]]:
    control, answers, asked = _comparing(source)
    for split in source.splits:
        with out.lines(path.format(split=split)) as add:
            for row in source.rows(split):
                pair = _pair(row, control, answers, asked)
                if pair is None:
                    out.left_out += 1
                else:
                    yield pair, add


def _comparing(source: Source) -> tuple[Control, tuple[str, str], list[str]]:
    controls = source.of_kind("Pairwise")
    if not controls:
        raise Unfit("nobody compares two answers: there is no Pairwise")
    tags = [source.config.objects.get(name) for name in controls[0].to_names]
    fields = [tag.variable for tag in tags if tag is not None and tag.kind == "Text"]
    first, second = (*fields, None, None)[:2]
    if first is None or second is None:
        raise Unfit("what is compared is not two texts")
    asked = [one for one in source.fields("Text", "Paragraphs") if one not in (first, second)]
    if not asked:
        raise Unfit("no text beside the two answers says what was asked")
    return controls[0], (first, second), asked


def _pair(row: Row, control: Control, answers: tuple[str, str], asked: list[str]) -> Pair | None:
    texts = [row.data.get(name) for name in answers]
    prompt = _prompt(row, asked)
    values = [item["value"] for item in row.items("pairwise") if isinstance(item["value"], dict)]
    if not prompt or not all(isinstance(text, str) and text for text in texts) or not values:
        return None
    return Pair(prompt, (str(texts[0]), str(texts[1])), SIDES.get(str(values[0].get("selected"))))


def _chosen(pair: Pair, chosen: str, rejected: str) -> dict[str, Any]:
    better = pair.better or 0
    said = [[_said("assistant", text)] for text in pair.answers]
    return {chosen: said[better], rejected: said[1 - better]}


def _unpaired_from_pairs(source: Source, out: Out) -> None:
    try:
        pairs = _pairs(source, out, "{split}.jsonl")
        for pair, add in pairs:
            if pair.better is None:
                out.left_out += 1
                continue
            for number, text in enumerate(pair.answers):
                completion = [_said("assistant", text)]
                better = number == pair.better
                add({"prompt": pair.prompt, "completion": completion, "label": better})
                out.rows += 1
    except Unfit as error:
        raise Unfit(f"no choice says whether an answer is good or bad, and {error}") from error


def _judging(source: Source) -> tuple[Control, str, str] | None:
    """Return the choice that says whether an answer is good, with its two options."""
    for control in source.of_kind("Choices"):
        good = [one for one in control.options if one.strip().lower() in GOOD]
        bad = [one for one in control.options if one.strip().lower() in BAD]
        if len(good) == len(bad) == 1 and not control.is_multiple:
            fields = source.fields("Text", "Paragraphs")
            if len(fields) >= 2:  # what was asked, and the answer
                return control, good[0], bad[0]
    return None


def _steps(source: Source) -> tuple[Control, str, str, str]:
    for control in source.of_kind("ParagraphLabels"):
        right = [one for one in control.options if one.strip().lower() in GOOD]
        wrong = [one for one in control.options if one.strip().lower() in BAD]
        if len(right) == len(wrong) == 1:
            return control, right[0], wrong[0], source.field_of(control, "Paragraphs")
    raise Unfit("no ParagraphLabels mark steps with two labels, one for right and one for wrong")


def _verdicts(row: Row, control: Control, right: str, wrong: str, steps: int) -> list[bool] | None:
    """Return whether each step is right; None where one was not marked, or both ways."""
    found: dict[int, set[str]] = {}
    for value in row.values(control.name):
        for step in range(int(value["start"]), int(value["end"]) + 1):
            found.setdefault(step, set()).update(value.get("paragraphlabels") or [])
    said = [found.get(step, set()) & {right, wrong} for step in range(steps)]
    if any(len(one) != 1 for one in said):
        return None
    return [right in one for one in said]


def _grades(row: Row, controls: list[Control]) -> list[tuple[str, float, float]]:
    found = []
    for control in controls:
        for value in row.values(control.name):
            grade = value.get("rating", value.get("number"))
            most = _most(control)
            if isinstance(grade, int | float) and most:
                found.append((control.name, float(grade), most))
    return found


def _most(control: Control) -> float | None:
    if control.kind == "Rating":
        return float(control.attributes.get("maxrating") or 5)
    most = control.attributes.get("max", "")
    return float(most) if most.replace(".", "", 1).isdecimal() and float(most) > 0 else None


def _prompt(row: Row, names: list[str]) -> list[Message]:
    """Return what was asked as messages: a conversation as it went, texts as one of a user."""
    said: list[Message] = []
    for name in names:
        value = unpacked(row.data.get(name))
        if isinstance(value, list):
            said += [_said(_role(one), _line(one)) for one in value if _line(one)]
        elif value is not None and str(value).strip():
            said.append(_said("user", str(value)))
    return said


def _lines(value: Any) -> list[Any]:
    found = unpacked(value)
    return found if isinstance(found, list) else []


def _line(one: Any) -> str:
    if not isinstance(one, dict):
        return str(one)
    return str(one.get("text") or one.get("content") or one.get("value") or "")


def _role(one: Any) -> str:
    said = one.get("role") or one.get("author") or one.get("from") if isinstance(one, dict) else ""
    return ROLES.get(str(said).strip().lower(), "user")


def _said(role: str, content: str) -> Message:
    return {"role": role, "content": content}
