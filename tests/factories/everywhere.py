"""A person with rows everywhere: an expert who has done all that one can, in words of their own."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from accounts import consent_texts, consents, email_change, organisations, tokens
from accounts.models import MemberRole, OrganisationKind, Purpose, User
from annotation import assignment as leases
from annotation import sample_course
from annotation.models import Draft, ShadowUser, ValidationDue
from annotation.models import State as WorkState
from annotation.sample_models import GrantKind
from core import audit, once, uploads
from core.clock import now
from core.models import KeptAnswer, Letter
from experts import restrictions
from experts.fields import Field
from experts.models import AccountStanding
from experts.restrictions import Proposal
from interviews import conversation, corrections, editions, fairness
from interviews.accommodation_models import Need
from interviews.models import Ethnicity, Sex
from payouts import holds, ledger
from payouts.models import PayoutState, ProjectBudget
from payouts.run_models import PayoutInRun
from payouts.tax_models import Outcome
from releases.noise_models import FindingState
from tests.factories.accounts import (
    make_member,
    make_organisation,
    make_passkey,
    make_sign_in,
    make_user,
)
from tests.factories.annotation import Desk, choice, join, make_assignment, make_desk, make_task
from tests.factories.banks import make_bank, make_publication
from tests.factories.books import make_reversal
from tests.factories.calibration import make_calibration, make_choice, make_look, make_reading
from tests.factories.catalogue import make_request
from tests.factories.decisions import answer, contest, decision_of, stands
from tests.factories.downloads import make_asked_release, make_download
from tests.factories.experts import make_expert, make_licence, make_skill
from tests.factories.interviews import answer_all, make_interview, unknown
from tests.factories.judges import read_everywhere
from tests.factories.loop import (
    make_kept_with,
    make_model_run,
    make_order,
    make_prediction,
    show,
)
from tests.factories.media import make_media, make_media_upload
from tests.factories.mirrors import make_edit, make_mirrored_verdict
from tests.factories.noise import make_finding, make_report
from tests.factories.payouts import (
    eur,
    make_approval,
    make_bonus,
    make_earning,
    make_payee,
    make_payout,
    make_rail_event,
    make_run,
)
from tests.factories.people import make_accommodation, make_integrity_note, make_print
from tests.factories.projects import make_invitation
from tests.factories.projects import make_project as make_draft
from tests.factories.questions import make_question
from tests.factories.refunds import make_charge, make_payout_part, make_refund
from tests.factories.samples import make_grant, make_sample, make_sample_desk
from tests.factories.talks import (
    make_answer_turn,
    make_led_interview,
    make_model_outage,
    make_suggestion,
    make_talk,
    make_turn,
)
from tests.factories.tax import make_tax_profile, make_tax_request
from tests.factories.templates import (
    make_gap,
    make_outage,
    make_proof,
    make_qualification,
    make_template,
    make_withdrawal,
)
from tests.factories.webhooks import make_delivery, make_endpoint

NAME, EMAIL = "Zqname Quillfeather", "zqaddress@example.org"


@dataclass
class Everywhere:
    """The person, those around them, and the words that only they have typed."""

    user: User
    desk: Desk
    operator: User
    reviewer: User
    words: list[str] = field(default_factory=lambda: [NAME, EMAIL])
    kept_words: list[str] = field(default_factory=list)

    @property
    def id(self) -> int:
        """The person's id."""
        assert self.user.id is not None
        return self.user.id

    def say(self, words: str) -> str:
        """Note words that are this person's, and return them."""
        self.words.append(words)
        return words


def make_everywhere(app: Any, session: Session, folder: Path) -> Everywhere:
    """Make a person with a row in every table that can hold one; nothing blocks their erasure."""
    desk = make_desk(session, experts=0, tasks=6, overlap=1)
    desk.owner.name, desk.owner.email = "Zzother Owner", "zzother@example.org"
    user = make_user(session, "expert", name=NAME, email=EMAIL)
    operator = make_user(session, "operator", name="Zzoperator Person")
    reviewer = make_member(session, desk.organisation, "member", name="Zzreviewer Person")
    all_ = Everywhere(user, desk, operator, reviewer)
    _profile(session, all_)
    _organisation(session, all_)
    _work(app, session, all_, folder)
    _interview(app, session, all_)
    _money(session, all_)
    _traces(session, all_)
    session.flush()
    return all_


