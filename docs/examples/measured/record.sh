#!/usr/bin/env bash
# Measures the example of docs/replay.md anew, against real vLLM on this machine's CPU (about five minutes; a quiet machine).
# Then `make docs` writes the profile, the picture and the page from the journal.
set -euo pipefail
cd "$(dirname "$0")"
port=8193
PORT=$port setsid ../../../ci/vllm/serve > /dev/null 2>&1 &
server=$!
trap 'kill -- "-$server"' EXIT
until curl --silent --fail --noproxy '*' "http://127.0.0.1:$port/v1/models" > /dev/null; do
  kill -0 "$server"
  sleep 2
done
rm -f documents.journal.jsonl
tco replay documents.trace.jsonl --url "http://127.0.0.1:$port" --find-capacity --slo ttft_p90=1s --requests 150 \
  --gpu CPU --precision fp32 --processes 1 --journal documents.journal.jsonl
