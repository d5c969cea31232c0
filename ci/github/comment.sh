#!/usr/bin/env bash
# Comment on the pull request, or update the comment that is there. A token that may not comment fails nothing.
set -euo pipefail

export MARKER="<!-- tco: $NAME -->"
body=$RESULTS/comment.md
run=$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/actions/runs/$GITHUB_RUN_ID
longest=65536 # characters of a comment, as GitHub counts them

part() { # FILE COMMAND EXIT-CODE: what a command wrote; where it wrote nothing and failed, that
  if [ -s "$1" ]; then
    cat "$1"
  elif [ "$3" != 0 ]; then
    echo "**\`$2\` wrote nothing: exit code $3.** The log says why."
  fi
}
{
  echo "$MARKER"
  part "$RESULTS/check.md" "tco check" "$CHECKED"
  echo
  part "$RESULTS/diff.md" "tco diff" "$COMPARED"
  echo
  echo "<sub>[log and job summary]($run)</sub>"
} >"$body"
if [ "$(LC_ALL=C.UTF-8 wc -m <"$body")" -gt "$longest" ]; then
  printf '%s\n**What it costs is longer than a comment can be:** it is in the [job summary](%s).\n' "$MARKER" "$run" >"$body"
fi
echo "markdown=$body" >>"$GITHUB_OUTPUT"
[ "$COMMENT" = true ] && [ -n "$PULL_REQUEST" ] || exit 0

comments=repos/$GITHUB_REPOSITORY/issues/$PULL_REQUEST/comments
said=$RESULTS/gh.log
post() {
  # Only a comment of one's own is updated: anyone may write the marker.
  ME=$(gh api graphql -f query='{ viewer { login } }' --jq .data.viewer.login) || return
  export ME
  found=$(gh api --paginate "$comments?per_page=100" \
    --jq '.[] | select(.user.login == env.ME and (.body | startswith(env.MARKER))) | .id') || return
  if [ -n "$found" ]; then
    gh api --method PATCH "repos/$GITHUB_REPOSITORY/issues/comments/${found%%$'\n'*}" -F "body=@$body" --jq .html_url
  else
    gh api --method POST "$comments" -F "body=@$body" --jq .html_url
  fi
}
if post 2>"$said"; then
  exit 0
fi
cat "$said"
if grep -q 'HTTP 40[13]' "$said"; then
  echo "::notice title=tco::no comment: the token may only read, as in a pull request from a fork. The job summary has it all"
else
  echo "::warning title=tco::the comment could not be written: the log says why. The job summary has it all"
fi
