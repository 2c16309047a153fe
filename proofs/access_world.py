"""Rows of two parties that have nothing to do with each other, for the matrix of access.

First come those who have no business with the rest: an expert, an owner and an ML team of other
organisations. What is made after them is somebody else's to them, each row with words
(`zz...`) that stand nowhere else, so that a leak is seen.
"""

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import uuid4

from flask import Flask
from sqlmodel import Session, select

from accounts import appeals, organisations, tokens
from accounts.models import MemberRole, Organisation, OrganisationKind, TokenKind, User
from accounts.privacy_models import DataExport
from accounts.scopes import SCOPES
from annotation import assignment as leases
from annotation import media_links
from annotation.media_links import Holder
from annotation.models import State as WorkState
from core import uploads
from core.clock import now
from core.models import Letter
from core.settings import current_settings
from experts import restrictions
from experts.fields import Field
from experts.models import AccountStanding, Expert, RestrictionProposal
from experts.restrictions import Proposal
from interviews import conversation, items
from interviews.judge_models import ReadFor
from payouts import requests, sending
from payouts.dispute_models import DisputeState
from payouts.models import Payout, PayoutState, ProjectBudget
from projects import letters
from releases.models import Release, ReleaseSeries
from tests.factories import calibration
from tests.factories.accounts import (
    make_email_change,
    make_member,
    make_organisation,
    make_sign_in,
    make_user,
)
from tests.factories.annotation import Desk, choice, join, make_assignment, make_desk, make_task
from tests.factories.banks import make_bank, make_publication, own_items
from tests.factories.books import (
    make_dispute,
    make_payout_stop,
    make_rail_line,
    make_reversal,
)
from tests.factories.catalogue import make_request
from tests.factories.decisions import contest, decision_of
from tests.factories.experts import make_expert, make_licence
from tests.factories.interviews import answer_all, make_interview, unknown
from tests.factories.judges import load_starter, make_answer_in_words, make_to_read
from tests.factories.loop import make_model_run
from tests.factories.media import make_media, make_media_upload
from tests.factories.mirrors import make_edit
from tests.factories.noise import make_finding, make_report
from tests.factories.payouts import (
    eur,
    make_approval,
    make_deposit,
    make_earning,
    make_invoice,
    make_payee,
    make_payout,
    make_rail_event,
    make_run,
)
from tests.factories.people import make_accommodation
from tests.factories.privacy import make_export
from tests.factories.projects import make_invitation, make_project
from tests.factories.questions import make_question
from tests.factories.refunds import make_refund
from tests.factories.releases import add_validated, make_grant, make_release
from tests.factories.samples import make_expired_sample, make_rule, make_sample
from tests.factories.talks import (
    make_answer_turn,
    make_led_interview,
    make_suggestion,
    make_turn,
)
from tests.factories.tax import make_tax_profile
from tests.factories.templates import make_field_template
from tests.factories.webhooks import make_delivery, make_endpoint
from tests.jobs_run import run_jobs

ANONYMOUS = "anonymous"
OTHER_EXPERT, OTHER_OWNER, OTHER_READER = "another expert", "another owner", "another ML team"
EXPERT, OWNER, MEMBER, READER = "the expert", "the owner", "a member", "the reader"
INVITED, OPERATOR = "the invited", "an operator"

STRANGERS = frozenset({ANONYMOUS, OTHER_EXPERT, OTHER_OWNER, OTHER_READER})
OWNERS = frozenset({OWNER, MEMBER})
ALL = STRANGERS | OWNERS | {EXPERT, READER, INVITED, OPERATOR}


@dataclass
class SureRail:
    """A rail that has sent at once, under a given id."""

    transfer: str

    def send(self, amount: Any, *, to: str, reference: str) -> str:
        """Return the id."""
        return self.transfer

    def payee_balance(self, account_id: str, currency: str) -> Any:
        """Say that nothing is owed."""
        return eur(0)


@dataclass
class Secret:
    """Words that stand in one row only, and who may ever read them."""

    words: str
    may: frozenset[str]


