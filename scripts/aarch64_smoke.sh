#!/bin/sh
# aarch64_smoke.sh - builds the C floor with the smoke test of tests/c and runs it, without Python.
#
#   scripts/aarch64_smoke.sh          cross-compiled for AArch64 (levels generic, neon), run under qemu-user
#   scripts/aarch64_smoke.sh native   compiled for this machine (x86-64: generic, avx2, avx512, amx); usable levels run
#
# A missing cross compiler or emulator is "not run" and status 0, but status 1 with REQUIRE=1.
#   CC=...       another compiler
#   CFLAGS=...   further flags, e.g. -fsanitize=address,undefined
#   BUILD=DIR    keep the objects there and compile only what is older than its sources (empty it to change flags)
#   LEVELS=...   compile and run only these levels
set -eu
cd "$(dirname "$0")/.."
mode=${1:-cross}
CFLAGS=${CFLAGS:-}

if [ "$mode" = native ]; then
    machine=$(uname -m) CC=${CC:-gcc} emulator=
else
    machine=aarch64 CC=${CC:-aarch64-linux-gnu-gcc} missing=
    CFLAGS="-static $CFLAGS"
    emulator=$(command -v qemu-aarch64-static || command -v qemu-aarch64 || true)
    command -v "$CC" >/dev/null || missing=$CC
    [ -n "$emulator" ] || missing="${missing:+$missing, }qemu-aarch64"
    if [ -n "$missing" ]; then
        echo "aarch64 smoke: not run (missing $missing)"
        [ "${REQUIRE:-0}" = 1 ] && exit 1
        exit 0
    fi
fi

if [ -n "${BUILD:-}" ]; then
    mkdir -p "$BUILD"
else
    BUILD=$(mktemp -d)
    trap 'rm -rf "$BUILD"' EXIT
fi

# the flags of CMakeLists.txt
base="-std=gnu11 -O3 -DNDEBUG -fPIC -fvisibility=hidden -Wall -Wextra -fno-math-errno -Icsrc"
case $machine in
x86_64) levels="generic avx2 avx512 amx" ;;
aarch64 | arm64) levels="generic neon" ;;
*) levels=generic ;;
esac
levels=${LEVELS:-$levels}
flags_of() {
    case $1 in
    generic) echo "-Os" ;; # as CMakeLists.txt has it
    avx2) echo "-mavx2 -mfma -mf16c -mbmi2" ;;
    avx512 | amx) echo "-mavx512f -mavx512bw -mavx512dq -mavx512vl -mfma -mf16c -mprefer-vector-width=512" ;;
    esac
}

objects=
: >"$BUILD/commands"
compile() { # object, source, flags
    object=$BUILD/$1 source=$2
    shift 2
    objects="$objects $object"
    if [ ! -f "$object" ] || [ -n "$(find csrc tests/c -newer "$object" \( -name '*.h' -o -name '*.inc' -o -path "$source" \))" ]; then
        echo "$CC $base $CFLAGS $* -c $source -o $object" >>"$BUILD/commands"
    fi
}

# amx: tiles and bf16 dot products over the kernels of avx512, which must stand before it
tile_flags="-mamx-tile -mamx-bf16 -mavx512bf16"
have=
for level in $levels; do
    if [ "$level" = amx ]; then
        # shellcheck disable=SC2086
        "$CC" $tile_flags -E -x c /dev/null >/dev/null 2>&1 || { echo "amx is left out, $CC does not know $tile_flags"; continue; }
        have="$have -DUDL_HAVE_OVERLAY_AMX=1"
        for source in csrc/tiles/*.c; do
            name=$(basename "$source" .c) more=
            case $name in amx | pairs_micro | pairs_pack) more=$tile_flags ;; esac
            # shellcheck disable=SC2046,SC2086
            compile "$name.amx.o" "$source" $(flags_of amx) $more -DUDL_LEVEL=avx512 -DUDL_LEVEL_avx512
        done
        continue
    fi
    have="$have -DUDL_HAVE_$level=1"
    for source in csrc/kernels/*.c csrc/table.c; do
        # shellcheck disable=SC2046
        compile "$(basename "$source" .c).$level.o" "$source" $(flags_of "$level") "-DUDL_LEVEL=$level" "-DUDL_LEVEL_$level"
    done
done
for source in csrc/*.c tests/c/*.c; do
    # shellcheck disable=SC2086
    [ "$source" = csrc/table.c ] || compile "$(basename "$source" .c).o" "$source" $have
done

xargs -P "$(getconf _NPROCESSORS_ONLN)" -I COMMAND sh -c COMMAND <"$BUILD/commands"
# shellcheck disable=SC2086
"$CC" $CFLAGS $objects ${LIBS:-} -o "$BUILD/smoke" -lpthread -lm
$emulator "$BUILD/smoke"
