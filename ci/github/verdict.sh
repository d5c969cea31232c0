#!/usr/bin/env bash
# End with the exit code of `tco check` and `tco diff` that weighs more: a fault of tco, then 4, 2 and 3.
set -euo pipefail

worst=0
for code in 3 2 4; do
  case " $CHECKED $COMPARED " in *" $code "*) worst=$code ;; esac
done
for code in "$CHECKED" "$COMPARED"; do
  case $code in 0 | 2 | 3 | 4) ;; *) worst=${code:-1} ;; esac
done
case $worst in
  0) verdict="passed" ;;
  2) verdict="not evaluated" ;;
  3) verdict="crossed" ;;
  4) verdict="failed outside" ;;
  *) verdict="failed" ;;
esac
{
  echo "exit-code=$worst"
  echo "verdict=$verdict"
} >>"$GITHUB_OUTPUT"
echo "tco: $verdict"
exit "$worst"
