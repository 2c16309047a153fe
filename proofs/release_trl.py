"""Gives each format for language models to TRL's own checks and trainers; runs without ours.

`python release_trl.py NAME...`: names of datasets that the token may read; HF_ENDPOINT and
DOYEN_TOKEN as for the examples. Prints one JSON object with what held and what did not.
"""

import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "examples"))

import preference_trl
import trl
from datasets import load_dataset
from trl import (
    DPOConfig,
    DPOTrainer,
    KTOConfig,
    KTOTrainer,
    RewardConfig,
    RewardTrainer,
    SFTConfig,
    SFTTrainer,
)
from trl.data_utils import (
    extract_prompt,
    is_conversational,
    unpair_preference_dataset,
)

held, failed = [], []
NAMES = sys.argv[1:]
FOLDER = tempfile.TemporaryDirectory()


def step(name):
    """Run a step and note what came of it."""

    def run(function):
        try:
            function()
            held.append(name)
        except (Exception, SystemExit) as error:  # noqa: BLE001
            failed.append(f"{name}: {type(error).__name__}: {str(error)[:400]}")
        return function

    return run


def rows(wanted):
    """Load a format of the first dataset that has it."""
    for name in NAMES:
        found = preference_trl.release(name, "main")
        place = Path(FOLDER.name) / wanted
        place.mkdir(exist_ok=True)
        try:
            files = preference_trl.fetched(found, wanted, place)
        except SystemExit:
            continue
        return load_dataset("json", data_files=files, split="train", cache_dir=f"{place}/cache")
    raise SystemExit(f"no release has {wanted}")


def trained(trainer, config, data, *, reward=False):
    """Train one step; its loss must be a number."""
    place = Path(FOLDER.name) / trainer.__name__
    model = preference_trl.tiny(data, place / "model", reward=reward)
    args = config(
        output_dir=str(place / "out"),
        max_steps=1,
        per_device_train_batch_size=2,
        logging_steps=1,
        save_strategy="no",
        report_to="none",
        use_cpu=True,
        bf16=False,
        disable_tqdm=True,
    )
    made = trainer(model=model, args=args, train_dataset=data)
    made.train()
    [loss] = [one["loss"] for one in made.state.log_history if "loss" in one]
    assert loss == loss
    assert loss > 0, loss


@step("messages: conversational, SFT")
def _messages():
    data = rows("messages")
    assert is_conversational(data[0])
    assert list(data.column_names) == ["messages"] or "messages" in data.column_names
    trained(SFTTrainer, SFTConfig, data)


@step("prompt-completion: conversational, SFT")
def _prompt():
    data = rows("prompt-completion")
    assert is_conversational(data[0])
    trained(SFTTrainer, SFTConfig, data)


@step("preference: conversational, explicit prompt, DPO, reward, unpaired")
def _preference():
    data = rows("preference")
    assert is_conversational(data[0])
    # With an explicit prompt TRL takes none out of the answers.
    assert data[0]["prompt"][-1]["role"] == "user"
    joined = {key: data[0]["prompt"] + data[0][key] for key in ("chosen", "rejected")}
    assert extract_prompt(joined)["prompt"] == data[0]["prompt"]
    assert set(unpair_preference_dataset(data)["label"]) == {True, False}
    trained(DPOTrainer, DPOConfig, data)
    trained(RewardTrainer, RewardConfig, data, reward=True)


@step("unpaired: conversational, KTO")
def _unpaired():
    data = rows("unpaired")
    assert is_conversational(data[0])
    assert data.features["label"].dtype == "bool"
    trained(KTOTrainer, KTOConfig, data)


@step("stepwise: a prompt, steps and as many booleans")
def _stepwise():
    data = rows("stepwise")
    for row in data:
        assert isinstance(row["prompt"], str)
        assert len(row["completions"]) == len(row["labels"]) > 0
        assert {type(one) for one in row["labels"]} == {bool}


print(json.dumps({"trl": trl.__version__, "held": held, "failed": failed}))
