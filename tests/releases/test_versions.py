"""The version says what a reader must expect: answers changed, rows added, or neither."""

import pytest

from releases.recipe import Step
from releases.versions import Changes, following


@pytest.mark.parametrize(
    ("changes", "version"),
    [
        (None, "1.0.0"),
        (Changes("1.0.0"), "1.0.1"),
        (Changes("1.0.9"), "1.0.10"),
        (Changes("1.2.3", added=4), "1.3.0"),
        (Changes("1.2.3", changed=1), "2.0.0"),
        (Changes("1.2.3", removed=1), "2.0.0"),
        (Changes("1.2.3", columns_added=["text"]), "1.3.0"),
        (Changes("1.2.3", columns_removed=["text"]), "2.0.0"),
        (Changes("9.2.3", added=5, changed=1, removed=2), "10.0.0"),
    ],
)
def test_the_version_follows_from_what_has_changed(changes, version):
    assert following(changes) == version


def test_a_larger_step_may_be_asked_for_and_never_a_smaller_one():
    assert following(Changes("1.2.3"), Step.MAJOR) == "2.0.0"
    assert following(Changes("1.2.3", removed=1), Step.MINOR) == "2.0.0"
