#!/bin/sh
# fuzz_plans.sh - mutants of .udl files into both loaders, under the address and undefined-behaviour sanitizers.
#
#   scripts/fuzz_plans.sh [count] [seed]
#
# 100000 mutants by default: the C library with the sanitizers, then as many through load_plan in Python (without them).
#   CC=...       another compiler
#   BUILD=DIR    keep the build there
#   LEVELS=...   instruction sets that are built with the sanitizers: "generic avx2" by default; generic always is
set -eu
cd "$(dirname "$0")/.."
count=${1:-100000} seed=${2:-1}
if [ -z "${BUILD:-}" ]; then
    BUILD=$(mktemp -d)
    trap 'rm -rf "$BUILD"' EXIT
fi
without=
for level in avx2 avx512; do
    case " ${LEVELS:-generic avx2} " in *" $level "*) ;; *) without="$without -DUDL_COMPILER_HAS_$level=0" ;; esac
done
# shellcheck disable=SC2086
cmake -S . -B "$BUILD" -DUDL_PLAN_LIBRARY=ON -DUDL_BINDINGS=OFF -DCMAKE_BUILD_TYPE=None ${CC:+-DCMAKE_C_COMPILER="$CC"} $without \
    -DCMAKE_C_FLAGS="-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all" >"$BUILD.log" || { cat "$BUILD.log"; exit 1; }
rm -f "$BUILD.log"
cmake --build "$BUILD" --target plan_fuzz -j 2
"${PYTHON:-python}" tests/plan_mutants.py --write "$BUILD/seeds"
ASAN_OPTIONS=allocator_may_return_null=1 "$BUILD/plan_fuzz" "$count" "$seed" "$BUILD"/seeds/*.udl
"${PYTHON:-python}" tests/plan_mutants.py --count "$count" --seed "$seed"
