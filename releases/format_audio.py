"""Manifests of recordings for speech recognition, as NeMo and others read them."""

from releases.format_source import Out, Source, Unfit


def manifest(source: Source, out: Out) -> None:
    """Write a line a recording: where it is, how long, and what is said in it."""
    controls = [one for one in source.of_kind("TextArea") if _is_heard(source, one.to_names)]
    if not controls:
        raise Unfit("nothing is written down of a recording")
    field = source.field_of(controls[0], "Audio", "AudioPlus")
    for split in source.splits:
        with out.lines(f"{split}.jsonl") as add:
            for row in source.rows(split):
                words = [
                    text for value in row.values(controls[0].name) for text in value.get("text", [])
                ]
                if not words:
                    out.left_out += 1
                    continue
                lengths = (one.get("original_length") for one in row.result)
                add(
                    {
                        "audio_filepath": row.data.get(field),
                        "duration": next((one for one in lengths if one), None),
                        "text": " ".join(words),
                        "id": row.id,
                    }
                )
                out.rows += 1


def _is_heard(source: Source, names: tuple[str, ...]) -> bool:
    kinds = {source.config.objects[name].kind for name in names if name in source.config.objects}
    return bool(kinds & {"Audio", "AudioPlus"})
