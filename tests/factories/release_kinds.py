"""Validated work of every kind that has a format of its own: pictures, recordings, answers."""

from typing import Any

from sqlmodel import Session

from annotation.models import State
from tests.factories.annotation import Desk, make_assignment, make_desk, make_task

PICTURES = """<View><Image name="image" value="$image"/>
<RectangleLabels name="box" toName="image"><Label value="Seal"/><Label value="Stamp"/>
</RectangleLabels>
<BrushLabels name="brush" toName="image"><Label value="Ink"/></BrushLabels></View>"""
COMPARED = """<View><Text name="asked" value="$prompt"/><Text name="one" value="$first"/>
<Text name="two" value="$second"/><Pairwise name="better" toName="one,two"/></View>"""
WRITTEN = """<View><Text name="asked" value="$prompt"/>
<TextArea name="answer" toName="asked"/></View>"""
JUDGED = """<View><Text name="asked" value="$prompt"/><Text name="said" value="$answer"/>
<Choices name="verdict" toName="said"><Choice value="Good"/><Choice value="Bad"/></Choices>
<Rating name="clear" toName="said" maxRating="5"/><Rating name="exact" toName="said" maxRating="5"/>
</View>"""
STEPS = """<View><Text name="asked" value="$prompt"/>
<Paragraphs name="steps" value="$steps" nameKey="author" textKey="text"/>
<ParagraphLabels name="mark" toName="steps"><Label value="Correct"/><Label value="Wrong"/>
</ParagraphLabels></View>"""
HEARD = """<View><Audio name="audio" value="$audio"/>
<TextArea name="words" toName="audio"/></View>"""


def pack_rle(pixels: list[int]) -> list[int]:
    """Pack bytes as Label Studio's editor does, each run of equal bytes as one."""
    bits = f"{len(pixels):032b}{7:05b}" + "".join(f"{one:04b}" for one in (2, 3, 7, 15))
    at = 0
    while at < len(pixels):
        end = at
        while end < len(pixels) and pixels[end] == pixels[at] and end - at < 65536:
            end += 1
        bits += f"1{3:02b}{end - at - 1:016b}{pixels[at]:08b}"
        at = end
    bits += "0" * (-len(bits) % 8)
    return [int(bits[place : place + 8], 2) for place in range(0, len(bits), 8)]


def mark(kind: str, name: str, value: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return an item of an answer about the object that the name stands for."""
    return {"id": f"{name}-{kind}", "from_name": name, "type": kind, "value": value, **more}


def picture(number: int) -> list[dict[str, Any]]:
    """Return an answer with a box and a painted corner, on a picture of 40 by 20."""
    size = {"to_name": "image", "original_width": 40, "original_height": 20, "image_rotation": 0}
    box = {"x": 25.0, "y": 10.0, "width": 50.0, "height": 30.0, "rotation": 0}
    painted = [255 if x < 4 + number and y < 3 else 0 for y in range(20) for x in range(40)]
    rle = pack_rle([one for alpha in painted for one in (0, 0, 0, alpha)])
    return [
        mark("rectanglelabels", "box", box | {"rectanglelabels": ["Seal"]}, **size),
        mark("brushlabels", "brush", {"format": "rle", "rle": rle, "brushlabels": ["Ink"]}, **size),
    ]


def steps(number: int) -> list[dict[str, Any]]:
    """Return an answer that marks two steps, the second wrong in odd tasks."""
    said = ["Correct", "Wrong" if number % 2 else "Correct"]
    return [
        mark(
            "paragraphlabels",
            "mark",
            {
                "start": str(place),
                "end": str(place),
                "startOffset": 0,
                "endOffset": 4,
                "text": "Step",
                "paragraphlabels": [word],
            },
            to_name="steps",
        )
        | {"id": f"s{place}"}
        for place, word in enumerate(said)
    ]


KINDS: dict[str, tuple[str, Any, Any]] = {
    "pictures": (
        PICTURES,
        lambda n: {"image": f"https://files.example/scan-{n}.png"},
        picture,
    ),
    "comparisons": (
        COMPARED,
        lambda n: {
            "prompt": f"What is clause {n}?",
            "first": f"A grant {n}.",
            "second": "No idea.",
        },
        lambda n: [
            {
                "id": "p",
                "from_name": "better",
                "to_name": "better",
                "type": "pairwise",
                "value": {"selected": "right" if n % 3 == 0 else "left"},
            }
        ],
    ),
    "answers": (
        WRITTEN,
        lambda n: {"prompt": f"What does clause {n} say?"},
        lambda n: [mark("textarea", "answer", {"text": [f"It says {n}."]}, to_name="asked")],
    ),
    "verdicts": (
        JUDGED,
        lambda n: {"prompt": f"What is clause {n}?", "answer": f"A grant of {n}."},
        lambda n: [
            mark("choices", "verdict", {"choices": ["Bad" if n % 2 else "Good"]}, to_name="said"),
            mark("rating", "clear", {"rating": 4}, to_name="said"),
            mark("rating", "exact", {"rating": 2}, to_name="said"),
        ],
    ),
    "steps": (
        STEPS,
        lambda n: {
            "prompt": f"What is {n} + {n}?",
            "steps": [{"author": "x", "text": "Step one"}, {"author": "x", "text": f"So {n + n}"}],
        },
        steps,
    ),
    "recordings": (
        HEARD,
        lambda n: {"audio": f"https://files.example/call-{n}.wav"},
        lambda n: [
            mark("textarea", "words", {"text": [f"Call {n}"]}, to_name="audio", original_length=2.5)
        ],
    ),
}


def make_kind(session: Session, kind: str, *, tasks: int = 6) -> Desk:
    """Make a project of a kind with validated answers to all its tasks."""
    config, data, answer = KINDS[kind]
    desk = make_desk(session, experts=1, tasks=0, label_config=config, overlap=1)
    for number in range(tasks):
        task = make_task(
            session,
            desk.project,
            external_id=f"{kind}/{number}",
            data=data(number),
            group_key=f"{kind}-{number}",
        )
        make_assignment(
            session,
            desk.project,
            expert=desk.experts[0],
            task=task,
            state=State.ACCEPTED,
            result=answer(number),
        )
    return desk


def make_joined(session: Session, *, tasks: int = 2) -> Desk:
    """Make pictures that three people have marked: the same seal, and a stamp that one alone saw.

    Their boxes cover each other without being the same; joined by overlap they come to `picture`.
    """
    config, data, _answer = KINDS["pictures"]
    desk = make_desk(session, experts=3, tasks=0, label_config=config, overlap=3)
    for number in range(tasks):
        task = make_task(
            session,
            desk.project,
            external_id=f"joined/{number}",
            data=data(number),
            group_key=f"joined-{number}",
        )
        for shift, expert in zip((-2.5, 0.0, 2.5), desk.experts, strict=True):
            seal, painted = picture(number)
            seal["value"]["x"] += shift
            result = [seal, painted]
            if shift < 0:
                value = {"x": 0, "y": 80, "width": 10, "height": 20, "rotation": 0}
                stamp = {**seal, "id": "stamp", "value": value | {"rectanglelabels": ["Stamp"]}}
                result.append(stamp)
            make_assignment(
                session, desk.project, expert=expert, task=task, state=State.ACCEPTED, result=result
            )
    return desk
