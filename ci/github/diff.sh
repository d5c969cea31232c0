#!/usr/bin/env bash
# Say what a change does to the bill. Outside a pull request there is none, unless a revision to compare with is named.
set -euo pipefail
# shellcheck source=ci/github/paths.sh
source "$(dirname "$0")/paths.sh"

finish() {
  echo "exit-code=$1" >>"$GITHUB_OUTPUT"
  exit 0
}
if [ -z "$BASE" ] && [ -n "$PULL_REQUEST_BASE" ]; then
  # What is checked out is a merge into the base as it stands; the base that the event names may be older.
  BASE=$PULL_REQUEST_BASE
  if [ "$(git rev-parse HEAD)" = "$GITHUB_SHA" ] && git rev-parse --verify --quiet HEAD^2 >/dev/null; then
    BASE=$(git rev-parse --short HEAD^1)
  fi
fi
if [ -z "$BASE" ]; then
  [ -z "$MAX_INCREASE$MAX_TOTAL_INCREASE" ] ||
    echo "::notice title=tco diff::no limit on an increase is applied: no pull request, and no \`base\` is named"
  finish 0
fi

arguments=(diff --md "--base=$BASE")
while read -r limit || [ -n "$limit" ]; do
  [ -z "$limit" ] || arguments+=("--max-increase=$limit")
done <<<"$MAX_INCREASE"
while read -r limit || [ -n "$limit" ]; do
  [ -z "$limit" ] || arguments+=("--max-total-increase=$limit")
done <<<"$MAX_TOTAL_INCREASE"

code=0
"$TCO" "${arguments[@]}" -- "${paths[@]}" >"$RESULTS/diff.md" || code=$?
cat "$RESULTS/diff.md" >>"$GITHUB_STEP_SUMMARY"
[ "$code" = 0 ] || echo "::error title=tco diff::exit code $code: the job summary and the log say why"
finish "$code"
