"""Our Stripe sandbox: a server of its own that speaks Stripe's HTTP API. No real money moves.

`python -m payouts.sandbox` starts it. The real `stripe` SDK works against it, pinned to the
API version `settings.API_VERSION`. The one rule: nothing here imports anything of ours outside
this package, and nothing outside it imports from here but tests and the demo.
"""
