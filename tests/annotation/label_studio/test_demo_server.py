"""The demo's own care for Label Studio: whatever was left half-done is put right."""

import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from annotation.label_studio import LabelStudioBackend
from core.ports import LabellingDown
from demo import label_studio
from tests.label_studio_server import VAR, Server

pytestmark = [
    pytest.mark.live_label_studio,
    pytest.mark.xdist_group("label_studio"),
    pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecatedSince20"),
]
ROOT = Path(__file__).resolve().parents[3]


def test_secrets_are_ours_alone(label_studio: Server):
    for name in ("token", "password", "secret_key"):
        mode = stat.S_IMODE((label_studio.home / name).stat().st_mode)
        assert mode == 0o600, name


def test_a_start_stops_what_a_killed_start_left_behind(own_label_studio):
    left = own_label_studio.process
    again = Server(own_label_studio.home, own_label_studio.port)

    again.start()

    assert left is not None
    assert left.wait(5) is not None
    assert LabelStudioBackend(again.url, again.token).version() == label_studio.VERSION
    again.kill()


def test_a_lost_token_is_replaced_and_the_old_one_is_worth_nothing(own_label_studio):
    lost = own_label_studio.token
    own_label_studio.kill()
    (own_label_studio.home / "token").unlink()

    own_label_studio.start()

    assert own_label_studio.token != lost
    assert LabelStudioBackend(own_label_studio.url, own_label_studio.token).version()
    with pytest.raises(LabellingDown, match="401"):
        LabelStudioBackend(own_label_studio.url, lost).version()


def test_a_port_that_is_taken_is_said(label_studio, tmp_path):
    with pytest.raises(Exception, match="is taken by another program"):
        Server(tmp_path / "home", label_studio.port).start()


def test_the_server_goes_with_its_owner(own_label_studio):
    own_label_studio.kill()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as owner:
        process = label_studio.start(
            VAR, own_label_studio.port, home=own_label_studio.home, owner=owner.pid
        )
        owner.kill()

    assert process.wait(20) is not None
    own_label_studio.process = process


def test_a_process_that_is_not_ours_is_left_alone(tmp_path):
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        (tmp_path / "process.json").write_text(f'{{"pid": {other.pid}}}')

        label_studio._stop_leftover(tmp_path)

        time.sleep(0.2)
        assert other.poll() is None
        other.kill()


def test_an_installation_that_did_not_finish_is_done_anew(tmp_path, monkeypatch):
    installed: list[Path] = []
    said: list[str] = []

    def install(venv: Path, *_: object) -> None:
        assert not venv.exists()
        venv.mkdir()
        installed.append(venv)

    monkeypatch.setattr(label_studio, "install", install)
    half = tmp_path / "label-studio" / "venv"
    half.mkdir(parents=True)

    for _ in range(3):
        label_studio.ensure_installed(tmp_path, said.append)

    assert installed == [half]
    assert said == ["Label Studio: an earlier installation was not finished; starting it anew"]


def test_web_processes_do_not_load_the_sdk():
    look = (
        "import sys; import annotation.routes, annotation.jobs, annotation.labelling, app;"
        "sys.exit('label_studio_sdk' in sys.modules)"
    )

    subprocess.run([sys.executable, "-c", look], cwd=ROOT, check=True)
