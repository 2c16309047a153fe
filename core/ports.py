"""The outside, in our words and types: one Protocol a neighbour, only the calls we make."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from typing import Any, Generic, Literal, Protocol, TypeVar
from uuid import UUID

from flask import current_app
from pydantic import BaseModel

from core.money import Money


class MailerDown(Exception):
    """The mail server cannot be reached or is busy; try again later."""


class LetterRefused(Exception):
    """The mail server will never take this letter for this address."""


class Mailer(Protocol):
    """Takes letters to people."""

    def send(self, letter: EmailMessage) -> None:
        """Send a letter.

        Raises `MailerDown` when a later attempt may help and `LetterRefused` when none will.
        """


class RailDown(Exception):
    """The payout rail cannot be asked now; what was only a question may be asked later."""


class OutcomeUnknown(RailDown):
    """The rail gave no clear answer: what was asked may have happened, or may not."""


class PayoutRefused(Exception):
    """The rail has moved nothing, and the same question would be refused again."""

    def __init__(self, code: str, words: str = "") -> None:
        super().__init__(f"{code}: {words}" if words else code)
        self.code = code


class NotEnoughFunds(PayoutRefused):
    """The rail has moved nothing, because what it holds for us is not available yet."""


class PayeeNotReady(PayoutRefused):
    """The rail has moved nothing, because the payee's account cannot receive money."""


class ForeignMoney(PayoutRefused):
    """The rail tells of another currency than ours: nothing is booked by it, and a person looks."""

    def __init__(self, currency: str) -> None:
        super().__init__("foreign_currency", f"an amount in {currency}")


class NotFromTheRail(Exception):
    """A message does not carry the rail's signature, or is too old."""


@dataclass(frozen=True)
class Checkout:
    """A payment page for an owner; `fee` is the rail's own, known once it is paid.

    What is paid can be sent on once it `is_settled`, which is at `settles_at`.
    """

    id: str
    url: str
    state: Literal["open", "processing", "paid", "failed", "expired"]
    amount: Money
    charge_id: str | None = None
    fee: Money | None = None
    trouble: str | None = None  # the rail's code for why it was refused
    method: str | None = None
    is_settled: bool = True
    settles_at: datetime | None = None
    receipt_url: str | None = None


@dataclass(frozen=True)
class SavedCard:
    """A card that an owner has saved at the rail."""

    id: str
    brand: str
    last4: str
    expires: str  # month and year, as 12/2029


@dataclass(frozen=True)
class CardSetup:
    """A page on which an owner saves a card; nothing is paid there."""

    id: str
    url: str
    state: Literal["open", "complete", "expired"]
    customer_id: str | None
    card: SavedCard | None = None


@dataclass(frozen=True)
class RailCharge:
    """What the rail took from an owner, as it stands now."""

    id: str
    amount: Money
    refunded: Money
    is_disputed: bool
    is_settled: bool
    settles_at: datetime | None = None
    receipt_url: str | None = None
    reference: str | None = None


@dataclass(frozen=True)
class RailRefund:
    """What the rail gives back to an owner; `has_moved` once it has left what it holds for us."""

    id: str
    state: Literal["pending", "needs_person", "succeeded", "failed"]
    amount: Money
    has_moved: bool
    trouble: str | None = None


@dataclass(frozen=True)
class PayeeStatus:
    """Whether an account can receive money, and what it lacks in the rail's words.

    Of `missing` some is `overdue`; `due_later` is asked for by `due_at` or at some time later.
    `stopped_for` is why the rail has stopped the account, where it has.
    """

    account_id: str
    state: Literal["started", "pending", "restricted", "active", "closed"]
    missing: tuple[str, ...] = ()
    bank_last4: str | None = None
    overdue: tuple[str, ...] = ()
    due_later: tuple[str, ...] = ()
    due_at: datetime | None = None
    stopped_for: str | None = None


@dataclass(frozen=True)
class RailBalance:
    """What the rail holds for us in one currency."""

    available: Money
    pending: Money


@dataclass(frozen=True)
class RailEntry:
    """One change of what the rail holds for us; `reference` is ours where we caused it.

    `net` is after the rail's `fee`; `parent_id` is the transfer that a reversal takes back.
    """

    id: str
    kind: str
    net: Money
    source_id: str | None
    reference: str | None
    at: datetime
    fee: Money | None = None
    parent_id: str | None = None


@dataclass(frozen=True)
class RailDispute:
    """A payment that the payer's bank asks back; `entries` are what it has moved so far.

    `reference` is ours, from the payment. The states are the rail's own words.
    """

    id: str
    charge_id: str
    reference: str | None
    amount: Money
    reason: str
    state: str
    has_evidence: bool
    due_at: datetime | None
    opened_at: datetime
    entries: tuple[RailEntry, ...] = ()


