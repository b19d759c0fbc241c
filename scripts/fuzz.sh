#!/bin/sh
# fuzz.sh - coverage-guided fuzzing of every reader of files, from the corpora in tests/fuzz/corpus.
#
#   scripts/fuzz.sh [seconds for each format] [format...]
#
# Readers in Python run under atheris (pip install atheris), plans of .udl files under libFuzzer (clang); what is not there is "not run".
#   CC=...       another clang: the newest that is installed, clang or clang-14 and so on, by default
#   BUILD=DIR    keep what is found, and the build of the plan library, there
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-60}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- safetensors pt npz idx onnx udl
if [ -z "${BUILD:-}" ]; then
    BUILD=$(mktemp -d)
    trap 'rm -rf "$BUILD"' EXIT
fi
clang=${CC:-$(for name in clang clang-20 clang-19 clang-18 clang-17 clang-16 clang-15 clang-14; do command -v $name && break; done || true)}
status=0
for format; do
    found=$BUILD/$format
    mkdir -p "$found"
    if [ "$format" = udl ]; then
        [ -n "$clang" ] || { echo "udl: not run (no clang)"; continue; }
        cmake -S . -B "$BUILD/library" -DUDL_PLAN_LIBRARY=ON -DUDL_BINDINGS=OFF -DCMAKE_BUILD_TYPE=None -DCMAKE_C_COMPILER="$clang" \
            -DUDL_COMPILER_HAS_avx2=0 -DUDL_COMPILER_HAS_avx512=0 -DUDL_LIBFUZZER=ON \
            -DCMAKE_C_FLAGS="-O1 -g -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all" >"$BUILD/cmake.log"
        cmake --build "$BUILD/library" --target plan_libfuzzer -j 2 >"$BUILD/made.log" || { tail -30 "$BUILD/made.log"; exit 1; }
        set -- env ASAN_OPTIONS=allocator_may_return_null=1 "$BUILD/library/plan_libfuzzer"
    else
        python -c "import atheris" 2>/dev/null || { echo "$format: not run (no atheris)"; continue; }
        set -- python tests/fuzz/fuzz_files.py "$format"
    fi
    if "$@" "$found" "tests/fuzz/corpus/$format" -max_total_time="$seconds" -timeout=120 -rss_limit_mb=2048 -max_len=16384 \
        -artifact_prefix="$found-" >"$BUILD/$format.log" 2>&1; then
        echo "$format: $(grep -E '^(Done|stat::number_of_executed_units|#[0-9]+.*DONE)' "$BUILD/$format.log" | tail -1)"
    else
        echo "$format: FOUND something"
        tail -30 "$BUILD/$format.log"
        status=1
    fi
done
exit $status
