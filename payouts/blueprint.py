"""The blueprint that all pages of money share."""

from flask import Blueprint

bp = Blueprint("payouts", __name__)
