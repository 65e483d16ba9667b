#!/usr/bin/env bash
# Runs every libFuzzer target for a number of seconds each, two at a time, from its seeds.
#   scripts/fuzz.sh [seconds]
set -euo pipefail
cd "$(dirname "$0")/.."
seconds="${1:-60}"
cmake --preset fuzz >/dev/null
cmake --build --preset fuzz --target fuzzers

one() {
  local target="$1" name work
  name="$(basename "$target" _fuzzer)"
  work="$(mktemp -d)"
  if "$target" -max_total_time="$2" -timeout=10 -rss_limit_mb=2048 -print_final_stats=0 \
    -artifact_prefix="build/fuzz/$name-" "$work" "tests/fuzz/corpus/$name" >"$work.log" 2>&1; then
    echo "fuzz $name: $(grep -oE '^Done [0-9]+ runs' "$work.log" || tail -1 "$work.log")"
    rm -rf "$work" "$work.log"
  else
    tail -40 "$work.log"
    echo "fuzz $name: FAILED"
    return 1
  fi
}
export -f one
find build/fuzz/tests/fuzz -maxdepth 1 -name '*_fuzzer' -type f -perm -u+x -print0 |
  xargs -0 -P2 -I{} bash -c 'one "$@"' _ {} "$seconds"
