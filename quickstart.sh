#!/bin/sh
# What `make quickstart` runs: two configurations of BM25 on the sample collection and, where it can be had, on SciFact.
set -eu
: "${BIN:=.venv/bin}" "${DATA_DIR:=}"
results=$(mktemp -d "${TMPDIR:-/tmp}/beir-harness-quickstart.XXXXXX")
datasets="--dataset sample"
if [ -n "$DATA_DIR" ]; then datasets="$datasets --dataset scifact --data-dir $DATA_DIR"; fi
# shellcheck disable=SC2086
"$BIN/beir-harness" run bm25 $datasets --results "$results"
# shellcheck disable=SC2086
"$BIN/beir-harness" run bm25 --set fields=multifield $datasets --results "$results"
"$BIN/beir-harness" leaderboard --results "$results" --baseline bm25
"$BIN/beir-harness" verify --results "$results"
echo "results: $results"