def _profile(session: Session, all_: Everywhere) -> None:
    expert = make_expert(
        session,
        all_.user,
        headline=all_.say("zqheadline of mine"),
        about=all_.say("zqabout myself"),
    )
    all_.desk.experts = [expert]
    join(session, all_.desk.project, expert)
    licence = make_licence(
        session, expert, title=all_.say("zqtitle of a licence"), number=all_.say("zqlicence-9")
    )
    make_skill(session, expert)
    said = Proposal(
        AccountStanding.RESTRICTED,
        "harassment",
        all_.say("zqproposed words about this person"),
        all_.say("zqproposed evidence, long enough"),
        all_.say("zqproposed change, long enough"),
    )
    restrictions.propose(session, expert, said, by=all_.operator, at=now())
    offered = make_draft(
        session, all_.desk.organisation, by=all_.desk.owner, state="open", funded=50_000
    )
    invitation = make_invitation(session, offered, expert)
    invitation.words = all_.say("zqwords of an answer")
    session.add_all([invitation, licence])


def _organisation(session: Session, all_: Everywhere) -> None:
    team = make_organisation(session, kind=OrganisationKind.ML_TEAM, name=all_.say("zqteam of one"))
    team.slug = all_.say("zqteam-slug")
    organisations._join(session, team, all_.user, MemberRole.ADMIN, now())
    organisations.invite(
        session, team, "zzsomebody@example.org", MemberRole.MEMBER, by=all_.user, at=now()
    )
    organisations.invite(
        session, all_.desk.organisation, EMAIL, MemberRole.MEMBER, by=all_.desk.owner, at=now()
    )
    former, following = all_.say("zqformer@example.org"), all_.say("zqnext@example.org")
    organisations.invite(
        session, all_.desk.organisation, former, MemberRole.MEMBER, by=all_.desk.owner, at=now()
    )
    email_change._keep_what_went_to(session, former, all_.id)
    change = email_change.ask(session, all_.user, following, language="en", at=now())
    email_change.send(session, change.id or 0, "en", at=now())
    asked = tokens.Asked(all_.say("zqtoken name"), ["releases:read"], 30)
    tokens.make(session, asked, by=all_.user, organisation=team, at=now())
    asked = tokens.Asked(all_.say("zqtoken of mine"), ["account:read"], 30)
    tokens.make(session, asked, by=all_.user, at=now())
    endpoint = make_endpoint(session, team, made_by=all_.id, name=all_.say("zqwebhook name"))
    make_delivery(session, endpoint)
    session.add(
        KeptAnswer(
            holder=f"user:{all_.id}",
            key="zqkey-of-a-request",
            fingerprint="f",
            status=200,
            body="encrypted",
            made_at=now(),
            expires_at=now() + timedelta(days=1),
        )
    )


def _work(app: Any, session: Session, all_: Everywhere, folder: Path) -> None:
    desk, expert = all_.desk, all_.desk.experts[0]
    make_assignment(session, desk.project, expert=expert, state=WorkState.ACCEPTED)
    asked = make_assignment(session, desk.project, expert=expert, state=WorkState.ACCEPTED)
    make_question(session, asked, words=all_.say("zqwords of a question"))
    settings, by = app.extensions["doyen.settings"], all_.user
    make_media_upload(
        session, desk.project, by=by, settings=settings, name=all_.say("zqname of a film.png")
    )
    make_media(session, desk.project, by=by, settings=settings)
    skipped = make_assignment(
        session,
        desk.project,
        expert=expert,
        state=WorkState.SKIPPED,
        skip_reason=all_.say("zqskipped because"),
    )
    refused = make_assignment(session, desk.project, expert=expert, state=WorkState.REJECTED)
    checked = [uploads.Checked("zqproof.txt", "text/plain", b"zqbytes of a file")]
    all_.words += ["zqproof", "zqbytes of a file"]
    ids = uploads.store(session, checked, by=all_.id, purpose="appeal", folder=folder, at=now())
    appeal = contest(
        session,
        decision_of(session, refused),
        all_.say("zqreasons against the verdict, at length"),
        upload_ids=tuple(ids),
    )
    answer(
        session,
        app,
        appeal,
        stands(all_.say("zqreply that quotes the person at length")),
        by=all_.reviewer,
    )
    _samples(session, all_)
    _models(session, all_)
    held = make_assignment(session, desk.project, expert=expert, state=WorkState.ACTIVE)
    leases.save_draft(session, held, [{"value": all_.say("zqdraft words")}], at=now())
    make_edit(
        session,
        leases.annotation_of(session, refused),
        author_id=all_.id,
        author_name=all_.say("zqname in Label Studio"),
    )
    make_mirrored_verdict(session, refused)
    session.add(ValidationDue(task_id=refused.task_id))
    session.add(ShadowUser(expert_id=all_.id, label_studio_user_id=77, created_at=now()))
    assert session.get(Draft, held.id)
    assert skipped.id