@dataclass(frozen=True)
class RailReversal:
    """What was taken back of a transfer; `entry_id` is the rail's own line for it."""

    id: str
    entry_id: str
    amount: Money
    reference: str | None
    at: datetime


@dataclass(frozen=True)
class BankTransfer:
    """What the rail has sent on to a payee's bank, and whether it arrived.

    `transfer_ids` are those of our transfers that it carries, where the rail can tell; `trouble`
    is the rail's code for why a bank has refused it.
    """

    id: str
    state: Literal["on_its_way", "paid", "refused"]
    amount: Money
    made_at: datetime
    transfer_ids: tuple[str, ...]
    trouble: str | None = None


@dataclass(frozen=True)
class RailNews:
    """What the rail says has happened: a hint where to look, never a fact."""

    id: str
    kind: str
    object_id: str
    account_id: str | None
    reference: str | None
    at: datetime
    is_other_mode: bool = False  # of the rail's test mode while real money moves, or the reverse


class CheckoutRail(Protocol):
    """Takes owners' money in."""

    def open_checkout(self, amount: Money, *, reference: str, title: str, back_to: str) -> Checkout:
        """Open a payment page that leads back to `back_to`, paid or not.

        Opening again with the same reference returns the first page.
        """

    def checkout(self, checkout_id: str) -> Checkout:
        """Read a payment page again, and whether it is paid."""


class SavedCardRail(Protocol):
    """Charges cards that owners have saved, while nobody is there."""

    def open_card_setup(self, *, reference: str, name: str, email: str, back_to: str) -> CardSetup:
        """Open a page where a card is saved; again with the same reference, the first page."""

    def card_setup(self, setup_id: str) -> CardSetup:
        """Read that page again, and whether a card was saved."""

    def charge_saved(
        self, amount: Money, *, customer_id: str, card_id: str, reference: str, title: str
    ) -> Checkout:
        """Charge a saved card now; a card that says no comes back as `failed`, with its trouble.

        Again with the same reference within a day, the first answer. Raises `PayoutRefused` when
        nothing was charged, and `OutcomeUnknown` when something may have been.
        """

    def find_saved_charge(
        self, *, customer_id: str, reference: str, since: datetime
    ) -> Checkout | None:
        """Return what became of a charge under a reference, or None when there is none."""

    def forget_card(self, card_id: str) -> None:
        """Take a card away, so that nobody can charge it again."""


class ChargeRail(Protocol):
    """Knows what became of owners' money after it was paid."""

    def charge(self, charge_id: str) -> RailCharge:
        """Read a charge: whether it has settled, and what of it went back."""


class RefundRail(Protocol):
    """Gives owners' money back."""

    def give_back(self, charge_id: str, amount: Money, *, reference: str) -> RailRefund:
        """Give back a part of a charge, on the same terms as `TransferRail.send`."""

    def find_refund(self, charge_id: str, *, reference: str) -> RailRefund | None:
        """Return what was given back of a charge under a reference, or None."""

    def refund(self, refund_id: str) -> RailRefund:
        """Read a refund again: it may fail even after it had succeeded."""


class PayeeRail(Protocol):
    """Keeps the accounts of those who are paid."""

    def open_payee(self, *, reference: str, email: str, country: str) -> str:
        """Open an account and return its id; the same reference returns the first account."""

    def onboarding_url(self, account_id: str, *, refresh_url: str, return_url: str) -> str:
        """Return a page of the rail's, for once and soon, where the payee gives their details."""

    def payee(self, account_id: str) -> PayeeStatus:
        """Read how far an account is."""


class TransferRail(Protocol):
    """Moves pay to experts."""

    def send(self, amount: Money, *, to: str, reference: str) -> str:
        """Send `amount` to a payee and return the rail's id for it.

        Sending again with the same reference within a day returns the first transfer. Raises
        `PayoutRefused` when nothing was moved, and `OutcomeUnknown` when something may have been.
        """

    def send_from(self, charge_id: str, amount: Money, *, to: str, reference: str) -> str:
        """Send, on the same terms, from a charge that need not have settled."""

    def find_sent(self, *, to: str, reference: str, since: datetime) -> str | None:
        """Return the id of what was sent under a reference, or None when nothing was."""

    def bank_transfer(self, account_id: str, bank_transfer_id: str) -> BankTransfer:
        """Read what the rail has sent on to the bank of a payee."""


