"""What people may declare of themselves for the fairness report; every answer is optional."""

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import RadioField
from wtforms.fields import SelectChoice
from wtforms.validators import Optional

from interviews.fairness import ETHNICITY_WORDS, SEX_WORDS
from interviews.models import Ethnicity, Sex

NOTHING = SelectChoice("", _l("No answer"))


class DeclarationForm(FlaskForm):  # type: ignore[misc]
    """Sex, and race or ethnicity; or nothing of either."""

    sex = RadioField(
        _l("Sex"),
        choices=[*(SelectChoice(one.value, SEX_WORDS[one]) for one in Sex), NOTHING],
        default="",
        validators=[Optional()],
    )
    ethnicity = RadioField(
        _l("Race or ethnicity"),
        description=_l(
            "The categories are those of a form of the United States (EEO-1): the law of New"
            " York City asks for them. All but the first mean: not Hispanic or Latino."
        ),
        choices=[*(SelectChoice(one.value, ETHNICITY_WORDS[one]) for one in Ethnicity), NOTHING],
        default="",
        validators=[Optional()],
    )

    def said(self) -> tuple[Sex | None, Ethnicity | None]:
        """Return what was declared."""
        sex, ethnicity = self.sex.data, self.ethnicity.data
        return (Sex(sex) if sex else None, Ethnicity(ethnicity) if ethnicity else None)
