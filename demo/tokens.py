"""Making a token on the page where people make them."""

import re

from demo.visitor import Visitor


def make(visitor: Visitor, name: str = "training pipeline") -> str:
    """Return a new token that reads releases."""
    form = visitor.open("/tokens").form(has="scopes")
    page = visitor.send(form, name=name, days=30)
    found = re.search(r"dy_[\w-]{40,}", page.text)
    if found is None:
        raise LookupError(f"no token at {page.url}")
    return found.group(0)
