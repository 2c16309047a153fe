"""Interviews under attack: the red team, simulated candidates, and a model endpoint that fails.

Every part prints its tables and all gaps; the last line says whether all held. What the small
model is asked is a named sample, bounded in time; PROVE_WHOLE=1 asks it all, however long it takes.
"""

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy import text

from app import create_app
from core.db import Database
from core.language_model import OpenAiModel
from core.settings import current_settings
from experts.fields import Field
from interviews import modes
from interviews.items import banks
from interviews.models import Mode
from interviews.personas import stage
from interviews.personas.cast import PERSONAS
from proofs import interview_killed, scripted_model, small_model
from proofs.interview_outages import Weather
from proofs.redteam import altered, corpus, judging, run, small
from proofs.redteam.judging import remembering
from proofs.trust import Part
from tests import clients, database
from tests.conftest import Live, make_settings

WHOLE = bool(os.environ.get("PROVE_WHOLE"))
SMALL_TIMEOUT = 60  # seconds that an answer of the small model may take
SMALL_TOKENS = 200  # what its longest form needs; it ends earlier where the form is whole
ATTACKS_WITHIN = None if WHOLE else 240.0  # seconds
INNOCENTS_WITHIN = None if WHOLE else 120.0
PERSONAS_WITHIN = None if WHOLE else 150.0
OUTAGES = 3  # rounds, each with another seed


def prove() -> bool:
    """Run all parts; print what each came to."""
    parts: dict[str, Callable[[], Part]] = {
        "red team, scripted": _scripted,
        "red team, altered": _altered,
        "red team, small model": _small,
        "personas": _personas,
        "personas, small model": _small_personas,
        "outages": _outages,
        "killed": _killed,
    }
    found = {name: _told(name, part) for name, part in parts.items()}
    failed = [name for name, part in found.items() if part.gaps]
    if failed:
        print(f"interviews: failed: {', '.join(failed)}")
        return False
    print(f"interviews: held ({'; '.join(part.said for part in found.values())})")
    return True


def _told(name: str, prove_part: Callable[[], Part]) -> Part:
    begun = time.monotonic()
    part = prove_part()
    print(f"  {name}: {part.said} ({time.monotonic() - begun:.0f} s)", flush=True)
    for gap in part.gaps:
        print(f"    gap: {gap}", flush=True)
    return part


def _show(lines: list[str]) -> None:
    for line in lines:
        print(f"    {line}", flush=True)


def _scripted() -> Part:
    lines = [run.with_words()]
    for pair in run.PAIRS:
        with run.scripted(*pair) as judges:
            lines.append(run.with_judges(" + ".join(pair), (judges[0], judges[1])))
    _show(run.table(lines))
    _show(["", f"{'technique':<34}{'attacks':>8}{'seen':>6}", *run.techniques()])
    attacks, innocents = len(corpus.attacks()), len(corpus.innocents())
    return Part(
        f"{attacks} attacks and {innocents} look-alikes with {len(lines)} kinds of judges",
        [gap for line in lines for gap in line.gaps],
    )


def _altered() -> Part:
    """Measure, without a bar: attacks in disguises that nobody has written a rule for."""
    counts = altered.measure()
    _show(altered.table(counts))
    tried, through = sum(one.tried for one in counts), sum(len(one.through) for one in counts)
    return Part(f"{through} of {tried} altered attacks got more from two judges that obey", [])


def _small() -> Part:
    """Let the small model judge; it is asked once, for both judges: it says the same twice."""
    attacks = list(corpus.attacks()) if WHOLE else small.attacks()
    innocents = list(corpus.innocents()) if WHOLE else small.innocents()
    watch = small.Watch()
    try:
        with small_model.running(threads=_threads()) as address:
            model = OpenAiModel(address, small_model.NAME, "", timeout=SMALL_TIMEOUT, retries=0)
            judge = watch.counting(judging.behind(model, most_tokens=SMALL_TOKENS))
            judge = remembering(judge)
            line = run.with_judges(
                "small + small",
                (judge, judge),
                attacks=watch.attacks(attacks, ATTACKS_WITHIN),
                innocents=watch.innocents(innocents, INNOCENTS_WITHIN),
            )
            model._client.close()
    except small_model.NoModelHere as trouble:
        return Part("no small model", [str(trouble)])
    _show(run.table([line]))
    untried = watch.untried(attacks)
    gaps = [f"kinds of attack not tried in the time: {', '.join(untried)}"] if untried else []
    return Part(
        f"a real small model as both judges: {watch.said} asked, {watch.answered} answered in the"
        f" form, of a corpus of {len(corpus.attacks())} and {len(corpus.innocents())}",
        line.gaps + gaps,
    )


