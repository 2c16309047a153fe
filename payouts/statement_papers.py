"""Statements as papers and as files: the same lines, for reading and for a spreadsheet."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from typing import Any

from babel.dates import format_date
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlmodel import Session

from core import documents, formats
from core.money import Money
from payouts import csv_lines, movement_words, sheets
from payouts.movements import Movement
from payouts.sheets import Sheet
from payouts.statements import Statement

LINES_AT_MOST = 2000  # a paper with more is folded by day and project; the file has them all


def month_words(month: sheets.Month) -> str:
    """Return a month in words: November 2026."""
    return str(format_date(month.since.date(), "LLLL y", locale=formats.locale()))


def month_pdf(
    session: Session, sheet: Sheet, expert_id: int, *, name: str, pseudonym: str, at: datetime
) -> bytes:
    """Typeset the statement of a month."""
    asked = (session, expert_id, sheet.currency, sheet.month)
    found = sheets.lines(*asked)
    fold = sheets.count(*asked) > LINES_AT_MOST
    lines = _folded(found) if fold else _each(session, expert_id, list(found))
    title = _("Statement of %(month)s", month=month_words(sheet.month))
    values = {
        "title": title,
        "foot": _("Statement %(number)s", number=sheet.number),
        "facts": [
            [_("For"), _for(name, pseudonym)],
            [_("Time"), _time(sheet)],
            [_("Currency"), sheet.currency.upper()],
            [_("Number"), sheet.number],
        ],
        "sums": [
            [_("Balance on %(day)s", day=_day(sheet.month.since.date())), _money(sheet.opening)],
            [_("Credited"), _money(sheet.credited)],
            [_("Paid out"), _money(-sheet.sent)],
            *([[_("Came back"), _money(sheet.returned)]] if sheet.returned else []),
            [_("Balance on %(day)s", day=_day(_end(sheet, at))), _money(sheet.closing)],
        ],
        "heads": [_("Date"), _("What"), _("Project"), _("Amount")],
        "lines": lines,
        "total": [_("Balance"), "", "", _money(sheet.closing)],
        "nothing": "" if lines else _("Nothing came and nothing left in this time."),
        "notes": _notes(sheet, folded=fold),
    }
    return documents.pdf(
        "payouts/statement.typ", values, language=formats.locale().language, made_at=at
    )


def month_csv(sheet: Sheet, found: Iterable[Movement]) -> Iterator[str]:
    """Write every line of a month, with the balance after each."""
    yield csv_lines.line(
        "date", "what", "project", "reference", "reason", "amount", "balance", "currency"
    )
    balance, code = sheet.opening, sheet.currency
    yield csv_lines.line(
        sheet.month.since.date().isoformat(),
        "opening balance",
        "",
        "",
        "",
        "",
        _plain(balance),
        code,
    )
    for one in found:
        balance += one.amount
        what = movement_words.act(one.act, one.narration, in_part=one.in_part)
        cells = (one.at.isoformat(), what, one.title, one.cause, "")
        yield csv_lines.line(*cells, _plain(one.amount), _plain(balance), code)
    yield csv_lines.line(
        sheet.month.last_day.isoformat(), "closing balance", "", "", "", "", _plain(balance), code
    )


def payout_pdf(it: Statement, *, name: str, pseudonym: str, at: datetime) -> bytes:
    """Typeset what one payout was made of."""
    lines = [
        [formats.number(one.count), one.what, one.title, _money(one.amount)] for one in it.lines
    ]
    if it.brought:
        lines.insert(0, ["", _("Owed from before"), "", _money(it.brought)])
    if it.kept:
        lines.append(["", _("Kept for the next payout"), "", _money(-it.kept)])
    sent_at = it.payout.sent_at or it.until
    values = {
        "title": _("Statement %(number)s", number=it.number),
        "foot": it.payout.reference,
        "facts": [
            [_("For"), _for(name, pseudonym)],
            [_("Time"), _span(it)],
            [_("Sent on"), _day(sent_at.date())],
            [_("Reference"), it.payout.reference],
        ],
        "sums": [],
        "heads": [_("Count"), _("What"), _("Project"), _("Amount")],
        "lines": lines,
        "total": [_("Paid"), "", "", _money(it.payout.amount)],
        "nothing": "",
        "notes": [
            *_taken_back(it),
            _("The owners paid the platform’s fee on top. No fee was taken from you."),
        ],
    }
    return documents.pdf(
        "payouts/statement.typ", values, language=formats.locale().language, made_at=at
    )


def payout_csv(it: Statement) -> Iterator[str]:
    """Write what one payout was made of."""
    code = it.payout.currency
    yield csv_lines.line("what", "project", "count", "each", "amount", "currency")
    yield csv_lines.line("owed from before", "", "", "", _plain(it.brought), code)
    for one in it.lines:
        cells = (one.what, one.title, str(one.count), _plain(one.each))
        yield csv_lines.line(*cells, _plain(one.amount), code)
    yield csv_lines.line("kept for the next payout", "", "", "", _plain(-it.kept), code)
    yield csv_lines.line("paid", "", "", "", _plain(it.payout.amount), code)
    for back in it.taken_back:
        what = f"came back on {back.at.date().isoformat()}, owed again"
        yield csv_lines.line(what, "", "", "", _plain(-back.amount), code)
    if it.taken_back:
        yield csv_lines.line("paid, less what came back", "", "", "", _plain(it.net), code)


def _taken_back(it: Statement) -> list[str]:
    said = [
        _(
            "%(amount)s of it came back on %(day)s and was owed to you again from that day on.",
            amount=_money(back.amount),
            day=_day(back.at.date()),
        )
        for back in it.taken_back
    ]
    if said:
        said.append(_("Paid, less what came back: %(amount)s.", amount=_money(it.net)))
    return said


def _each(session: Session, expert_id: int, found: list[Movement]) -> list[list[Any]]:
    why = sheets.reasons(session, expert_id, found)
    lines = []
    for one in found:
        what = movement_words.act(one.act, one.narration, in_part=one.in_part)
        words = [
            "" if one.act == "sent/amount" else what,  # its cause says the same, with a number
            movement_words.cause(one.cause),
            why.get(one.cause, "") if one.in_part else "",
        ]
        what = ". ".join(filter(None, words))
        lines.append([_day_short(one.at.date()), what, one.title, _money(one.amount)])
    return lines


def _folded(found: Iterable[Movement]) -> list[list[Any]]:
    lines = []
    for one, count, amount in sheets.by_project(found):
        what = movement_words.act(one.act, one.narration, in_part=one.in_part)
        said = ngettext("%(what)s, %(num)s amount", "%(what)s, %(num)s amounts", count, what=what)
        lines.append([_day_short(one.at.date()), said, one.title, _money(amount)])
    return lines


def _notes(sheet: Sheet, *, folded: bool) -> list[str]:
    notes = [
        _("An amount counts on the day that it was credited or left, in UTC."),
        _("The owners paid the platform’s fee on top. No fee was taken from you."),
    ]
    if not sheet.is_over:
        notes.insert(0, _("This month is not over: the statement is as of today."))
    if folded:
        notes.append(_("Amounts of one day, project and kind are one line; the CSV file has each."))
    return notes


def _for(name: str, pseudonym: str) -> str:
    said = _("Expert %(pseudonym)s", pseudonym=pseudonym)
    return f"{name}, {said}" if name else said


def _time(sheet: Sheet) -> str:
    first, last = _day(sheet.month.since.date()), _day(sheet.month.last_day)
    return str(_("%(first)s to %(last)s", first=first, last=last))


def _span(it: Statement) -> str:
    last = formats.date_time_long(it.until)
    if it.since is None:
        return str(_("until %(last)s", last=last))
    return str(_("%(first)s to %(last)s", first=formats.date_time_long(it.since), last=last))


def _end(sheet: Sheet, at: datetime) -> date:
    return sheet.month.last_day if sheet.is_over else min(at.date(), sheet.month.last_day)


def _day(day: date) -> str:
    words = format_date(day, "d MMMM y", locale=formats.locale())
    return (
        words.replace("1 ", "1er ", 1)
        if formats.locale().language == "fr" and day.day == 1
        else words
    )


def _day_short(day: date) -> str:
    return str(format_date(day, "d MMM", locale=formats.locale()))


def _money(amount: Money) -> str:
    return formats.money(amount)


def _plain(amount: Money) -> str:
    return str(amount.decimal)
