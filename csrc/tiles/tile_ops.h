/* tile_ops.h - the vocabulary of tile operations: AMX's instructions, or the same in C where a test builds without them.
 *
 *   t_config() t_release()   shape all eight tiles 16 rows x 64 bytes; give the tile registers back
 *   t_zero(t)                t = 0
 *   t_load(t, p)             16 rows of 64 bytes, one after another
 *   t_dp(c, a, b)            c[m][n] += sum_j a[m][2j] b[j][2n] + a[m][2j+1] b[j][2n+1], a and b bf16, c float32
 *   t_store(t, p, stride)    rows of float32, stride in bytes
 *   t_fence()                what C wrote before is in memory: the loads of some compilers do not say that they read it
 *
 * t, c, a, b are literal numbers 0..7. */
#ifndef UDL_TILE_OPS_H
#define UDL_TILE_OPS_H
#include <stdint.h>
#include <string.h>

enum { TILE_ROWS = 16, TILE_BYTES = 64 };
/* Static, because the intrinsic of some compilers says only that it reads the first eight bytes. */
static const struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} tile_config __attribute__((aligned(64), unused)) = {
    .palette = 1,
    .row_bytes = {64, 64, 64, 64, 64, 64, 64, 64},
    .rows = {16, 16, 16, 16, 16, 16, 16, 16},
};

#if !defined(UDL_TILES_EMULATED)
#include <immintrin.h>
#define t_config() _tile_loadconfig(&tile_config)
#define t_release() _tile_release()
#define t_zero(t) _tile_zero(t)
#define t_load(t, p) _tile_loadd(t, p, TILE_BYTES)
#define t_dp(c, a, b) _tile_dpbf16ps(c, a, b)
#define t_store(t, p, stride) _tile_stored(t, p, stride)
#define t_fence() __asm__ volatile("" ::: "memory")
#else

/* ---- the instructions in C, to the bit ------------------------------------------------------------------------------
 * Intel's definition of TDPBF16PS: for each (m, n) two chains of fused multiply-adds over j, one of the even and one of the
 * odd elements, each from zero; then even + odd; then that plus c. Rounded to nearest even, every denormal going in or
 * coming out is zero, no exceptions. A thread that has not configured its tiles gets NaN (the processor would trap). */
static _Thread_local struct {
    int configured;
    uint8_t tile[8][TILE_ROWS][TILE_BYTES];
} tile_state;

static inline float tile_flush(float x) {
    uint32_t u;
    memcpy(&u, &x, 4);
    if ((u & 0x7f800000) == 0) u &= 0x80000000;
    memcpy(&x, &u, 4);
    return x;
}
static inline float tile_widen(uint16_t h) {
    uint32_t u = (uint32_t)h << 16;
    float x;
    memcpy(&x, &u, 4);
    return tile_flush(x);
}
static inline float tile_fma(float a, float b, float c) { return tile_flush(__builtin_fmaf(a, b, c)); }

static inline void tile_dp(int c, int a, int b) {
    float even[16], odd[16], bw[2][16][16];
    for (int j = 0; j < 16; j++) {
        uint16_t row[32];
        memcpy(row, tile_state.tile[b][j], 64);
        for (int n = 0; n < 16; n++) bw[0][j][n] = tile_widen(row[2 * n]), bw[1][j][n] = tile_widen(row[2 * n + 1]);
    }
    for (int m = 0; m < TILE_ROWS; m++) {
        uint16_t am[32];
        float out[16];
        memcpy(am, tile_state.tile[a][m], 64);
        memcpy(out, tile_state.tile[c][m], 64);
        for (int n = 0; n < 16; n++) even[n] = odd[n] = 0;
        for (int j = 0; j < 16; j++) {
            float a0 = tile_widen(am[2 * j]), a1 = tile_widen(am[2 * j + 1]);
            for (int n = 0; n < 16; n++) even[n] = tile_fma(a0, bw[0][j][n], even[n]);
            for (int n = 0; n < 16; n++) odd[n] = tile_fma(a1, bw[1][j][n], odd[n]);
        }
        for (int n = 0; n < 16; n++) {
            float sum = tile_flush(even[n] + odd[n]);
            out[n] = tile_state.configured ? tile_flush(tile_flush(out[n]) + sum) : __builtin_nanf("");
        }
        memcpy(tile_state.tile[c][m], out, 64);
    }
}
#define t_config() (tile_state.configured = tile_config.palette == 1)
#define t_release() memset(&tile_state, 0, sizeof tile_state)
#define t_zero(t) memset(tile_state.tile[t], 0, sizeof tile_state.tile[t])
#define t_load(t, p) memcpy(tile_state.tile[t], p, sizeof tile_state.tile[t])
#define t_dp(c, a, b) tile_dp(c, a, b)
#define t_store(t, p, stride)                                                                                          \
    do {                                                                                                               \
        for (int r_ = 0; r_ < TILE_ROWS; r_++) memcpy((char *)(p) + r_ * (stride), tile_state.tile[t][r_], TILE_BYTES); \
    } while (0)
#define t_fence() (void)0
#endif
#endif
