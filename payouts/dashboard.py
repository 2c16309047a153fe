"""Where something is on Stripe's own pages, which only the operator can open."""

from core.settings import Settings

HOST = "https://dashboard.stripe.com"
PAGES = {
    "ch": "payments",
    "py": "payments",
    "tr": "connect/transfers",
    "po": "payouts",
    "tu": "topups",
    "du": "disputes",
    "dp": "disputes",
}


def address(settings: Settings, object_id: str | None) -> str | None:
    """Return the page of an object, or of the sandbox that stands for Stripe."""
    if not object_id:
        return None
    if settings.stripe_api_base:
        return f"{settings.stripe_api_base.rstrip('/')}/"
    is_live = settings.stripe_api_key.get_secret_value().startswith(("sk_live_", "rk_live_"))
    base = HOST if is_live else f"{HOST}/test"
    page = PAGES.get(object_id.partition("_")[0])
    return f"{base}/{page}/{object_id}" if page else f"{base}/search?query={object_id}"
