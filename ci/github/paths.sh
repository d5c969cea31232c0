# shellcheck shell=bash
# The array `paths`, from the top of the repository, where annotations look for a file: one on each line of $SCENARIOS.
cd "$GITHUB_WORKSPACE" || exit
paths=()
while read -r path || [ -n "$path" ]; do
  case $path in
    "") continue ;;
    /*) ;;
    *) path=${FOLDER%/}/$path ;;
  esac
  paths+=("${path#./}")
done <<<"$SCENARIOS"
