"""What withdrawing a consent does to interviews."""

from datetime import datetime

from flask_babel import gettext as _
from flask_babel import ngettext
from sqlmodel import Session, select

from accounts.models import Purpose
from accounts.withdrawals import Effect
from core import formats
from interviews import conversation, transcripts
from interviews.models import Interview, Mode, State


def describe_transcripts(session: Session, user_id: int, at: datetime) -> list[str]:
    """Say which answers are deleted now, and which stay until when."""
    lines = []
    gone = len(transcripts.final(session, user_id, at))
    if gone:
        lines.append(
            ngettext(
                "The answers of %(num)s interview are deleted now. Its points, levels and result"
                " stay.",
                "The answers of %(num)s interviews are deleted now. Their points, levels and"
                " results stay.",
                gone,
            )
        )
    return lines + [transcripts.in_words(one) for one in transcripts.staying(session, user_id, at)]


def delete_transcripts(session: Session, user_id: int, at: datetime) -> None:
    """Delete the answers that nothing needs; the sweep deletes the others when their time comes."""
    for interview in transcripts.final(session, user_id, at):
        transcripts.delete(session, interview, at)


def describe_llm(session: Session, user_id: int, at: datetime) -> list[str]:
    """Say which interviews go on without a language model."""
    return [
        _(
            "Your interview of %(begun)s (%(field)s) goes on without a language model. What you"
            " have answered stays, and the result does not depend on it.",
            begun=formats.day_long(one.started_at),
            field=one.field.label,
        )
        for one in _led_by_llm(session, user_id)
        if one.is_open(at)
    ]


def leave_llm(session: Session, user_id: int, at: datetime) -> None:
    """Let interviews go on without a language model."""
    for interview in _led_by_llm(session, user_id):
        if interview.is_open(at):
            conversation.switch(session, interview, Mode.STRUCTURED, at)


def _led_by_llm(session: Session, user_id: int) -> list[Interview]:
    query = select(Interview).where(
        Interview.expert_id == user_id, Interview.state == State.ACTIVE, Interview.mode == Mode.LLM
    )
    return list(session.exec(query.with_for_update()))


def describe_voice(session: Session, user_id: int, at: datetime) -> list[str]:
    """Say that nothing is kept that could be deleted."""
    return [_("From now on you type. No recording was ever kept, so there is none to delete.")]


def end_voice(session: Session, user_id: int, at: datetime) -> None:
    """Nothing to do: each recording asks for the consent."""


EFFECTS = {
    Purpose.TRANSCRIPTS: Effect(describe_transcripts, delete_transcripts),
    Purpose.AI_INTERVIEW: Effect(describe_llm, leave_llm),
    Purpose.VOICE: Effect(describe_voice, end_voice),
}