class PayeeBalanceRail(Protocol):
    """Tells what a payee has at the rail."""

    def payee_balance(self, account_id: str, currency: str) -> Money:
        """What a payee has in a currency, settled or not; below nothing when they owe the rail."""


class DisputeRail(Protocol):
    """Tells of payments that banks ask back."""

    def dispute(self, dispute_id: str) -> RailDispute:
        """Read a dispute and what it has moved."""

    def disputes(self, since: datetime) -> Iterable[RailDispute]:
        """Read the disputes that were opened since then, newest first."""


class ReversalRail(Protocol):
    """Takes transfers back."""

    def take_back(self, transfer_id: str, amount: Money, *, reference: str) -> RailReversal:
        """Take a sent transfer back, in whole or in part.

        Again with the same reference within a day returns the first. Raises `PayoutRefused` when
        nothing was moved, `NotEnoughFunds` when the payee's balance does not cover it.
        """

    def taken_back(self, transfer_id: str) -> list[RailReversal]:
        """All that was taken back of a transfer, by us or by hand."""


class BooksRail(Protocol):
    """Lets our books be compared with the rail's."""

    def balances(self) -> list[RailBalance]:
        """What the rail holds for us, one for each currency."""

    def entries(self, since: datetime) -> Iterable[RailEntry]:
        """What has changed it since then, newest first."""


class NewsRail(Protocol):
    """Brings what has happened at the rail."""

    def read_news(self, payload: bytes, signature: str, *, secret: str) -> RailNews:
        """Check who a message is from and read it, or raise `NotFromTheRail`."""

    def undelivered_news(self, since: datetime) -> Iterable[RailNews]:
        """What the rail could not bring to us."""


class SendingRail(TransferRail, PayeeBalanceRail, Protocol):
    """All that sending a payout asks of the rail."""


class ReconcilingRail(BooksRail, DisputeRail, ReversalRail, Protocol):
    """All that comparing the books asks of the rail."""


class PayoutRail(
    CheckoutRail,
    ChargeRail,
    RefundRail,
    SavedCardRail,
    PayeeRail,
    SendingRail,
    ReconcilingRail,
    NewsRail,
    Protocol,
):
    """Takes owners' money in and moves experts' pay out."""


class LabellingDown(Exception):
    """The labelling backend cannot be reached or is busy; try again later."""


class LabellingRefused(Exception):
    """The labelling backend will never take this, however often it is sent."""


class LabellingLost(Exception):
    """The backend has lost what this was about: a project, a task or a user that it once had."""


@dataclass(frozen=True)
class AnswerThere:
    """An annotation as the backend has it; users are the backend's ids.

    `is_skip` says that nothing was answered, `is_truth` that it is marked as a known answer.
    """

    id: int
    result: Any
    by: int | None
    changed_by: int | None
    changed_at: datetime
    is_skip: bool = False
    is_truth: bool = False


@dataclass(frozen=True)
class PredictionThere:
    """What a model says of a task, as the backend has it."""

    id: int
    model_version: str
    result: Any
    score: float | None


@dataclass(frozen=True)
class VerdictNote:
    """What a task says of the verdicts on its answers: for programs, and in a line for people."""

    rows: Any = None
    line: Any = None


@dataclass(frozen=True)
class TaskThere:
    """A task as the backend has it; `ours` is our id where it says that it is one of ours."""

    id: int
    ours: int | None
    changed_by: int | None
    changed_at: datetime
    answers: tuple[AnswerThere, ...] = ()
    predictions: tuple[PredictionThere, ...] = ()
    verdicts: VerdictNote = VerdictNote()


@dataclass(frozen=True)
class BackendFacts:
    """What the backend says of itself; None where it cannot be asked."""

    version: str
    edition: str
    has_closed_signup: bool | None
    has_telemetry: bool | None
    takes_legacy_tokens: bool | None
    is_private: bool
    token_kind: Literal["legacy", "personal"]
    # Whether it would call the address of our hints; None where it is not to.
    calls_us: bool | None = None
    # Whether it keeps reviews of answers; None where its edition knows none.
    takes_reviews: bool | None = None


@dataclass(frozen=True)
class PredictionSent:
    """What a model says of a task, as the backend is to show it."""

    task: int  # the backend's id
    model_version: str
    result: Sequence[Mapping[str, Any]]
    score: float | None


@dataclass(frozen=True)
class VerdictsSent:
    """What a task is to say of the verdicts on its answers."""

    task: int  # the backend's id
    note: VerdictNote


