"""Registering, confirming and signing in, as a person does it: by the pages and the letters."""

import re
import time

from demo.visitor import Page, Visitor

LETTER_SECONDS = 60


class NoLetter(Exception):
    """A letter that was expected did not come."""


def arrive(
    base: str,
    *,
    name: str,
    email: str,
    role: str,
    password: str,
    organisation: str = "",
    language: str = "en",
) -> Visitor:
    """Return a person who is signed in, registering them first when they are new here."""
    visitor = Visitor(base, language)
    if sign_in(visitor, email, password):
        return visitor
    form = visitor.open("/register").form(has="password_confirm")
    visitor.send(
        form,
        email=email,
        password=password,
        password_confirm=password,
        name=name,
        role=role,
        organisation=organisation,
    )
    visitor.open(_link(visitor, email, r"/confirm/\S+"))
    if not sign_in(visitor, email, password):
        raise LookupError(f"{email} has registered and confirmed, and cannot sign in")
    return visitor


def sign_in(visitor: Visitor, email: str, password: str) -> bool:
    """Sign in; return whether it worked."""
    form = visitor.open("/sign-in").form(has="password")
    return signed_in(visitor.try_send(form, email=email, password=password, remember=None))


def signed_in(page: Page) -> bool:
    """Return whether a page was made for somebody who has signed in."""
    return page.has_form(action="/sign-out")


def _link(visitor: Visitor, email: str, pattern: str) -> str:
    """Return the newest link of a kind among the letters to an address."""
    until = time.monotonic() + LETTER_SECONDS
    while time.monotonic() < until:
        for letter in visitor.open(f"/letters?to={email}").links(r"/letters/\d+"):
            found = re.search(rf"https?://[^/\s]+({pattern})", visitor.open(letter).text)
            if found:
                return found.group(1)
        time.sleep(0.5)
    raise NoLetter(f"no letter with {pattern} came to {email} within {LETTER_SECONDS} s")
