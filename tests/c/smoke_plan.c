/* smoke_plan.c - smoke test of the kernels that only plans call: chains of element-wise steps, folded batch normalisation. */
#include "smoke.h"

#define STEP(op, to, a, b) ((i64)UDL_MAP_##op | (i64)(to) << 8 | (i64)(a) << 16 | (i64)(b) << 24 | (i64)255 << 32)

/* out0 = (x w + 2) y, out1 = relu(x w + 2): w is one number for each line, y one line for all, x and the outputs are whole;
 * gap: elements between lines of x and of out1 */
static void one_chain(int dt, i64 outer, i64 rows, i64 cols, i64 gap) {
    const i64 lines = outer * rows, n = lines * cols, pitch = cols + gap;
    arr *x = in(lines * pitch, dt, -2, 2), *w = in(lines, dt, -1, 1), *y = in(cols, dt, -1, 1), *out0 = out(n, dt),
        *out1 = gap ? inout(lines * pitch, dt, -1, 1) : out(n, dt);
    double *want0 = reals(n), *want1 = reals(lines * pitch);
    for (i64 i = 0; i < lines * pitch; i++) want1[i] = gap ? get(out1, i) : 0;
    for (i64 l = 0; l < lines; l++)
        for (i64 c = 0; c < cols; c++) {
            const double t = get(x, l * pitch + c) * get(w, l) + 2;
            want0[l * cols + c] = t * get(y, c);
            want1[l * pitch + c] = t < 0 ? 0 : t;
        }
    udl_chain_args f = {{P(out0), P(out1)}, {P(x), P(w), P(y)}, dt, outer, rows, cols, 4, {0}, {0}, 0, {0}, {{0}}};
    const i64 strides[12] = {cols, pitch, 0, 0, pitch, 1};
    for (int r = 0; r < 12; r++) f.outer_s[r] = rows * strides[r], f.row_s[r] = strides[r];
    f.unit = 1 | 2 | 1 << 4 | 1 << 6;
    f.code[0] = STEP(mul, 12, 4, 5), f.code[1] = STEP(add, 13, 12, 255), f.p[1][0] = 2;
    f.code[2] = STEP(mul, 0, 13, 6), f.code[3] = STEP(relu, 1, 13, 255);
    run(UDL_K_chain, &f, "dtype %d, %d x %d x %d, gap %d", dt, (int)outer, (int)rows, (int)cols, (int)gap);
    expect(out0, want0, 4, 4), expect(out1, want1, 4, 4);
    free(want0), free(want1), done();
}

static void one_fold(int dt, i64 O, i64 K, int affine) {
    const double eps = 1e-5;
    arr *w = in(O * K, dt, -1, 1), *b = affine ? in(O, dt, -1, 1) : NULL, *mean = in(O, dt, -1, 1), *var = in(O, dt, 0.2, 3),
        *gamma = affine ? in(O, dt, -1, 1) : NULL, *beta = affine ? in(O, dt, -1, 1) : NULL, *to = out(O * K, dt), *bias = out(O, dt);
    double *want = reals(O * K), *want_b = reals(O);
    for (i64 o = 0; o < O; o++) {
        const double s = (gamma ? get(gamma, o) : 1) / sqrt(get(var, o) + eps);
        for (i64 k = 0; k < K; k++) want[o * K + k] = get(w, o * K + k) * s;
        want_b[o] = ((b ? get(b, o) : 0) - get(mean, o)) * s + (beta ? get(beta, o) : 0);
    }
    udl_fold_batch_norm_args f = {P(to), P(bias), P(w), P(b), P(mean), P(var), P(gamma), P(beta), dt, O, K, eps};
    run(UDL_K_fold_batch_norm, &f, "dtype %d, %d x %d, affine %d", dt, (int)O, (int)K, affine);
    expect(to, want, 2, 0), expect(bias, want_b, 2, 4);
    free(want), free(want_b), done();
}

void smoke_plan(void) {
    static const i64 shapes[][3] = {{1, 1, 1}, {1, 1, 1024}, {1, 1, 1025}, {1, 7, 15}, {3, 5, 17},
                                    {1, 3, 1023}, {2, 4, 2049}, {1, 1, 99999}, {300, 40, 11}, {0, 2, 3}};
    EACH_FLOAT {
        for (int i = 0; i < LEN(shapes); i++)
            for (int gap = 0; gap < 2; gap++) one_chain(dt, shapes[i][0], shapes[i][1], shapes[i][2], 3 * gap);
        one_fold(dt, 1, 1, 0), one_fold(dt, 7, 33, 1), one_fold(dt, 64, 576, 1), one_fold(dt, 3, 0, 0);
    }
}
