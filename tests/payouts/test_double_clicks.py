"""Every button about money pressed twice: in a row, and at once; see proofs/money_forms.py."""

import pytest
from flask import Flask

from core.access import signed_in
from proofs import money_forms
from tests.payouts.conftest import a_desk


@pytest.mark.timeout(300)
def test_every_money_button_pressed_twice_does_one_thing(live, tmp_path):
    with a_desk(live.app, tmp_path, instant_settlement=True) as desk:
        counts = money_forms.walk(live, desk, tmp_path)
    print(counts)

    assert counts.gaps == []
    assert counts.forms >= 45


def test_a_new_money_form_that_nobody_presses_twice_is_told():
    app = Flask("planted")
    view = signed_in(lambda: "")
    app.add_url_rule("/spend", "payouts.spend", view, methods=["POST"])

    with pytest.raises(money_forms.NotRegistered, match=r'"payouts.spend": Form'):
        money_forms.require_registered(app)


def test_a_line_whose_form_is_gone_is_told(worker_app):
    known = {**money_forms.FORMS, "payouts.gone": money_forms.FORMS["payouts.begin_run"]}

    with pytest.raises(money_forms.NotRegistered, match=r"no form of payouts.gone is left"):
        money_forms.require_registered(worker_app, known)
