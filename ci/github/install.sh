#!/usr/bin/env bash
# Install tco beside the job's own Python, not into it. What is wrong with the inputs is said before anything is done.
set -euo pipefail

wrong() {
  echo "::error title=tco::$1"
  exit 2
}
case $COMMENT in true | false) ;; *) wrong "\`comment\` is true or false" ;; esac
case $NAME in "" | *[!A-Za-z0-9\ ._/-]* | *--*) wrong "\`name\` is of letters, digits, space and . _ / -" ;; esac
case $SCENARIOS in *[![:space:]]*) ;; *) wrong "\`paths\` names no scenario" ;; esac

environment=$RUNNER_TEMP/tco
if ! { "$PYTHON" -m venv "$environment" && "$environment/bin/pip" install --quiet "$GITHUB_ACTION_PATH"; }; then
  echo "::error title=tco::could not be installed with $PYTHON: it needs Python 3.11 or later, and its packages"
  exit 4
fi
{
  echo "tco=$environment/bin/tco"
  echo "results=$(mktemp -d "$RUNNER_TEMP/tco-results.XXXXXX")"
} >>"$GITHUB_OUTPUT"
