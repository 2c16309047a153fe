"""What Flask-Security says on our pages, in our words. Pure: names of messages to texts."""

from typing import Any

from flask_babel import lazy_gettext as _l

WORDS: dict[str, Any] = {
    "GENERIC_AUTHN_FAILED": _l(
        "The address and the password do not go together, or the address is not confirmed yet. "
        "A letter with the link was sent when you registered; you can ask for another."
    ),
    "EMAIL_NOT_PROVIDED": _l("Write your e-mail address."),
    "INVALID_EMAIL_ADDRESS": _l("Write an address like name@example.org."),
    "PASSWORD_NOT_PROVIDED": _l("Write the password."),
    "PASSWORD_INVALID_LENGTH": _l("Write a password of at least %(length)s characters."),
    "INVALID_PASSWORD": _l("This is not your password."),
    "PASSWORD_MISMATCH": _l("This is not your password."),
    "RETYPE_PASSWORD_MISMATCH": _l("Write the same password twice: these do not match."),
    "PASSWORD_IS_THE_SAME": _l("Choose another password than the one you have."),
    "EMAIL_CONFIRMED": _l("Your address is confirmed. You can sign in now."),
    "ALREADY_CONFIRMED": _l("Your address was confirmed before. You can sign in."),
    "INVALID_CONFIRMATION_TOKEN": _l(
        "This link is old or was cut short. If your address is confirmed already, sign in; if not, "
        "ask for another letter."
    ),
    "CONFIRMATION_REQUEST": _l("If an account waits for it, a letter with a link goes there."),
    "CONFIRMATION_EXPIRED": _l("This link is too old. Ask for another letter."),
    "PASSWORD_RESET_REQUEST": _l("If we know this address, a letter with a link goes there."),
    "PASSWORD_RESET_EXPIRED": _l("This link is too old. Ask for another letter."),
    "INVALID_RESET_PASSWORD_TOKEN": _l(
        "This link is old, was used, or was cut short. Ask for another letter."
    ),
    "PASSWORD_RESET_NO_LOGIN": _l("Your password is changed. Sign in with the new one."),
    "PASSWORD_CHANGE": _l("Your password is changed."),
    "REAUTHENTICATION_REQUIRED": _l("Write your password once more to go on."),
    "TWO_FACTOR_INVALID_TOKEN": _l("This code is wrong, used or too old. Write the newest one."),
    "INVALID_CODE": _l("This code is wrong, used or too old. Write the newest one."),
    "INVALID_RECOVERY_CODE": _l("This is none of your unused recovery codes."),
    "NO_RECOVERY_CODES_SETUP": _l("You have no recovery codes yet."),
    "TWO_FACTOR_CHANGE_METHOD_SUCCESSFUL": _l(
        "The second factor is on. Make recovery codes now, for the day the device is lost."
    ),
    "TWO_FACTOR_DISABLED": _l("The second factor is off."),
    "TWO_FACTOR_SETUP_EXPIRED": _l("That took too long. Please begin again."),
    "TWO_FACTOR_LOGIN_SUCCESSFUL": _l("You are signed in."),
    "REAUTHENTICATION_SUCCESSFUL": _l("Thank you. You can go on now."),
    "API_ERROR": _l("That could not be used. Please begin again."),
    "WEBAUTHN_EXPIRED": _l("That took too long. Please begin again."),
    "WEBAUTHN_NAME_REQUIRED": _l("Give the passkey a name."),
    "WEBAUTHN_NAME_INUSE": _l("You have a passkey with this name. Choose another."),
    "WEBAUTHN_NAME_NOT_FOUND": _l("You have no passkey with this name."),
    "WEBAUTHN_CREDENTIAL_DELETED": _l("The passkey is deleted: it opens nothing here any more."),
    "WEBAUTHN_REGISTER_SUCCESSFUL": _l("The passkey is added."),
    "WEBAUTHN_CREDENTIAL_ID_INUSE": _l("This passkey is added already."),
    "WEBAUTHN_UNKNOWN_CREDENTIAL_ID": _l("This passkey does not open an account here."),
    "WEBAUTHN_ORPHAN_CREDENTIAL_ID": _l("This passkey does not open an account here."),
    "WEBAUTHN_NO_VERIFY": _l("The passkey could not be checked. Please begin again."),
    "WEBAUTHN_CREDENTIAL_WRONG_USAGE": _l("This passkey is for use after the password."),
    "WEBAUTHN_MISMATCH_USER_HANDLE": _l("This passkey belongs to another account."),
}


def config() -> dict[str, Any]:
    """Return the settings of Flask-Security that hold the words; each has a tone."""
    quiet = ("EMAIL_CONFIRMED", "PASSWORD_RESET_NO_LOGIN", "PASSWORD_CHANGE")
    told = (
        "TWO_FACTOR_CHANGE_METHOD_SUCCESSFUL",
        "TWO_FACTOR_DISABLED",
        "WEBAUTHN_CREDENTIAL_DELETED",
        "WEBAUTHN_REGISTER_SUCCESSFUL",
        "REAUTHENTICATION_SUCCESSFUL",
    )
    asked = ("CONFIRMATION_REQUEST", "PASSWORD_RESET_REQUEST", "ALREADY_CONFIRMED")
    tones = dict.fromkeys((*quiet, *told), "success") | dict.fromkeys(asked, "info")
    return {
        f"SECURITY_MSG_{name}": (words, tones.get(name, "error")) for name, words in WORDS.items()
    }
