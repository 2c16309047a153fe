"""What the audit trail says of releases."""

from flask_babel import lazy_gettext as _l

from core.audit_words import Row

ACTIONS = {
    "noise.asked": _l("Look for doubtful labels asked for"),
    "noise.said_right": _l("Doubtful label said to be right"),
    "noise.sent_back": _l("Doubtful labels sent back for one more answer"),
    "release.access_asked": _l("Request to read releases"),
    "release.access_given": _l("Request to read releases granted"),
    "release.access_refused": _l("Request to read releases refused"),
    "release.access_withdrawn": _l("Request to read releases withdrawn"),
    "release.visibility_changed": _l("Who finds releases in the catalogue changed"),
    "release.log_exported": _l("Log of downloads exported"),
    "release.asked": _l("Release asked for"),
    "release.built": _l("Release built"),
    "release.declined": _l("Release not wanted by its owner"),
    "release.failed": _l("Release not built"),
    "release.granted": _l("Organisation allowed to read releases"),
    "release.grant_ended": _l("Organisation no longer allowed to read releases"),
    "release.key_changed": _l("Key that signs releases changed"),
    "release.key_revoked": _l("Key that signs releases revoked"),
    "release.pushed": _l("Release pushed to another hub"),
}
ROWS = {
    "release": Row(_l("Release %(id)s")),
    "release_key": Row(_l("Key %(id)s of releases")),
}