@dataclass
class World:
    """Who acts, what they act on, and what they must not read.

    `rows` are the foreign rows by the names that the registry uses; `own` are the rows that a
    stranger has of the same kind, so that a foreign child is tried under an own parent too.
    """

    users: dict[str, User | None] = field(default_factory=lambda: {ANONYMOUS: None})
    bearers: dict[tuple[str, TokenKind], str] = field(default_factory=dict)
    rows: dict[str, Any] = field(default_factory=dict)
    own: dict[str, dict[str, Any]] = field(default_factory=dict)
    secrets: list[Secret] = field(default_factory=list)
    pseudonym: str = ""

    def secret(self, words: str, *may: str) -> str:
        """Note words that only some may read, and return them."""
        self.secrets.append(Secret(words, frozenset(may)))
        return words

    def user(self, actor: str) -> User:
        """Return a person who acts."""
        found = self.users[actor]
        assert found is not None
        return found


def strangers(session: Session, world: World) -> None:
    """Make those to whom all the rest is somebody else's."""
    expert = make_expert(session, make_user(session, "expert", name="Stranger"))
    world.users[OTHER_EXPERT] = session.get_one(User, expert.user_id)
    desk = make_desk(session)
    world.users[OTHER_OWNER] = desk.owner
    team = make_organisation(session, kind=OrganisationKind.ML_TEAM)
    world.users[OTHER_READER] = make_member(session, team)
    world.users[OPERATOR] = make_user(session, "operator")
    world.own[OTHER_OWNER] = {
        "organisation": desk.organisation.id,
        "project": desk.project_id,
        "draft": make_project(session, desk.organisation, by=desk.owner).id,
    }
    world.own[OTHER_READER] = {"organisation": team.id}
    for actor, organisation in ((OTHER_OWNER, desk.organisation), (OTHER_READER, team)):
        _bearer(session, world, actor, organisation.id)
        _bearer(session, world, actor)
    _bearer(session, world, OTHER_EXPERT)
    for actor, organisation in ((OTHER_OWNER, desk.organisation), (OTHER_READER, team)):
        endpoint = make_endpoint(session, organisation)
        world.own[actor] |= {"webhook": endpoint.id}
    world.own[OTHER_OWNER]["item bank"] = make_bank(session, desk.organisation, by=desk.owner).id


def theirs(app: Flask, session: Session, world: World) -> None:
    """Make what belongs to the others, one row of every kind that an address can name."""
    desk = _people(session, world)
    _project(session, world, desk)
    _work(session, world, desk)
    _money(session, world, desk)
    _interviews(session, world)
    _banks(session, world, desk)
    _letters(session, world)
    _release(app, session, world, desk)
    _media(app, session, world, desk)
    session.commit()


def _people(session: Session, world: World) -> Desk:
    desk = make_desk(
        session,
        experts=0,
        tasks=0,
        overlap=1,
        title=world.secret("zztitle of a project", *OWNERS, EXPERT, READER, OPERATOR, INVITED),
        brief=world.secret("zzbrief of a project", *OWNERS, EXPERT, READER, OPERATOR),
        guidelines=world.secret("zzguidelines of a project", *OWNERS, EXPERT, READER, OPERATOR),
    )
    desk.organisation.name = world.secret(
        "zzname of an organisation", *OWNERS, EXPERT, READER, OPERATOR, INVITED
    )
    _rename(world, desk.owner, "zzowner", *OWNERS, INVITED, OPERATOR)
    world.users[OWNER] = desk.owner
    world.users[MEMBER] = make_member(session, desk.organisation, "member", name="Member")
    user = make_user(session, "expert")
    _rename(world, user, "zzexpert", EXPERT, OPERATOR)
    world.users[EXPERT] = user
    expert = make_expert(
        session,
        user,
        headline=world.secret("zzheadline of an expert", EXPERT, OPERATOR),
        about=world.secret("zzabout an expert", EXPERT, OPERATOR),
    )
    world.pseudonym = expert.pseudonym
    join(session, desk.project, expert)
    desk.experts = [expert]
    licence = make_licence(session, expert, number=world.secret("zzlicence-77", EXPERT, OPERATOR))
    team = make_organisation(session, kind=OrganisationKind.ML_TEAM)
    world.users[READER] = make_member(session, team)
    make_grant(session, desk, team)
    reader = world.user(READER)
    _rename(world, reader, "zzreader", READER, OPERATOR)
    invited = make_user(session)
    _rename(world, invited, "zzinvited", INVITED, *OWNERS, OPERATOR)
    world.users[INVITED] = invited
    invitation = organisations.invite(
        session,
        desk.organisation,
        invited.email,
        MemberRole.MEMBER,
        by=desk.owner,
        at=now(),
    )
    _bearer(session, world, OWNER, desk.organisation.id)
    _bearer(session, world, OWNER)
    _bearer(session, world, EXPERT)
    _bearer(session, world, READER)
    _webhook(session, world, desk)
    _bearer(session, world, READER, team.id)
    world.rows |= {
        "sign-in": make_sign_in(session, reader).id,
        "personal token": _bearer(session, world, READER),
        "token": _bearer(session, world, READER, team.id),
        "organisation": desk.organisation.id,
        "team": team.id,
        "member": world.user(MEMBER).id,
        "member invitation": invitation.id,
        "licence": licence.id,
        "expert": expert.user_id,
        "proposal": _proposal(session, expert).id,
    }
    return desk


