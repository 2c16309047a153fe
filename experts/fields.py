"""The fields of knowledge that experts work in, and how well a language is spoken."""

from enum import StrEnum

from flask_babel import LazyString
from flask_babel import lazy_gettext as _l


class Field(StrEnum):
    """A field that an interview can prove and a project can ask for."""

    LAW = "law"
    MEDICINE = "medicine"
    FINANCE = "finance"
    SOFTWARE = "software"
    LINGUISTICS = "linguistics"

    @property
    def label(self) -> LazyString:
        """The field's name, in the reader's language."""
        return _FIELD_LABELS[self]


class Fluency(StrEnum):
    """How well somebody works in a language."""

    NATIVE = "native"
    FLUENT = "fluent"
    WORKING = "working"

    @property
    def label(self) -> LazyString:
        """The level's name, in the reader's language."""
        return _FLUENCY_LABELS[self]


_FIELD_LABELS = {
    Field.LAW: _l("Law"),
    Field.MEDICINE: _l("Medicine"),
    Field.FINANCE: _l("Finance and accounting"),
    Field.SOFTWARE: _l("Software"),
    Field.LINGUISTICS: _l("Linguistics"),
}

_FLUENCY_LABELS = {
    Fluency.NATIVE: _l("First language"),
    Fluency.FLUENT: _l("Fluent"),
    Fluency.WORKING: _l("Enough to work in it"),
}
