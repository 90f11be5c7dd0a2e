"""The README.md of a fine-tuned model: everything in it comes from the training record."""

from collections.abc import Mapping
from typing import Any

SCORES = {
    "cls": "the dot product of the [CLS] vectors, not normalised",
    "ot": "the dot product of the query's vocabulary vector with the {k} largest entries of the document's",
    "joint": "ĥ_q·ĥ_d + Σ μ_q[i]·μ_d[i] over the {k} largest entries i of μ_d: [CLS] projected to {dim} dimensions"
    " plus the vocabulary vectors (DupMAE, Eq. 12)",
}
HARNESS = {"cls": "retromae", "ot": "dupmae", "joint": "dupmae"}
PAIRS = {
    "title": "title → text",
    "first-sentence": "first sentence → rest of the text",
    "qa": "question → answer",
}


def model_card(record: Mapping[str, Any]) -> str:
    """Markdown with the front matter of model hubs."""
    kind = record["representation"]["kind"]
    parts = [
        FRONT, f"# Retriever fine-tuned from {record['start']['name']}", _what(record), "## Use",
        _use(kind, record["arguments"]["export_dtype"]),
        "## Training", _table(_training(record)), "Data:", *_data(record["data"]), _start(record["start"]),
        "## Versions", ", ".join(f"{name} {version}" for name, version in record["versions"].items()),
    ]  # fmt: skip
    return "\n\n".join(parts) + "\n"


FRONT = (
    "---\nlibrary_name: sentence-transformers\npipeline_tag: sentence-similarity\ntags: [retrieval, beir-harness]\n---"
)


def _what(record: Mapping[str, Any]) -> str:
    representation = record["representation"]
    score = SCORES[representation["kind"]].format(**representation)
    lines = [f"Representation `{representation['kind']}`: the score is {score}."]
    if representation["kind"] != "cls":
        sep = "with" if representation["include_sep"] else "without"
        lines.append(f"Activation `{representation['activation']}`, maximum over all positions but [CLS], {sep} [SEP].")
    title = record["settings"]["title"]
    joined = "titles are left out" if title is None else f"title and text are joined by {title!r}"
    lines.append(f"Documents of {record['settings']['max_length']} tokens, queries of "
                 f"{record['settings']['query_max_length']}; {joined}.")  # fmt: skip
    return " ".join(lines)


def _use(kind: str, dtype: str) -> str:
    name = HARNESS[kind]
    lines = [f"- this harness: `beir-harness run {name} --set checkpoint=THIS_FOLDER --dataset scifact`"]
    dense = {
        "cls": "the [CLS] vectors, the whole retriever; compare by dot product",
        "ot": "the [CLS] vectors, which were **not** trained; the vocabulary vectors need the harness",
        "joint": "the projected [CLS] vectors, the dense half of the score; the other half needs the harness",
    }[kind]
    if dtype == "int8":
        lines.append("- any other program: `python -m retrievers.encoders.int8_weights THIS_FOLDER WIDE/` first")
    lines.append(f"- sentence-transformers: `SentenceTransformer(folder)` gives {dense}.")
    lines.append(
        "- transformers: `AutoModel` gives the encoder, `AutoModelForMaskedLM` the head too, where it was trained."
    )
    return "\n".join(lines)


def _training(record: Mapping[str, Any]) -> dict[str, Any]:
    arguments = record["arguments"]
    stages = {1: "InfoNCE, in-batch negatives", 2: "InfoNCE, hard and in-batch negatives", 3: "distillation"}
    last = record["losses"].get("last", {})
    taught = record.get("embedding_teacher")
    lessons = record.get("lessons") or {}
    return {
        "stage": f"{record['stage']} ({stages[record['stage']]})",
        "preset": arguments["preset"] or "none",
        "teacher of the dense half": f"{taught['name']}, weight {lessons['embedding']:g}" if taught else "none",
        "BM25's vectors for the vocabulary vector": f"weight {lessons['lexical']:g}"
        if lessons.get("lexical")
        else "none",
        "weight of the ranking loss": f"{lessons.get('ranking', 1.0):g}",
        "queries per batch": f"{arguments['batch_size']} × {arguments['processes']} processes",
        "hard negatives per query": record["hard_negatives"],
        "steps": f"{record['steps']:,} of {arguments['accumulate']} batches",
        "tokens": f"{record['tokens']:,}",
        "learning rate": f"{arguments['learning_rate']:g}, {arguments['decay']}, warm-up {arguments['warmup']:g}",
        "temperature": arguments["temperature"],
        "scale of the sparse part": record["representation"].get("scale", "none"),
        "weight of the dense half, set after training": f"{record.get('dense_weight', 1.0):g}",
        "seed": arguments["seed"],
        "precision": f"{record['precision']}, weights written as {arguments['export_dtype']}",
        "last loss": f"{last['loss']:.4f}" if last else "none",
        "time": f"{record['seconds']:,} s on {record['device']}",
    }


def _table(rows: Mapping[str, Any]) -> str:
    return "\n".join(["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())])


def _data(sources: list[Mapping[str, Any]]) -> list[str]:
    lines = []
    for source in sources:
        how = f"pairs {PAIRS[source['pairs']]}" if "pairs" in source else f"judgments of the split `{source['split']}`"
        if "made" in source:
            parts = ", ".join(f"{one['name']} ({one['documents']:,})" for one in source["made"]["sources"])
            how = f"queries made of {source['made']['documents']:,} documents: {parts}"
        left = ", ".join(f"{count:,} left out ({why})" for why, count in source["left_out"].items() if count)
        lines.append(f"- {source['name']}: {how}, {source['training_queries']:,} queries{'; ' if left else ''}{left}")
    return ["\n".join(lines), "No query of a split that these collections are evaluated on entered training."]


def _start(start: Mapping[str, Any]) -> str:
    made = start.get("record") or {}
    if "objective" in made:
        return f"Started from {made['objective']} pre-training of {made['tokens']:,} tokens ({made['steps']:,} steps)."
    if "stage" in made:
        return f"Started from a model fine-tuned in stage {made['stage']} ({made['steps']:,} steps)."
    return f"Started from {start['name']}."