def _media(app: Flask, session: Session, world: World, desk: Desk) -> None:
    settings = app.extensions["doyen.settings"]
    text = {"name": "a.csv", "content": b"time,load\n0,1\n"}  # answers are read as texts
    file = make_media(session, desk.project, by=desk.owner, settings=settings, **text)
    link = media_links.token(settings, file, Holder.MEMBER, desk.owner.id, at=now())
    upload = make_media_upload(session, desk.project, by=desk.owner, settings=settings)
    world.rows |= {"media file": file.id, "media link": link, "media upload": upload.key}


def _proposal(session: Session, expert: Expert) -> RestrictionProposal:
    said = Proposal(AccountStanding.RESTRICTED, "harassment", "x" * 30, "y" * 30, "z" * 30)
    other = make_user(session, "operator")
    made = restrictions.propose(session, expert, said, by=other, at=now())
    session.flush()
    return made


def _project(session: Session, world: World, desk: Desk) -> None:
    other = make_project(session, desk.organisation, by=desk.owner, state="open", funded=50_000)
    invitation = make_invitation(session, other, desk.experts[0])
    draft = make_project(session, desk.organisation, by=desk.owner)
    withdrawable = make_invitation(session, desk.project)
    world.rows |= {
        "project": desk.project_id,
        "draft": draft.id,
        "invitation": invitation.id,
        "sent invitation": withdrawable.id,
        "letter link": letters.link(invitation, "yes").rpartition("/")[2],
    }


def _work(session: Session, world: World, desk: Desk) -> None:
    words = world.secret("zztext of a task", *OWNERS, EXPERT, READER, OPERATOR)
    data = {"text": f"You shall keep this notice. {words}", "licence": "MIT"}
    expert = desk.experts[0]

    def lease(state: WorkState, **changes: Any) -> Any:
        task = make_task(session, desk.project, data=data)
        return make_assignment(
            session, desk.project, expert=expert, task=task, state=state, **changes
        )

    for _ in range(3):
        make_task(session, desk.project, data=data, gold=choice())
    # Asked of nobody before the sample: the rule came after those who had worked.
    make_rule(session, desk.project, by=desk.owner)
    sample = make_sample(session, desk)
    world.rows["work sample"] = sample.id
    world.rows["answered work sample"] = make_expired_sample(session, sample).id
    world.rows["model run"] = make_model_run(session, desk).id
    contested = lease(WorkState.REJECTED)
    appeal = contest(
        session,
        decision_of(session, contested),
        world.secret("zzreasons against a verdict", *OWNERS, EXPERT, OPERATOR),
        upload_ids=_file(session, world, expert.user_id),
    )
    session.flush()
    in_hand = lease(WorkState.ACTIVE)
    question = world.secret("zzquestion on a task", *OWNERS, EXPERT)
    world.rows |= {
        "outside edit": _edit(session, world, lease(WorkState.SUBMITTED)).id,
        "question": make_question(session, in_hand, words=question).id,
        "assignment": in_hand.id,
        "submitted assignment": lease(WorkState.SUBMITTED).id,
        "refused assignment": lease(WorkState.REJECTED).id,
        "decision": contested.decision_id,
        "appeal": appeal.id,
        "appeal file": appeals.files(session, appeal)[0].id,
    }


