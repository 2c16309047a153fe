"""Train on the preferences of a release with TRL: DPO, or a reward model.

    export HF_ENDPOINT=https://doyen.example DOYEN_TOKEN=dy_...
    python preference_trl.py northlight/answers --revision v1.2.0 --reward

Without `--model`, a tiny model with random weights and a tokenizer of the release's own words are
made on the spot, so that it runs anywhere in seconds and loads nothing from elsewhere.
"""

import argparse
import hashlib
import json
import os
import tempfile
import time
import urllib.request
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")  # the instance is asked by its own API, see below

from datasets import load_dataset
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    LlamaForSequenceClassification,
    PreTrainedTokenizerFast,
)
from trl import DPOConfig, DPOTrainer, RewardConfig, RewardTrainer

CHAT = (
    "{% for one in messages %}{{ '<' + one['role'] + '> ' + one['content'] + ' </s> ' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<assistant> ' }}{% endif %}"
)
FORMATS_WITHIN = 120  # seconds: a format is made right after its release


def main() -> None:
    """Train for some steps and print the loss of each."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("name", help="organisation/dataset, as the release's page says")
    parser.add_argument("--revision", default="main", help="v1.2.0, or a commit; else the newest")
    parser.add_argument("--reward", action="store_true", help="a reward model instead of DPO")
    parser.add_argument("--model", help="a folder or name of a model; else a tiny one is made")
    parser.add_argument("--steps", type=int, default=10)
    wanted = parser.parse_args()

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files = fetched(release(wanted.name, wanted.revision), "preference", folder)
        pairs = load_dataset("json", data_files=files, split="train", cache_dir=f"{name}/cache")
        model = wanted.model or tiny(pairs, folder / "model", reward=wanted.reward)
        loss = train(model, pairs, f"{name}/out", steps=wanted.steps, reward=wanted.reward)
    print(f"{wanted.name} {wanted.revision}: {len(pairs)} pairs")
    print(f"loss: {' '.join(f'{one:.4f}' for one in loss)}")


def train(model, pairs, folder, *, steps, reward):
    """Train and return the loss of each step."""
    config, trainer = (RewardConfig, RewardTrainer) if reward else (DPOConfig, DPOTrainer)
    trainer = trainer(
        model=model,
        args=config(
            output_dir=folder,
            max_steps=steps,
            per_device_train_batch_size=4,
            learning_rate=1e-3,
            logging_steps=1,
            save_strategy="no",
            report_to="none",
            use_cpu=True,
            bf16=False,
            disable_tqdm=True,
            seed=0,
        ),
        train_dataset=pairs,
    )
    trainer.train()
    return [one["loss"] for one in trainer.state.log_history if "loss" in one]


def release(name, revision):
    """Return the release of a name and a version, or the newest, as the API gives it."""
    after = ""
    while True:
        page = json.loads(asked(f"/api/v1/releases?limit=100{after}"))
        for one in page["data"]:
            if one["name"] == name and revision in ("main", f"v{one['version']}", one["commit"]):
                return one
        if not page.get("next_cursor"):
            raise SystemExit(f"The token may read no {name} of version {revision}.")
        after = f"&cursor={page['next_cursor']}"


def fetched(found, wanted, folder):
    """Fetch the files of a format by the token, and check their hashes."""
    until = time.monotonic() + FORMATS_WITHIN
    while True:
        made = json.loads(asked(f"/api/v1/releases/{found['id']}/formats"))["data"]
        own = next((one for one in made if one["name"] == wanted), None)
        if own is not None or time.monotonic() > until:
            break
        time.sleep(2)
    if own is None or not own["files"]:
        raise SystemExit(f"The release has no {wanted}: {own['reason'] if own else 'not made'}.")
    paths = []
    for file in own["files"]:
        content = asked(file["url"])
        if hashlib.sha256(content).hexdigest() != file["sha256"]:
            raise SystemExit(f"{file['path']} is not what the release says it is.")
        path = folder / file["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        if content:
            paths.append(str(path))
    return sorted(paths)


def asked(path):
    """Ask the instance for something that the token may read."""
    request = urllib.request.Request(
        os.environ["HF_ENDPOINT"].rstrip("/") + path,
        headers={"Authorization": f"Bearer {os.environ['DOYEN_TOKEN']}"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read()


def tiny(rows, folder, *, reward=False):
    """Make a model of some thousand random weights that knows the words of some rows."""
    plain = Tokenizer(models.WordLevel(unk_token="<unk>"))
    plain.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    special = ["<unk>", "<pad>", "</s>", "<user>", "<assistant>", "<system>"]
    words = trainers.WordLevelTrainer(vocab_size=2000, special_tokens=special)
    plain.train_from_iterator((" ".join(strings(row)) for row in rows), words)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=plain, unk_token="<unk>", pad_token="<pad>", eos_token="</s>"
    )
    tokenizer.chat_template = CHAT
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=512,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        num_labels=1,
    )
    kind = LlamaForSequenceClassification if reward else LlamaForCausalLM
    kind(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return str(folder)


def strings(value):
    """Yield every text in a row, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from strings(one)


if __name__ == "__main__":
    main()