class LabellingReader(Protocol):
    """Tells what the backend has, so that it can be compared with what it should have.

    Raises as a `LabellingBackend` does, and `LabellingLost` where a project is not there.
    """

    def facts(self, hook: str = "") -> BackendFacts:
        """Return how the backend is set up, and whether it would call an address."""

    def people(self) -> dict[int, str]:
        """Return the addresses of all users there, by their ids."""

    def find_project(self, project_id: int, *, reference: str) -> int | None:
        """Return the id there of a project of ours, or None."""

    def tasks_after(self, labelling_project_id: int, after: int, *, limit: int) -> list[TaskThere]:
        """Return the tasks whose id there is above `after`, in the order of their ids."""

    def tasks_changed(
        self, labelling_project_id: int, since: datetime | None, *, limit: int, page: int = 1
    ) -> list[TaskThere]:
        """Return tasks that changed at `since` or later, the longest ago first.

        A task changes with each answer that is added to it, changed or removed.
        """

    def answer(self, labelling_annotation_id: int) -> AnswerThere | None:
        """Return an annotation, or None when it is not there."""

    def reviews(self, labelling_project_id: int) -> dict[int, bool]:
        """Return by annotations whether our newest review of each accepts it.

        Raises `LabellingRefused` where the backend keeps no reviews, or lets us see none.
        """


class LabellingBackend(LabellingReader, Protocol):
    """Keeps projects, tasks and annotations where owners look at them.

    The ids that go in are ours, the ids that come out are the backend's. Every call may be
    repeated: what is there already is found, never made twice. Every call raises `LabellingDown`
    when a later attempt may help, `LabellingRefused` when none will, and `LabellingLost` when the
    backend itself has lost something, as after an older copy of it was restored.
    """

    def version(self) -> str:
        """Return the backend's version, which also says that it is up and lets us in."""

    def ensure_project(
        self, project_id: int, title: str, *, reference: str, label_config: str, overlap: int
    ) -> int:
        """Make our project there, or bring it up to date, and return its id there.

        Numbers begin at 1 in every instance; `reference` never changes and is nobody else's, so
        that a backend which served another instance before mixes nothing up.
        """

    def import_tasks(
        self, labelling_project_id: int, tasks: Mapping[int, Mapping[str, Any]]
    ) -> dict[int, int]:
        """Store a batch of task data, keyed by our task ids, and return the ids there by ours.

        One caller at a time in each project.
        """

    def ensure_shadow_user(self, pseudonym: str) -> int:
        """Return the id there of the user who stands for an expert; nobody can sign in as it."""

    def push_annotation(
        self,
        labelling_task_id: int,
        result: Sequence[Mapping[str, Any]],
        *,
        by: int,
        unique_id: UUID,
        lead_seconds: float,
        began_with: int | None = None,
    ) -> int | None:
        """Store an answer under a shadow user; the same `unique_id` is stored once.

        `began_with` is the prediction there that its expert started from. Returns its id there,
        or None when it was stored before.
        """

    def push_skip(
        self, labelling_task_id: int, *, by: int, unique_id: UUID, lead_seconds: float
    ) -> int | None:
        """Store that an expert skipped a task, on the same terms as an answer."""

    def push_known(
        self, labelling_task_id: int, result: Sequence[Mapping[str, Any]], *, unique_id: UUID
    ) -> int | None:
        """Store the known answer to a task, marked as such, on the same terms as an answer."""

    def push_predictions(
        self, labelling_project_id: int, predictions: Mapping[int, PredictionSent]
    ) -> dict[int, int]:
        """Store predictions, keyed by ours, and return their ids there by ours.

        A task has one of each model version; one that says something else is written over.
        One caller at a time in each project.
        """

    def withdraw_prediction(self, labelling_prediction_id: int) -> None:
        """Take a prediction away, if it is there."""

    def push_verdicts(
        self, labelling_project_id: int, verdicts: Mapping[int, VerdictsSent]
    ) -> None:
        """Let tasks say what was decided about their answers, keyed by our task ids.

        What they said of it before is written over, and nothing else of them is.
        """

    def push_review(self, labelling_annotation_id: int, *, is_accepted: bool, words: str) -> int:
        """Store a review of an annotation with the words behind it, and return its id there.

        What our newest review says already is not said again; words that hold no more are taken
        away. Raises `LabellingRefused` where the backend keeps no reviews, or none of ours.
        """

    def put_back(self, labelling_annotation_id: int, result: Sequence[Mapping[str, Any]]) -> None:
        """Let an annotation say again what it said."""

    def watch(self, labelling_project_id: int, url: str, headers: Mapping[str, str]) -> bool:
        """Let the backend call an address when answers of a project change, once per address.

        Returns whether it will; it may refuse an address inside its own walls.
        """


