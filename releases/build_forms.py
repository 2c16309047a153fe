"""What an owner chooses for a release: which answers, how they become labels, what is kept out."""

from collections.abc import Sequence
from datetime import date

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, DateField, SelectField, SelectMultipleField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import NumberRange, Optional, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from annotation.aggregation import Method
from core.form_parts import WholeNumberField
from releases import recipe as recipes
from releases.builds import Wish
from releases.forms import ReleaseForm
from releases.models import Release
from releases.recipe import Duplicates, Marks, Personal, Recipe, SplitBy, Step

Choice = tuple[str, str]
# Choices that stand in the form as a recipe has them.
SAME = (
    *("others", "waiting", "method", "marks", "min_answers", "labels", "duplicates", "near"),
    *("personal", "votes", "jsonl", "csv"),
)


class _Ticks(SelectMultipleField):  # type: ignore[misc]
    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


def _percent(words: object, hint: object) -> WholeNumberField:
    return WholeNumberField(
        words,
        validators=[Optional(), NumberRange(0, 100, _l("Write a number from 0 to 100."))],
        description=hint,
        render_kw={"min": 0, "max": 100},
    )


class RecipeForm(ReleaseForm):
    """Everything that can be chosen for a release."""

    others = _Ticks(
        _l("Answers of further projects too"),
        description=_l("Those of your organisation that ask the same questions."),
        coerce=int,
    )
    waiting = BooleanField(
        _l("Also answers that nobody has accepted yet"),
        description=_l("Usually only accepted answers are in. Refused ones never are."),
    )
    method = SelectField(
        _l("How several answers become one"),
        description=_l(
            "The vote of the majority is always kept beside it. The other two learn from tasks with"
            " known answers, and need some thirty of them."
        ),
        choices=[
            SelectChoice(Method.MAJORITY, _l("What more than half say")),
            SelectChoice(Method.WEIGHTED, _l("A vote that weighs experts by known answers")),
            SelectChoice(Method.DAWID_SKENE, _l("A model of how each expert errs (Dawid–Skene)")),
        ],
        default=Method.MAJORITY,
    )
    marks = SelectField(
        _l("Marks and boxes of several answers are one"),
        description=_l(
            "Kept is what more than half of the answers have. By overlap, the one that covers the"
            " others best stands for all, with its confidence."
        ),
        choices=[
            SelectChoice(Marks.OVERLAP, _l("Where they share half of what they cover")),
            SelectChoice(Marks.EXACT, _l("Only where they are exactly the same")),
        ],
        default=Marks.OVERLAP,
    )
    min_answers = WholeNumberField(
        _l("Answers a task needs at least"),
        validators=[Optional(), NumberRange(1, 20, _l("Write a number from 1 to 20."))],
        render_kw={"min": 1, "max": 20},
        default=1,
    )
    min_agreement = _percent(
        _l("Agreement at least"), _l("Share of the pairs of answers that are the same.")
    )
    min_confidence = _percent(
        _l("Confidence at least"), _l("How likely the label is, by the way chosen above.")
    )
    min_level = _percent(
        _l("Level of the expert at least"),
        _l("As an interview has proven it; answers of others are left out."),
    )
    labels = _Ticks(_l("Only rows with these labels"))
    since = DateField(_l("Accepted from this day on"), validators=[Optional()])
    before = DateField(_l("Accepted until this day"), validators=[Optional()])
    split_by = SelectField(
        _l("Train, validation and test"),
        description=_l(
            "Chosen with the first release and kept, so that no row ever changes sides."
        ),
        choices=[
            SelectChoice(SplitBy.GROUP, _l("Tasks of one group stay together")),
            SelectChoice(SplitBy.FIELD, _l("Tasks of one document stay together")),
            SelectChoice(SplitBy.TIME, _l("The oldest to train, the newest to test")),
        ],
        default=SplitBy.GROUP,
    )
    split_field = SelectField(
        _l("The field that names the document or the time"),
        description=_l("Without one, a time is that of the first accepted answer."),
        choices=[],
        default="",
    )
    duplicates = SelectField(
        _l("Tasks that say the same"),
        choices=[
            SelectChoice(Duplicates.TOGETHER, _l("Keep them in one split")),
            SelectChoice(Duplicates.DROP, _l("Keep the first and leave out the others")),
            SelectChoice(Duplicates.IGNORE, _l("Do not look for them")),
        ],
        default=Duplicates.TOGETHER,
    )
    near = BooleanField(
        _l("Also those that say nearly the same"),
        description=_l("Four fifths of their words in the same order. It takes longer."),
    )
    personal = SelectField(
        _l("Personal data in the words of tasks"),
        description=_l(
            "Found are mail addresses, telephone, bank and card numbers, addresses of machines and"
            " national numbers. Names, places and stories have no such form."
        ),
        choices=[
            SelectChoice(Personal.REPORT, _l("Look for it and report how much there is")),
            SelectChoice(Personal.MASK, _l("Look for it and hide it")),
            SelectChoice(Personal.OFF, _l("Do not look for it")),
        ],
        default=Personal.REPORT,
    )
    names = BooleanField(_l("Names of persons as well"))
    votes = BooleanField(
        _l("Each answer for itself as well"),
        description=_l(
            "As a second table, under keys. Who agreed to it has the same key in all your releases;"
            " the others a new one in each."
        ),
    )
    jsonl = BooleanField(_l("JSON lines beside Parquet"))
    csv = BooleanField(_l("CSV beside Parquet"))
    step = SelectField(
        _l("The number of the version goes up by"),
        description=_l("What has changed may ask for more, never for less."),
        choices=[
            SelectChoice(Step.PATCH, _l("What the changes ask for")),
            SelectChoice(Step.MINOR, _l("At least the second number")),
            SelectChoice(Step.MAJOR, _l("At least the first number")),
        ],
        default=Step.PATCH,
    )
    look_first = BooleanField(
        _l("Show it to me before readers see it"),
        description=_l("You see what has changed and the version, and say yes or throw it away."),
    )

    def offer(
        self,
        *,
        others: Sequence[tuple[int, str]],
        labels: Sequence[str],
        names: Sequence[str],
        pipeline: str | None,
    ) -> None:
        """Set the choices that depend on the project, and on what looks for names of persons."""
        if pipeline is None:
            del self.names
        else:
            self.names.description = _l(
                "Guessed by %(pipeline)s: it misses about one in five, more without capital"
                " letters, and takes some other words for names. It takes much longer.",
                pipeline=pipeline,
            )
        self.others.choices = list(others)
        self.labels.choices = [(one, one) for one in labels]
        self.split_field.choices = [("", _l("(none)")), *((one, one) for one in names)]

    def validate_split_field(self, field: SelectField) -> None:
        """Ask for the field where documents are meant."""
        if self.split_by.data == SplitBy.FIELD and not field.data:
            raise ValidationError(_l("Choose the field that names the document."))

    def validate_before(self, field: DateField) -> None:
        """Refuse a time that ends before it begins."""
        if field.data and self.since.data and field.data < self.since.data:
            raise ValidationError(_l("This day is before the first one."))

    def begin_with(self, before: Release) -> None:
        """Set every choice of the version before."""
        super().begin_with(before)
        made = recipes.read(before.recipe)
        for name in SAME:
            self[name].data = getattr(made, name)
        for name in ("min_agreement", "min_confidence", "min_level"):
            share = getattr(made, name)
            self[name].data = None if share is None else round(share * 100)
        for name in ("since", "before"):
            day = getattr(made, name)
            self[name].data = date.fromisoformat(day) if day else None
        if self.names is not None:
            self.names.data = made.names

    @property
    def wish(self) -> Wish:
        """What was sent, as builds read it."""
        return Wish(
            changelog=self.changelog.data or "",
            licence=self.licence.data,
            limits=self.limits.data or "",
            with_gold=bool(self.with_gold.data),
            recipe=self.recipe,
            look_first=bool(self.look_first.data),
        )

    @property
    def recipe(self) -> Recipe:
        """What was chosen."""
        return Recipe(
            others=tuple(sorted(self.others.data or ())),
            with_gold=bool(self.with_gold.data),
            waiting=bool(self.waiting.data),
            method=Method(self.method.data),
            marks=Marks(self.marks.data),
            min_answers=max(1, self.min_answers.data or 1),
            min_agreement=_share(self.min_agreement.data),
            min_confidence=_share(self.min_confidence.data),
            min_level=_share(self.min_level.data),
            labels=tuple(sorted(self.labels.data or ())),
            since=_day(self.since.data),
            before=_day(self.before.data),
            split_by=SplitBy(self.split_by.data),
            split_field=self.split_field.data or "",
            duplicates=Duplicates(self.duplicates.data),
            near=bool(self.near.data),
            personal=Personal(self.personal.data),
            names=self._names,
            votes=bool(self.votes.data),
            jsonl=bool(self.jsonl.data),
            csv=bool(self.csv.data),
            step=Step(self.step.data),
        )

    @property
    def _names(self) -> bool:
        """Whether names are looked for: never where nothing is, or nothing here can."""
        wanted = self.names is not None and bool(self.names.data)
        return wanted and self.personal.data != Personal.OFF


def _share(percent: int | None) -> float | None:
    return percent / 100 if percent else None


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None
