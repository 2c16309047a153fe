"""People who are erased, or whose work counts no longer: the next version says so, v1 stays."""

from datetime import timedelta

from sqlmodel import col, select

from accounts.models import Purpose, User
from annotation.models import Assignment
from core.clock import now
from proofs import own_data
from releases import changes, jobs, rebuild, storage
from releases.models import Release, State
from tests.factories.consents import make_consent
from tests.factories.releases import make_release, make_work

NAME = "Zzada Lovelace"


def built(live, desk):
    with live.transaction() as session:
        release_id = make_release(session, desk).id
    with live.app.app_context():
        jobs.build(release_id)
    with live.transaction() as session:
        return session.get_one(Release, release_id)


def whole(live, release):
    root = live.app.extensions["doyen.settings"].data_dir.resolve() / "releases"
    files = storage.folder(root, release).rglob("*")
    return b"".join(path.read_bytes() for path in sorted(files) if path.is_file())


def test_who_is_erased_is_missing_from_the_next_version_which_says_that_somebody_is(live):
    with live.transaction() as session:
        desk = make_work(session, tasks=4)
        person = session.get_one(User, desk.experts[0].user_id)
        person.name = NAME
        make_consent(session, person, Purpose.NAME_IN_PROVENANCE)
    first = built(live, desk)
    [key] = [one["annotator"] for one in first.facts["named"]]
    before = whole(live, first)

    assert live.client(person).post("/account/erase").status_code == 302
    own_data.carry_out(live)
    second = built(live, desk)

    # The published one never changes: it was said before the erasure that it keeps the name.
    assert NAME.encode() in before
    assert whole(live, first) == before
    # The next has the work, and nothing that leads to the person.
    assert (second.state, second.row_count) == (State.READY, first.row_count)
    said = whole(live, second)
    assert NAME.encode() not in said
    assert key.encode() not in said
    assert second.facts["named"] == []
    assert second.facts["people"] == {"erased": 1, "followed": []}
    assert second.facts["changes"]["tombstones"] == {changes.ERASED: 1, changes.UNNAMED: 1}
    assert b"people erased at their wish" in said


def test_rows_whose_answers_count_no_longer_are_gone_with_a_reason(live):
    with live.transaction() as session:
        desk = make_work(session, tasks=4, experts=1)
    first = built(live, desk)
    with live.transaction() as session:
        one = session.exec(select(Assignment).order_by(col(Assignment.id))).first()
        one.decided_at = now() + timedelta(days=1)  # undone, and to be decided anew
    second = built(live, desk)

    assert second.row_count == first.row_count - 1
    assert second.facts["changes"]["removed"] == 1
    assert second.facts["changes"]["tombstones"] == {changes.WITHDRAWN: 1}
    assert second.version == "2.0.0"
    with live.app.app_context():
        root = live.app.extensions["doyen.settings"].data_dir.resolve() / "releases"
        again = rebuild.verify(first, root)
    assert not again.same_inputs  # no verdict on the first one: answers have changed since