def _edit(session: Session, world: World, lease: Any) -> Any:
    answer = leases.annotation_of(session, lease)
    name = world.secret("zzeditor@example.org", *OWNERS)
    return make_edit(session, answer, author_name=name)


def _file(session: Session, world: World, by: int) -> tuple[int, ...]:
    content = world.secret("zzfile of an appeal", *OWNERS, EXPERT, OPERATOR).encode()
    checked = [uploads.Checked("proof.txt", "text/plain", content)]
    folder = current_settings().data_dir
    return tuple(uploads.store(session, checked, by=by, purpose="appeal", folder=folder, at=now()))


def _money(session: Session, world: World, desk: Desk) -> None:
    expert_id = desk.experts[0].user_id
    make_payee(session, expert_id)
    budget = session.get_one(ProjectBudget, desk.project_id)
    deposit = make_deposit(session, budget, state="open", opened_by=desk.owner.id)
    make_earning(session, budget, expert_id, pay=3000)
    paid = requests.on_demand(session, expert_id, eur(2500), key=uuid4().hex, at=now())
    session.commit()
    transfer = world.secret("zztransfer", EXPERT, OPERATOR)
    sending.send(paid.id or 0, SureRail(transfer))
    make_tax_profile(session, expert_id, last_name=world.secret("zztax name", EXPERT, OPERATOR))
    lost = make_payout(session, expert_id, state=PayoutState.UNKNOWN)
    back = make_refund(session, budget, asked_by=desk.owner.id)
    world.rows |= {"deposit": deposit.id, "payout": paid.id, "lost payout": lost.id}
    world.rows["refund"] = back.id
    invoice = make_invoice(
        session, budget.organisation_id, buyer=world.secret("zzbuyer of an invoice", *OWNERS)
    )
    world.rows |= {"invoice": invoice.id, "paid deposit": make_deposit(session, budget).id}
    world.rows |= {"payout run": make_run(session).id, "rail event": make_rail_event(session).id}
    world.rows |= {"approval": make_approval(session, lost).id}
    _contested_money(session, world, paid)


def _contested_money(session: Session, world: World, paid: Payout) -> None:
    words = world.secret("zzexplanation of a difference", OPERATOR)
    stop = make_payout_stop(session, explanation=words, by=make_user(session, "operator").id)
    found = make_reversal(session, paid, words=world.secret("zzpayout taken back", OPERATOR))
    source = world.secret("zzsource of a line", OPERATOR)
    world.rows |= {
        "rail line": make_rail_line(session, source_id=source).id,
        "payout stop": stop.id,
        "dispute": make_dispute(session, state=DisputeState.WON).id,
        "reversal": found.id,
    }


def _interviews(session: Session, world: World) -> None:
    user = world.user(EXPERT)
    words = world.secret("zzanswer in an interview", EXPERT, OPERATOR)
    failed = answer_all(session, make_interview(session, user, field=Field.MEDICINE), unknown)
    appeal = contest(session, decision_of(session, failed), f"{words}, and it was right")
    left = make_interview(session, user, field=Field.SOFTWARE)
    conversation.leave(session, left, now())
    session.flush()
    need = make_accommodation(
        session, user, words=world.secret("zzwhat would help in interviews", EXPERT, OPERATOR)
    )
    read = make_answer_in_words(session, make_interview(session))
    held = {"held_by": world.user(OPERATOR).id, "held_until": now() + timedelta(hours=1)}
    to_read = make_to_read(session, read, purpose=ReadFor.FROZEN, **held)
    world.rows |= {
        "field template": make_field_template(session, world.user(OPERATOR)).id,
        "accommodation": need.id,
        "interview": make_interview(session, user, field=Field.FINANCE).id,
        "contested interview": failed.id,
        "left interview": left.id,
        "interview appeal": appeal.id,
        "calibration": calibration.make_calibration(session, field=Field.FINANCE).id,
        "answer to read": to_read.id,
        "frozen answer": load_starter(session)[0].id,
    }
    _talk(session, world)


def _talk(session: Session, world: World) -> None:
    talked = make_led_interview(session, world.user(EXPERT), field=Field.SOFTWARE)
    make_turn(session, talked)
    words = world.secret("zzwords of an interview", EXPERT, OPERATOR)
    turn = make_answer_turn(session, talked, words)
    world.rows |= {
        "talked interview": talked.id,
        "suggestion": make_suggestion(session, talked, turn).id,
    }