def _models(session: Session, all_: Everywhere) -> None:
    run = make_model_run(session, all_.desk, made_by=all_.id)
    task = make_task(session, all_.desk.project)
    make_prediction(session, all_.desk, task, run)
    show(session, all_.desk, by=all_.user)
    make_order(session, all_.desk, by=all_.user)
    expert, accepted = all_.desk.experts[0], WorkState.ACCEPTED
    lease = make_assignment(session, all_.desk.project, expert=expert, task=task, state=accepted)
    make_kept_with(session, lease)


def _samples(session: Session, all_: Everywhere) -> None:
    desk = make_sample_desk(session, experts=0)
    join(session, desk.project, all_.desk.experts[0])
    found = make_sample(session, desk, all_.id)
    given = [dict(choice("termination")[0], id=all_.say("zqid-in-an-answer"))]
    sample_course.hand_in(session, found, desk.project, 1, given, at=now())
    words = all_.say("zqreason to leave a task of a sample")
    sample_course.report_task(session, found, desk.project, 2, words, at=now())
    sample_course.save_draft(
        session, found, 3, [{"value": all_.say("zqdraft of a work sample")}], at=now()
    )
    make_grant(
        session,
        desk,
        GrantKind.ANOTHER_TRY,
        expert_id=all_.id,
        by=desk.owner,
        words=all_.say("zqwords about why somebody was let in"),
    )


def _interview(app: Any, session: Session, all_: Everywhere) -> None:
    ended = make_interview(session, all_.user, field=Field.FINANCE)
    answer_all(session, ended, unknown)
    session.execute(
        text(
            "update interview_response set remark = :remark,"
            " answer = jsonb_build_object('text', cast(:words as text)) where interview_id = :id"
        ),
        {
            "remark": all_.say("zqremark on a question"),
            "words": all_.say("zqanswer in an interview"),
            "id": ended.id,
        },
    )
    session.flush()
    corrections.add(
        session,
        ended,
        editions.responses(session, ended)[0],
        all_.say("zqcorrection of an answer"),
        language="en",
        at=now(),
    )
    consents.give(
        session,
        all_.id,
        Purpose.TRANSCRIPTS,
        version=consent_texts.current(Purpose.TRANSCRIPTS).version,
        language="en",
        address="203.0.113.77",
        at=now(),
    )
    all_.words.append("203.0.113.77")
    left = make_interview(session, all_.user, field=Field.MEDICINE)
    conversation.leave(session, left, now())
    make_outage(session, left, words=all_.say("zqwords about an outage"))
    make_integrity_note(session, ended, words=all_.say("zqexplanation of how I wrote"))
    make_print(session, ended)
    make_accommodation(session, all_.user, need=Need.MORE_TIME, extra_time=50)
    make_accommodation(session, all_.user, words=all_.say("zqneed for an interview"))
    quoted = all_.say("zqanswer that a judge and a reader quoted")
    read_everywhere(session, all_.user, all_.reviewer.id, quoted)
    make_interview(session, all_.user, field=Field.MEDICINE)
    make_choice(session, make_calibration(session), "law-001", all_.user)
    make_reading(session, ended.key, all_.user)
    make_look(session, ended.key, all_.user)
    make_publication(session, make_bank(session, by=all_.user), by=all_.user)
    make_proof(session, ended, "accounts")
    asked = make_template(session, all_.desk.project, all_.desk.owner, at=now())
    make_qualification(session, asked, all_.id)
    make_gap(session, asked)
    own = make_bank(session, all_.desk.organisation, by=all_.user)
    make_withdrawal(session, own, all_.user)
    _talk(session, all_)
    fairness.declare(session, all_.id, Sex.FEMALE, Ethnicity.ASIAN, at=now())


