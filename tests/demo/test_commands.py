"""What is typed after `python -m demo`."""

import threading
import time

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


def test_when_the_seeding_fails_nothing_is_started_again_while_all_is_stopped(
    monkeypatch, tmp_path
):
    heard = []

    class Stack:
        def start(self):
            return entry.Addresses("web", "sandbox", "label-studio")

        def run(self, until):
            while not until():
                time.sleep(0.01)
            heard.append("watches no more")

        def stop(self):
            heard.append("stops")

    def fail(*_anything):
        raise LookupError

    monkeypatch.setattr(entry, "DEMO", tmp_path)
    monkeypatch.setattr(entry.seed, "run", fail)

    with pytest.raises(LookupError):
        entry._stay(Stack(), threading.Event())

    assert heard == ["watches no more", "stops"]
