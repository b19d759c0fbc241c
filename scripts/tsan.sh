#!/bin/sh
# tsan.sh - the C floor in eight threads at once under the thread sanitizer: tests/c/threads/threads.c.
#
#   scripts/tsan.sh [seconds]
#
#   CC=...       another compiler
#   PYTHON=...   the interpreter that has udlfast and writes the plans
#   BUILD=DIR    keep the build there
#   LEVELS=...   instruction sets that are built: "generic" by default
set -eu
cd "$(dirname "$0")/.."
if [ -z "${BUILD:-}" ]; then
    BUILD=$(mktemp -d)
    trap 'rm -rf "$BUILD"' EXIT
fi
without=
for level in avx2 avx512; do
    case " ${LEVELS:-generic} " in *" $level "*) ;; *) without="$without -DUDL_COMPILER_HAS_$level=0" ;; esac
done
# shellcheck disable=SC2086
cmake -S . -B "$BUILD" -DUDL_PLAN_LIBRARY=ON -DUDL_BINDINGS=OFF -DCMAKE_BUILD_TYPE=None ${CC:+-DCMAKE_C_COMPILER="$CC"} $without \
    -DCMAKE_C_FLAGS="-O1 -g -fsanitize=thread" >"$BUILD.log" || { cat "$BUILD.log"; exit 1; }
rm -f "$BUILD.log"
cmake --build "$BUILD" --target plan_threads -j 2 >"$BUILD/made.log" || { cat "$BUILD/made.log"; exit 1; }
"${PYTHON:-python}" tests/plan_mutants.py --write "$BUILD/seeds"
TSAN_OPTIONS="halt_on_error=0 exitcode=66 die_after_fork=0" "$BUILD/plan_threads" "${1:-10}" "$BUILD"/seeds/*.udl