class WebhookRefused(Exception):
    """An address is not one that webhooks may go to; the words say why."""


class WebhookUnanswered(Exception):
    """Nobody answered in time, or what came was no answer; the words say what happened."""


@dataclass(frozen=True)
class WebhookAnswer:
    """What a receiver answered: the status, and the beginning of the body."""

    status: int
    excerpt: str


class WebhookSender(Protocol):
    """Brings messages to the servers of organisations, and nowhere else."""

    def check(self, url: str) -> None:
        """Raise `WebhookRefused` when nothing may be sent to an address, as it is known now."""

    def send(self, url: str, body: bytes, headers: Mapping[str, str]) -> WebhookAnswer:
        """Send a message to where the address leads now, checked again; follow no redirect.

        Raises `WebhookRefused` when the address is refused, and `WebhookUnanswered`.
        """


class PredictorDown(Exception):
    """A model behind an address does not answer now; try again later."""


class PredictorRefused(Exception):
    """A model behind an address will never answer this; the words say why, as a code."""


@dataclass(frozen=True)
class Predicted:
    """What a model says of a task, as it came: nothing of it is checked."""

    result: Any
    score: Any
    model_version: Any
    probabilities: Any = None


class Predictor(Protocol):
    """Asks models that owners run, at addresses that owners give.

    Every call raises `PredictorDown` when a later attempt may help and `PredictorRefused` when
    none will, also where the address is one that nothing may be sent to.
    """

    def check(self, address: str) -> None:
        """Raise `PredictorRefused` when nothing may be asked there, as it is known now."""

    def greet(self, address: str) -> None:
        """Ask whether a model is up there."""

    def predict(
        self, address: str, tasks: Mapping[int, Mapping[str, Any]], *, project: str, config: str
    ) -> dict[int, Predicted]:
        """Return what the model says of tasks, by our ids."""


Form = TypeVar("Form", bound=BaseModel)
Value = TypeVar("Value")


@dataclass(frozen=True)
class ModelUse:
    """What an answer of a language model took; tokens as the endpoint counts them."""

    model: str
    tokens_in: int
    tokens_out: int
    milliseconds: int


class ModelDown(Exception):
    """The language model cannot be reached, is busy or too slow; try again later."""


class ModelRefused(Exception):
    """The endpoint will never answer this: a wrong key, an unknown model, too long a text."""


class ModelNonsense(Exception):
    """The model answered, but not in the form that was asked for; `use` is what it took."""

    def __init__(self, use: ModelUse) -> None:
        super().__init__("the answer has another form")
        self.use = use


@dataclass(frozen=True)
class Said:
    """A turn that a language model is given."""

    role: Literal["system", "user", "assistant"]
    text: str


@dataclass(frozen=True)
class ModelAnswer(Generic[Value]):
    """What a language model answered, in the form that was asked for."""

    value: Value
    use: ModelUse


class ModelStream(Protocol):
    """An answer that comes piece by piece; `use` is known once it has ended."""

    use: ModelUse | None

    def __iter__(self) -> Iterator[str]:
        """Go through the pieces. Raises `ModelDown` where they stop before the end."""

    def close(self) -> None:
        """Hear no more of it; safe to call twice."""


class LanguageModel(Protocol):
    """A language model behind an endpoint.

    Nothing is kept between two calls. Every call raises `ModelDown` when a later attempt may help
    and `ModelRefused` when none will. Never call one while a transaction is open.
    """

    name: str
    host: str

    def ask(self, said: Sequence[Said], form: type[Form], *, most_tokens: int) -> ModelAnswer[Form]:
        """Return an answer in a form. Raises `ModelNonsense` where the answer has another."""

    def stream(self, said: Sequence[Said], *, most_tokens: int) -> ModelStream:
        """Return an answer in words as it comes."""


class Transcriber(Protocol):
    """Turns speech into words; raises as a `LanguageModel` does."""

    name: str

    def transcribe(self, audio: bytes, *, name: str, language: str) -> ModelAnswer[str]:
        """Return what was said in a recording; `name` tells its format, such as "a.webm"."""


@dataclass(frozen=True)
class Ports:
    """Every side of the outside that this instance uses."""

    mailer: Mailer
    payout_rail: PayoutRail
    labelling: LabellingBackend
    webhooks: WebhookSender
    language_model: LanguageModel | None = None
    second_model: LanguageModel | None = None
    transcriber: Transcriber | None = None
    predictor: Predictor | None = None


def ports() -> Ports:
    """Return the ports of the running app; only edges call this."""
    found: Ports = current_app.extensions["doyen.ports"]
    return found
