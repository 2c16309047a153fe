"""What the card of the interview system has said, without figures; only ever added."""

from datetime import datetime

from sqlalchemy import Text
from sqlmodel import Field as Column
from sqlmodel import SQLModel

from core.models import utc


class SystemCard(SQLModel, table=True):
    """The content of the card in English and French, when it first was so."""

    __tablename__ = "system_card"

    digest: str = Column(sa_type=Text, primary_key=True)
    content: str = Column(sa_type=Text)
    first_seen_at: datetime = utc(index=True)