def _banks(session: Session, world: World, desk: Desk) -> None:
    draft = make_bank(session, desk.organisation, by=desk.owner)
    found = items.banks()[Field.LAW].model_dump(mode="json")["items"]
    found[0]["explanation"]["en"] = world.secret("zzkey of an item", OWNER)
    own_items(draft, found)
    version = make_publication(session, draft, by=desk.owner).version
    world.rows |= {"item bank": draft.id, "bank item": "ola-001", "bank version": version}


def _letters(session: Session, world: World) -> None:
    user = world.user(EXPERT)
    letter = Letter(
        user_id=user.id,
        address=user.email,
        language="en",
        template="x",
        subject=world.secret("zzsubject of a letter", EXPERT, OPERATOR),
        body=world.secret("zzbody of a letter", EXPERT, OPERATOR),
        written_at=now(),
    )
    session.add(letter)
    session.flush()
    world.rows |= {"letter": letter.id, "data export": _export(session, world).id}
    world.rows["address link"] = _address_link(session, world)


def _address_link(session: Session, world: World) -> str:
    token = "zzlink-to-a-new-address"  # noqa: S105 - known to everybody who tries, and of use to one
    email = world.secret("zznext@example.org", EXPERT)
    hashed = hashlib.sha256(token.encode()).hexdigest()
    make_email_change(session, world.user(EXPERT), email=email, token_hash=hashed)
    return token


def _export(session: Session, world: World) -> DataExport:
    made = make_export(session, world.user(EXPERT))
    file = current_settings().data_dir / "exports" / f"{made.key}.zip"
    file.parent.mkdir(exist_ok=True)
    file.write_text(world.secret("zzcopy of data", EXPERT))
    return made


def _release(app: Flask, session: Session, world: World, desk: Desk) -> None:
    for number in range(3):
        add_validated(session, desk, number)
    release = make_release(session, desk)
    session.commit()
    run_jobs(app)
    session.expire_all()
    built = session.get_one(Release, release.id)
    assert built.manifest is not None, built.trouble
    owner, name = session.exec(
        select(Organisation.slug, ReleaseSeries.name).where(
            ReleaseSeries.organisation_id == Organisation.id,
            ReleaseSeries.project_id == built.project_id,
        )
    ).one()
    world.rows |= {
        "release": built.id,
        "release request": make_request(
            session,
            desk,
            session.get_one(Organisation, world.rows["team"]),
            asked_by=world.user(READER).id,
            purpose=world.secret("zzpurpose of a request", *OWNERS, READER),
        ).id,
        "release file": "README.md",
        "noise finding": _finding(session, desk),
        "release owner": owner,
        "release name": name,
    }


def _finding(session: Session, desk: Desk) -> int | None:
    report = make_report(session, desk)
    return make_finding(session, report, make_task(session, desk.project)).id


def _rename(world: World, user: User, words: str, *may: str) -> None:
    user.name = world.secret(f"{words} of a name", *may)
    user.email = world.secret(f"{words}@example.org", *may)


def _bearer(
    session: Session, world: World, actor: str, organisation_id: int | None = None
) -> int | None:
    """Give somebody a token with every scope that it can hold: their own, or an organisation's."""
    organisation = session.get(Organisation, organisation_id) if organisation_id else None
    kind = TokenKind.ORGANISATION if organisation else TokenKind.PERSONAL
    fitting = [name for name, scope in SCOPES.items() if kind in scope.kinds]
    token, secret = tokens.make(
        session,
        tokens.Asked(f"zztoken of {actor}", fitting, 30),
        by=world.user(actor),
        organisation=organisation,
        at=now(),
    )
    world.bearers[actor, kind] = secret
    return token.id


def _webhook(session: Session, world: World, desk: Desk) -> None:
    """Make a webhook of the owner's with a message on its way."""
    endpoint = make_endpoint(
        session,
        desk.organisation,
        url=f"https://{world.secret('zzhooks', *OWNERS, OPERATOR)}.example.org/in",
    )
    delivery = make_delivery(session, endpoint)
    world.rows |= {"webhook": endpoint.id, "delivery": delivery.id}
