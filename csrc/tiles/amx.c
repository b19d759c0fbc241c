/* amx.c - a 32 x 32 block of sums in four tile registers.
 *
 *              B0   B1            8 tile registers: 4 of sums, 2 of A, 2 of B. A product (TDPBF16PS) takes 16 cycles, and a
 *         A0  C00  C01            sum is ready after 52: four sums in turn keep the unit busy. A load takes 8 cycles. From
 *         A1  C10  C11            one pair of parts to the next only A or only B changes:
 *
 *   six products   (2,0) (1,0) (1,1) (0,1) (0,2) (0,0)   part of A, part of B; the small products of a step come first
 *   registers          A     B     A     B     B    A B  14 loads under 24 products: 112 of 384 cycles
 *
 * A register is loaded for the next group as soon as its last product of this one has been issued. */
#include "tiles.h"
#include "tile_ops.h"

#define C00 0
#define C01 1
#define C10 2
#define C11 3
#define A0 4
#define A1 5
#define B0 6
#define B1 7

/* one group of products, loading what the next group needs: a, a1, b, b1 are the step's panels */
#define THEN_A(part)                                                                                                   \
    do {                                                                                                               \
        t_dp(C00, A0, B0);                                                                                             \
        if (two_columns) t_dp(C01, A0, B1);                                                                            \
        t_load(A0, a + (part) * TILE);                                                                                 \
        if (two_rows) {                                                                                                \
            t_dp(C10, A1, B0);                                                                                         \
            if (two_columns) t_dp(C11, A1, B1);                                                                        \
            t_load(A1, a1 + (part) * TILE);                                                                            \
        }                                                                                                              \
    } while (0)
#define THEN_B(part)                                                                                                   \
    do {                                                                                                               \
        t_dp(C00, A0, B0);                                                                                             \
        if (two_rows) t_dp(C10, A1, B0);                                                                               \
        t_load(B0, b + (part) * TILE);                                                                                 \
        if (two_columns) {                                                                                             \
            t_dp(C01, A0, B1);                                                                                         \
            if (two_rows) t_dp(C11, A1, B1);                                                                           \
            t_load(B1, b1 + (part) * TILE);                                                                            \
        }                                                                                                              \
    } while (0)
#define THEN_BOTH(part_a, part_b)                                                                                      \
    do {                                                                                                               \
        t_dp(C00, A0, B0);                                                                                             \
        if (two_columns) t_dp(C01, A0, B1);                                                                            \
        t_load(A0, a + (part_a) * TILE);                                                                               \
        if (two_rows) t_dp(C10, A1, B0);                                                                               \
        t_load(B0, b + (part_b) * TILE);                                                                               \
        if (two_rows && two_columns) t_dp(C11, A1, B1);                                                                \
        if (two_rows) t_load(A1, a1 + (part_a) * TILE);                                                                \
        if (two_columns) t_load(B1, b1 + (part_b) * TILE);                                                             \
    } while (0)

VFN void product(const int two_rows, const int two_columns, const int parts, i64 steps, const uint16_t *a, i64 a_next,
                 const uint16_t *b, i64 b_next, float *out) {
    const uint16_t *a1 = a + a_next, *b1 = b + b_next;
    t_fence();
    t_zero(C00);
    if (two_columns) t_zero(C01);
    if (two_rows) t_zero(C10);
    if (two_rows && two_columns) t_zero(C11);
    t_load(A0, a + (parts - 1) * TILE);
    t_load(B0, b);
    if (two_rows) t_load(A1, a1 + (parts - 1) * TILE);
    if (two_columns) t_load(B1, b1);
    for (i64 s = 0; s < steps; s++) {
        if (parts == 3) {
            THEN_A(1);
            THEN_B(1);
            THEN_A(0);
            THEN_B(2);
            THEN_B(0);
        } else if (parts == 2) {
            THEN_A(0);
            THEN_B(1);
        }
        i64 next = s + 1 < steps ? parts * TILE : 0; /* the last load is not used, but must be allowed */
        a += next, a1 += next, b += next, b1 += next;
        THEN_BOTH(parts - 1, 0);
    }
    t_store(C00, out, PAIR * 4);
    if (two_columns) t_store(C01, out + LINES, PAIR * 4);
    if (two_rows) t_store(C10, out + LINES * PAIR, PAIR * 4);
    if (two_rows && two_columns) t_store(C11, out + LINES * PAIR + LINES, PAIR * 4);
}

static void amx_product(int rows, int columns, i64 steps, int parts, const uint16_t *a, i64 a_next, const uint16_t *b,
                        i64 b_next, float *out) {
#define ONE(r, c, p) product(r, c, p, steps, a, a_next, b, b_next, out)
#define EACH_SHAPE(p)                                                                                                  \
    do {                                                                                                               \
        if (rows > 1 && columns > 1) ONE(1, 1, p);                                                                     \
        else if (rows > 1) ONE(1, 0, p);                                                                               \
        else if (columns > 1) ONE(0, 1, p);                                                                            \
        else ONE(0, 0, p);                                                                                             \
    } while (0)
    if (parts == 3) EACH_SHAPE(3);
    else if (parts == 2) EACH_SHAPE(2);
    else EACH_SHAPE(1);
}

static void amx_begin(void) { t_config(); }
static void amx_end(void) { t_release(); }
const tile_unit INTERNAL(tiles_amx) = {amx_begin, amx_end, amx_product};
