"""The two judges of this instance, and the question to one of them.

Two models where the settings name two, else one model with two prompts. No session: what they say
is verified against the words of the candidate here, and kept by others.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlmodel import Session

from core.models import CallOutcome
from core.ports import LanguageModel, ModelNonsense, ModelRefused, ModelUse, Ports
from core.settings import Settings
from interviews import hardening, judge_prompts, quotes, rubrics
from interviews.evidence import Reading
from interviews.items import Item
from interviews.judge_models import Judged, JudgeVersion

BOTH = (1, 2)


@dataclass(frozen=True)
class Judges:
    """Two judges, and what tells them from all others."""

    models: tuple[LanguageModel, LanguageModel]
    form: str

    @property
    def names(self) -> list[str]:
        """The models by their names."""
        return [model.name for model in self.models]

    @property
    def version(self) -> str:
        """What changes when a prompt, a model or the way of asking does."""
        hosts = [model.host for model in self.models]
        whole = json.dumps([judge_prompts.digest(), self.names, hosts, self.form])
        return hashlib.sha256(whole.encode()).hexdigest()


@dataclass(frozen=True)
class Heard:
    """What came of asking a judge; quotes are the candidate's own words."""

    outcome: Judged
    use: ModelUse
    call: CallOutcome
    readings: tuple[Reading, ...] = ()

    @property
    def met(self) -> list[str]:
        """The checks that it found met."""
        return [one.check for one in self.readings if one.met]


def of(ports: Ports, settings: Settings) -> Judges | None:
    """Return the judges that the settings give; None without a language model."""
    first = ports.language_model
    if first is None:
        return None
    return Judges((first, ports.second_model or first), settings.llm_form)


def keep(session: Session, judges: Judges, at: datetime) -> str:
    """Keep a version of the judges, once; return its digest."""
    row = {
        "digest": judges.version,
        "prompts": judge_prompts.digest(),
        "models": judges.names,
        "form": judges.form,
        "first_used_at": at,
    }
    session.execute(insert(JudgeVersion).values(row).on_conflict_do_nothing())
    return judges.version


def ask(judges: Judges, judge: int, item: Item, text: str, language: str) -> Heard:
    """Ask one judge; raises `ModelDown` when a later attempt may help."""
    model, question = judges.models[judge - 1], rubrics.short(item)
    said = judge_prompts.asked(item, text, language, judge=judge)
    form = judge_prompts.form_for(question)
    try:
        answer = model.ask(said, form, most_tokens=judge_prompts.MOST_TOKENS)
    except ModelNonsense as nonsense:
        return Heard(Judged.NONSENSE, nonsense.use, CallOutcome.NONSENSE)
    except ModelRefused:
        return Heard(Judged.REFUSED, nothing(model.name), CallOutcome.REFUSED)
    readings = []
    for key, read in judge_prompts.read_in(answer.value, question).items():
        quote = quotes.verified(read.quote, text) if read.met else None
        readings.append(Reading(key, met=quote is not None, quote=quote))
    if hardening.kept(item, text, readings).doubts:
        return Heard(Judged.DOUBTED, answer.use, CallOutcome.ANSWERED)
    return Heard(Judged.READ, answer.use, CallOutcome.ANSWERED, tuple(readings))


def nothing(name: str) -> ModelUse:
    """Return the use of a call that came to nothing."""
    return ModelUse(model=name, tokens_in=0, tokens_out=0, milliseconds=0)
