/* dispatch.c - the table of kernels that is active, chosen once among the instruction sets compiled in.
 *
 * CMake defines UDL_HAVE_<isa> for every full level that it compiled; table.c gives each the table udl_table_<isa>.
 * An overlay (amx over avx512) has its parent's table; udl_overlay_<isa> names the matrix unit (engine.h) that kernels of
 * this table find while the level is active. */
#include "cpu.h"
#include "engine.h"
#include "udlfast.h"
#include <string.h>

#define UDL_KERNEL(name, n_out, n_in, n_int, n_float)                                 \
    _Static_assert(sizeof(udl_##name##_args) == 8 * (n_out + n_in + n_int + n_float), \
                   "kernels.inc and args.h disagree on the number of fields of " #name);
#include "kernels.inc"
#undef UDL_KERNEL

const udl_kernel_info udl_kernels[UDL_NKERNELS] = {
#define UDL_KERNEL(name, n_out, n_in, n_int, n_float) {#name, n_out, n_in, n_int, n_float},
#include "kernels.inc"
#undef UDL_KERNEL
};

/* UDL_IF_HAVE(isa)(text) is `text` where UDL_HAVE_isa is defined as 1, else nothing: a defined macro makes UDL_PROBE_1
 * push one more argument in front, so that UDL_KEEP and not UDL_DROP stands second. */
#define UDL_PROBE_1 ~, UDL_KEEP,
#define UDL_KEEP(...) __VA_ARGS__
#define UDL_DROP(...)
#define UDL_SECOND(a, b, ...) b
#define UDL_PICK(...) UDL_SECOND(__VA_ARGS__)
#define UDL_PASTE_(a, b) a##b
#define UDL_PASTE(a, b) UDL_PASTE_(a, b)
#define UDL_IF_HAVE(isa) UDL_PICK(UDL_PASTE(UDL_PROBE_, UDL_HAVE_##isa), UDL_DROP, ~)

#define UDL_ISA(name, parent)                                                 \
    UDL_IF_HAVE(name)(extern const udl_kernel_fn udl_table_##name[UDL_NKERNELS]; \
                      int64_t udl_prepack_##name(const udl_matmul_args *, void *);)
#include "isas.inc"
#undef UDL_ISA

static const struct {
    const char *name;
    const char *(*why)(void);
    const udl_kernel_fn *table; /* an overlay's is its parent's */
    int64_t (*prepack)(const udl_matmul_args *, void *);
} levels[] = {
#define UDL_ISA(name, parent) UDL_IF_HAVE(parent)({#name, udl_cpu_why_##name, udl_table_##parent, udl_prepack_##parent}, )
#include "isas.inc"
#undef UDL_ISA
};
enum { NLEVELS = sizeof levels / sizeof levels[0] };

udl_engine udl_matrix_unit;
#if defined(UDL_HAVE_OVERLAY_AMX)
void udl_overlay_amx(void);
void udl_overlay_avx512_bf16(void);
#endif

static udl_kernel_fn active_table[UDL_NKERNELS];
static int active_level = -1;

int udl_isa_count(void) { return NLEVELS; }

static int in_range(int level) { return level >= 0 && level < NLEVELS; }

const char *udl_isa_name(int level) { return in_range(level) ? levels[level].name : ""; }
const char *udl_isa_why(int level) { return in_range(level) ? levels[level].why() : "there is no such level"; }
int udl_isa_usable(int level) { return udl_isa_why(level)[0] == 0; }
int udl_isa_active(void) { return active_level; }

int udl_isa_use(int level) {
    if (!udl_isa_usable(level)) return UDL_EISA;
    memcpy(active_table, levels[level].table, sizeof active_table);
    udl_matrix_unit = (udl_engine){0};
#if defined(UDL_HAVE_OVERLAY_AMX)
    if (strcmp(levels[level].name, "amx") == 0) udl_overlay_amx();
    if (strcmp(levels[level].name, "avx512") == 0 && udl_cpu_has_avx512_bf16()) udl_overlay_avx512_bf16();
#endif
    active_level = level;
    return UDL_OK;
}

const char *udl_matrix_unit_name(void) { return udl_matrix_unit.name ? udl_matrix_unit.name : ""; }

int udl_init(const char *forced_isa) {
    int any = !forced_isa || !*forced_isa;
    for (int level = NLEVELS - 1; level >= 0; level--)
        if (any ? udl_isa_usable(level) : strcmp(levels[level].name, forced_isa) == 0) return udl_isa_use(level);
    return UDL_EISA;
}

/* The one door between bindings and kernels. Whatever must see every call (recording it into a plan) belongs here. */
int udl_call(int id, const void *args) {
    if (id < 0 || id >= UDL_NKERNELS || active_level < 0) return UDL_EINVAL;
    const int status = active_table[id](args);
#if defined(UDL_PLAN_ONLY) /* double precision: see kernel.h */
    if (status == UDL_EINVAL && active_level > 0) return levels[0].table[id](args);
#endif
    return status;
}

/* Beyond these rows packing is a small part of the product; tiles spend more on it and less on the rest. */
int64_t udl_prepack_rows(void) { return udl_matrix_unit.prepack_rows ? udl_matrix_unit.prepack_rows : 256; }
int64_t udl_prepack(const udl_matmul_args *a, void *to) { return active_level < 0 ? 0 : levels[active_level].prepack(a, to); }
