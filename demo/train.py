"""Placeholder until H7 writes this."""


def train(*args: object) -> dict[str, object]:
    """Nothing yet."""
    return {}
