"""Currencies and how an amount is written. The one rule: an amount is whole minor units."""

from payouts.sandbox.errors import Refusal

# Exponent at Stripe, smallest charge (its table of minimums, rounded up where it has none).
CURRENCIES = {
    "aud": (2, 50),
    "cad": (2, 50),
    "chf": (2, 50),
    "czk": (2, 1500),
    "dkk": (2, 250),
    "eur": (2, 50),
    "gbp": (2, 30),
    "hkd": (2, 400),
    "huf": (2, 17500),
    "isk": (2, 10000),
    "jpy": (0, 50),
    "nok": (2, 300),
    "nzd": (2, 50),
    "pln": (2, 200),
    "ron": (2, 200),
    "sek": (2, 300),
    "sgd": (2, 50),
    "usd": (2, 50),
}
SIGNS = {"eur": "€", "usd": "$", "gbp": "£", "jpy": "¥"}
MOST = 99_999_999


def currency(given: str, param: str = "currency") -> str:
    """Return a currency's code in lower case, or refuse it."""
    code = given.lower()
    if code not in CURRENCIES:
        raise Refusal(
            f"Invalid currency: {code}. Doyen's sandbox knows {', '.join(CURRENCIES)}.",
            param=param,
        )
    return code


def at_least_one(amount: int, param: str = "amount") -> int:
    """Return an amount that may be moved, or refuse it."""
    if amount < 1:
        raise Refusal(
            "This value must be greater than or equal to 1.",
            code="parameter_invalid_integer",
            param=param,
        )
    if amount > MOST:
        raise Refusal(f"Amount must be no more than {MOST}.", code="amount_too_large", param=param)
    return amount


def chargeable(amount: int, code: str, param: str = "amount") -> int:
    """Return an amount that a card may be charged, or refuse it."""
    least = CURRENCIES[code][1]
    if at_least_one(amount, param) < least:
        raise Refusal(
            f"The amount must be at least {written(least, code)}.",
            code="amount_too_small",
            param=param,
        )
    return amount


def written(amount: int, code: str, lang: str = "en") -> str:
    """Return the amount for a reader: `€1,234.50`, or `1 234,50 €` in French."""
    digits = CURRENCIES[code][0]
    whole, rest = divmod(abs(amount), 10**digits)
    french = lang == "fr"
    figures = f"{whole:,}".replace(",", "\u202f") if french else f"{whole:,}"
    if digits:
        figures += f"{',' if french else '.'}{rest:0{digits}d}"
    minus = "\u2212" if amount < 0 else ""
    sign = SIGNS.get(code, code.upper())
    if french:
        return f"{minus}{figures}\u00a0{sign}"
    return f"{minus}{sign}{figures}" if code in SIGNS else f"{minus}{sign}\u00a0{figures}"
