"""The sandbox against the real SDK, each word of both checked by Stripe's own description."""
