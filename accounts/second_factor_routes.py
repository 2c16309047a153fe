"""What Flask-Security does with codes and we do otherwise: set-ups that last, no signing out."""

from typing import Any

from flask import Flask, current_app, g, redirect, render_template, session
from flask.typing import ResponseReturnValue
from flask_login import current_user
from flask_security.utils import check_and_get_token_status

from accounts import recent_routes
from core.access import recently_signed_in, signed_in

ENDPOINT = "security.two_factor_setup_validate"
CODE = "security.two_factor_token_validation"
PASSKEY = "security.wan_register_response"


def init_app(app: Flask) -> None:
    """Keep the picture after a wrong first code, sign nobody out by a link, ask who is there.

    What Flask-Security signs for the second step of a set-up is not tied to a person: whoever holds
    a stolen session could bring it from an account of their own, past the question for a
    recent sign-in. So the second step asks that too.

    Flask-Security signs out whoever opens the page for a code without having been asked for one:
    any picture on another site could point there.
    """
    theirs: Any = app.view_functions[ENDPOINT]

    def validate(token: str) -> ResponseReturnValue:
        answer: ResponseReturnValue = theirs(token=token)
        form = g.pop("wrong_code", None)
        return answer if form is None else (_same_picture(token, form), 422)

    app.view_functions[ENDPOINT] = signed_in(recently_signed_in(validate))
    app.view_functions[PASSKEY] = signed_in(recently_signed_in(app.view_functions[PASSKEY]))
    code: Any = app.view_functions[CODE]

    def ask() -> ResponseReturnValue:
        if current_user.is_authenticated and session.get("tf_state") != "validating_profile":
            return redirect("/home")
        late = recent_routes.confirm() if current_user.is_authenticated else None
        if late is not None:
            return late
        answer: ResponseReturnValue = code()
        return answer

    app.view_functions[CODE] = ask


def _same_picture(token: str, form: Any) -> str:
    session.pop("_flashes", None)  # they say what the form says
    _old, _bad, state = check_and_get_token_status(
        token, "tf_setup", current_app.config["SECURITY_TWO_FACTOR_SETUP_WITHIN"]
    )
    shown = current_app.extensions["security"].totp_factory.fetch_setup_values(
        state["totp_secret"], current_user
    )
    return render_template(
        "security/two_factor_setup.html",
        two_factor_setup_form=form,
        two_factor_verify_code_form=form,
        chosen_method=state["method"],
        changing=True,
        state_token=token,
        authr_qrcode=shown["image"],
        authr_key=shown["key"],
    )
