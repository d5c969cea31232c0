#!/usr/bin/env bash
# Hold the scenarios against their budgets. The verdict waits until all is written.
set -euo pipefail
# shellcheck source=ci/github/paths.sh
source "$(dirname "$0")/paths.sh"

arguments=(check --format github --write "json=$RESULTS/check.json" --write "markdown=$RESULTS/check.md")
[ -z "$MAX_MONTHLY" ] || arguments+=("--max-monthly=$MAX_MONTHLY")

code=0
"$TCO" "${arguments[@]}" -- "${paths[@]}" || code=$?
{
  echo "exit-code=$code"
  echo "json=$RESULTS/check.json"
} >>"$GITHUB_OUTPUT"