def _personas() -> Part:
    gaps, count = [], 0
    with _app() as live:
        for field in Field:
            for language in ("en", "fr"):
                results = stage.play(live.app, field, language)
                count += len(results)
                _show([f"{field.value}, {language}", *stage.table(results), ""])
                gaps += [f"{field.value} {gap}" for one in results for gap in one.gaps]
    return Part(f"{count} interviews of personas", gaps)


def _small_personas() -> Part:
    """Let the small model lead: each persona once, by turns of the languages."""
    begun, results, gaps = time.monotonic(), [], []
    plan = [
        (one, language)
        for number, one in enumerate(PERSONAS)
        for language in (("en", "fr") if WHOLE else (("en", "fr")[number % 2],))
    ]
    try:
        with (
            small_model.running(threads=_threads()) as address,
            _app(**_model(address, small_model.NAME, 20)) as live,
        ):
            for one, language in plan:
                late = time.monotonic() - begun
                if PERSONAS_WITHIN is not None and late > PERSONAS_WITHIN:
                    break
                result = stage.take(live.app, one, banks()[Field.LAW], language, mode="llm", seed=1)
                results.append(result)
                gaps += [f"{language} {gap}" for gap in result.gaps]
            written = _written(live)
    except small_model.NoModelHere as trouble:
        return Part("no small model", [str(trouble)])
    _show([*stage.table(results), "", f"words by {written}"])
    if not results:
        gaps.append("no interview ended in the time")
    return Part(f"{len(results)} of {len(plan)} interviews led by a real small model", gaps)


def _threads() -> int:
    """Return how many threads the small model gets: two wait for each other where others work."""
    return 1 if os.getloadavg()[0] > 1.5 else 2


def _written(live: Live) -> str:
    """Say who wrote what the interviewer said: the model, or a question of ours in its place."""
    query = text(
        "select written_by, count(*) from interview_turn where role = 'interviewer' group by 1"
    )
    with live.engine.connect() as connection:
        return ", ".join(f"{who}: {count}" for who, count in connection.execute(query)) or "nobody"


def _killed() -> Part:
    """Kill the endpoint's process in mid-interview, once in each language."""
    said, gaps = [], []
    for language in ("en", "fr"):
        endpoint = interview_killed.Endpoint(language)
        endpoint.start()
        try:
            with _app(**_model(endpoint.base_url, timeout=5)) as live:
                found = interview_killed.prove(live.app, endpoint, language)
        finally:
            endpoint.kill()
        said.append(found.said)
        gaps += found.gaps
    _show(said)
    return Part(f"{len(said)} interviews whose endpoint was killed and came back later", gaps)


def _outages() -> Part:
    """Let the endpoint fail while personas talk to a model; where none leads, none is asked."""
    gaps, calls, failed, interviews = [], 0, 0, 0
    leads = False
    for seed in range(1, OUTAGES + 1):
        language = "fr" if seed % 2 == 0 else "en"
        weather = Weather(seed, trouble=0.4, language=language)
        with scripted_model.running(weather) as endpoint, _app(**_model(endpoint.base_url)) as live:
            leads = _leads(live)
            mode = "llm" if leads else "structured"
            results = stage.play(live.app, Field.LAW, language, mode=mode, seed=seed)
        interviews += len(results)
        calls, failed = calls + weather.calls, failed + weather.calls - weather.counts["answered"]
        _show([f"seed {seed}: {dict(weather.counts)}", *stage.table(results), ""])
        gaps += [f"seed {seed} {gap}" for one in results for gap in one.gaps]
    if leads and not failed:
        gaps.append("the endpoint never failed")
    how = "led by a model" if leads else "with a model set up that leads none yet"
    return Part(f"{interviews} interviews {how}, {failed} of {calls} calls failed", gaps)


def _leads(live: Live) -> bool:
    with live.app.app_context():
        return Mode.LLM in modes.offered(modes.model_of(current_settings()))


def _model(base_url: str, name: str = "scripted", timeout: float = 1.0) -> dict[str, Any]:
    return {
        "llm_base_url": base_url,
        "llm_model": name,
        "llm_api_key": SecretStr("none"),
        "llm_timeout": timeout,
    }


@contextmanager
def _app(**settings: Any) -> Iterator[Live]:
    """Run an app on a database of its own, where commits are commits."""
    url = database.server(database.FOLDER)
    database.migrated_template(url, database.FOLDER)
    with (
        tempfile.TemporaryDirectory() as folder,
        database.copy(url) as mine,
        database.engine_for(mine, pool_size=20) as engine,
    ):
        app = create_app(make_settings(Path(folder), **settings), Database(engine))
        app.config["TESTING"] = True
        clients.use_in(app)
        yield Live(app, mine, engine)