def _talk(session: Session, all_: Everywhere) -> None:
    talked = make_led_interview(session, all_.user, field=Field.SOFTWARE)
    make_talk(session, talked)
    make_turn(session, talked)
    turn = make_answer_turn(session, talked, all_.say("zqwords to an interviewer"))
    make_model_outage(session, talked)
    make_suggestion(session, talked, turn)


def _money(session: Session, all_: Everywhere) -> None:
    payee = make_payee(session, all_.id, stripe_account_id="acct_zqmine", bank_last4="4242")
    budget = session.get_one(ProjectBudget, all_.desk.project_id)
    make_earning(session, budget, all_.id, pay=2000)
    paid = make_payout(session, all_.id, amount=2000, state=PayoutState.PAID)
    make_payout_part(session, make_charge(session, budget), paid)
    make_refund(session, budget, asked_by=all_.id)
    make_reversal(session, paid, words="Zzwords of an operator about a payout taken back")
    words = all_.say("zqwords that came with a bonus")
    make_bonus(session, budget, all_.id, pay=500, words=words)
    make_approval(session, paid, asked_by=all_.operator.id)
    session.add(PayoutInRun(payout_id=paid.id or 0, run_id=make_run(session).id or 0))
    make_payout(session, all_.id, amount=2500, state=PayoutState.PAID)
    ledger.post(
        session,
        "payout:of-everywhere",
        [ledger.Entry("sent", ledger.owed(all_.id, "eur"), ledger.clearing("eur"), eur(2500))],
        at=now(),
        narration="payout",
        cause="payout:1",
    )
    make_rail_event(session, stripe_account_id=payee.stripe_account_id)
    # Encrypted, so that none of it may be found; the rows themselves stay for tax law.
    make_tax_profile(session, all_.id, last_name=all_.say("zqlast name"), city=all_.say("zqtown"))
    make_tax_request(session, all_.id, closed_at=now(), outcome=Outcome.COMPLETE)
    cause = holds.Cause(
        "stolen_account",
        all_.say("zqwords about a hold, long enough"),
        all_.say("zqevidence for a hold, long enough"),
    )
    holds.withhold(session, all_.id, cause, by=all_.operator, at=now())
    session.flush()
    holds.lift(session, all_.id, by=all_.operator, at=now())


def _traces(session: Session, all_: Everywhere) -> None:
    make_sign_in(session, all_.user, browser=all_.say("zqbrowser"), address="203.0.113.78")
    make_passkey(session, all_.user, name=all_.say("zqname of a passkey"))
    all_.words.append("203.0.113.78")
    once.first_use(session, "zqonce", user_id=all_.id, at=now())
    session.add(
        Letter(
            user_id=all_.id,
            address=EMAIL,
            language="en",
            template="x",
            subject=all_.say("zqsubject of a letter"),
            body=all_.say("zqbody of a letter"),
            written_at=now(),
        )
    )
    make_download(session, make_asked_release(session, all_.desk), user_id=all_.id)
    looked = make_report(session, all_.desk, asked_by=all_.id)
    task = make_task(session, all_.desk.project)
    decided = {"state": FindingState.RIGHT, "decided_by": all_.id, "decided_at": now()}
    make_finding(session, looked, task, **decided)
    make_request(
        session,
        all_.desk,
        make_organisation(session),
        asked_by=all_.id,
        purpose=all_.say("zqpurpose of a request to read"),
    )
    audit.record(
        session, "letter.read", by=all_.operator.id, subject="letter:1", details={"of": all_.id}
    )
