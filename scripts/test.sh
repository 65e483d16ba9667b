#!/usr/bin/env bash
# Builds and runs every test. FAST=1 leaves out the sanitizers, the linters and the fuzzers.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/install.sh
# The cache must hit in any folder, and with precompiled headers.
export CCACHE_BASEDIR="$PWD" CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=pch_defines,time_macros
export CMAKE_BUILD_PARALLEL_LEVEL="${JOBS:-2}"

step() { printf '\n== %s (%d s)\n' "$1" "$SECONDS"; }

step "format"
git ls-files '*.h' '*.cpp' | xargs clang-format-14 --dry-run --Werror

step "release build"
cmake --preset release >/dev/null
cmake --build --preset release

if [ -z "${FAST:-}" ]; then
  for preset in asan-ubsan tsan; do
    step "$preset: unit tests"
    cmake --preset "$preset" >/dev/null
    cmake --build --preset "$preset"
    ctest --test-dir "build/$preset" --output-on-failure -j4
  done
  step "fuzz"
  scripts/fuzz.sh "${FUZZ_SECONDS:-10}"
  step "clang-tidy"
  scripts/tidy.sh
fi

step "release: unit and integration tests"
ctest --test-dir build/release --output-on-failure -j3
step "done"
