"""What is typed after `python -m demo`."""

import pytest

from demo import __main__ as entry


@pytest.mark.parametrize("typed", [["up", "x"], ["up", "0"], ["up", "65536"], ["walk", "1"], []])
def test_what_is_no_command_is_answered_with_the_commands(typed, capsys):
    assert entry.main(typed) == 2
    assert "up [PORT]" in capsys.readouterr().out


def test_a_demo_may_begin_at_another_port(monkeypatch):
    asked = []
    monkeypatch.setattr(entry, "up", lambda *port: asked.append(port) or 0)

    assert (entry.main(["up"]), entry.main(["up", "8010"])) == (0, 0)
    assert asked == [(), (8010,)]
