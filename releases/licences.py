"""The licences that an owner may give a release: names that the Hub knows, and their words."""

from typing import Any

from flask_babel import lazy_gettext as _l

LICENCES: dict[str, Any] = {
    "other": _l("As agreed between us, in writing"),
    "cc-by-4.0": _l("CC BY 4.0: any use, with our name"),
    "cc-by-sa-4.0": _l("CC BY-SA 4.0: any use, with our name, passed on alike"),
    "cc-by-nc-4.0": _l("CC BY-NC 4.0: not for money, with our name"),
    "cc0-1.0": _l("CC0 1.0: any use, no conditions"),
}
NAMES = {
    "other": _l("as agreed in writing"),
    "cc-by-4.0": "CC BY 4.0",
    "cc-by-sa-4.0": "CC BY-SA 4.0",
    "cc-by-nc-4.0": "CC BY-NC 4.0",
    "cc0-1.0": "CC0 1.0",
}
# Where the words of a licence are, for programs.
ADDRESSES = {
    "cc-by-4.0": "https://creativecommons.org/licenses/by/4.0/",
    "cc-by-sa-4.0": "https://creativecommons.org/licenses/by-sa/4.0/",
    "cc-by-nc-4.0": "https://creativecommons.org/licenses/by-nc/4.0/",
    "cc0-1.0": "https://creativecommons.org/publicdomain/zero/1.0/",
}
