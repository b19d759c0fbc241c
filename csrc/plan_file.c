/* plan_file.c - reads the table of a .udl file (plan_file.h) and checks all of it: counts against the size of the file, names,
 * types, every buffer against the file and the memory of a run, and for every call, by plan_extent.c, that what it touches lies
 * inside the buffers that it names, and that it writes to no constant and no input.
 *
 * Nothing is allocated before the numbers that it depends on are checked; all tables together take at most some six times the
 * bytes of the table in the file. */
#include "plan_extent.h"
#include "plan_file.h"
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(UDL_BOOL == 0 && UDL_U8 == 1 && UDL_I8 == 2 && UDL_I16 == 3 && UDL_I32 == 4 && UDL_I64 == 5 &&
               UDL_U16 == 6 && UDL_U32 == 7 && UDL_U64 == 8 && UDL_F16 == 9 && UDL_BF16 == 10 && UDL_F32 == 11 && UDL_F64 == 12 &&
               UDL_SUM == 0 && UDL_PROD == 1 && UDL_MAX == 2 && UDL_MIN == 3 && UDL_ARGMAX == 4 && UDL_ARGMIN == 5 && UDL_ANY == 6 &&
               UDL_ALL == 7 && UDL_LOGSUMEXP == 8 && UDL_NORM2 == 9 && UDL_ACT_NONE == 0 && UDL_ACT_RELU == 1 && UDL_ACT_GELU == 2 &&
               UDL_ACT_GELU_TANH == 3 && UDL_ACT_SILU == 4 && UDL_ACT_TANH == 5 && UDL_ACT_SIGMOID == 6,
               "these numbers stand in .udl files: a change needs another UDL_FILE_VERSION");

enum { NAME = 512, STRUCTURE = 65536, KERNEL_WORDS = 8, BUFFER_WORDS = 4, TENSOR_WORDS = 16 };

typedef struct { int64_t id, pointers, fields, steps; int16_t ops[16]; } kernel_row; /* ops: of elementwise (1 step) and chain */
typedef struct {
    udl_plan *p;
    const int64_t *head, *kernels, *buffers, *tensors, *calls, *end_of_calls;
    const char *text;
    int64_t text_bytes;
    kernel_row *rows;
    char *why;
    size_t why_bytes;
} reader;

static int refuse(const reader *r, int status, const char *form, ...) {
    va_list rest;
    va_start(rest, form);
    if (r->why && r->why_bytes) vsnprintf(r->why, r->why_bytes, form, rest);
    va_end(rest);
    return status;
}
#define REFUSE(...) return refuse(r, UDL_PLAN_REFUSED, __VA_ARGS__)
#define TRY(call) do { const int status_ = (call); if (status_ != UDL_PLAN_OK) return status_; } while (0)

/* Zeroed memory that counts. */
static int take(const reader *r, void *to, int64_t n, size_t each) {
    udl_plan *p = r->p;
    const int64_t bytes = n * (int64_t)each; /* n is at most the words of the table: no overflow */
    if (bytes > p->options.max_bytes - p->taken)
        REFUSE("its tables take more than the %lld bytes that are allowed", (long long)p->options.max_bytes);
    p->taken += bytes;
    void *memory = calloc((size_t)n + 1, each);
    if (!memory) return refuse(r, UDL_PLAN_NO_MEMORY, "there is no memory for its tables");
    memcpy(to, &memory, sizeof memory);
    return UDL_PLAN_OK;
}

static int itemsize(int64_t dtype) {
    static const int sizes[UDL_NDTYPES] = UDL_ITEMSIZES;
    return dtype < 0 || dtype >= UDL_NDTYPES ? 0 : sizes[dtype];
}

static int is_text(const reader *r, int64_t at, int64_t n, int64_t most) {
    if (at < 0 || n < 0 || n > most || at > r->text_bytes || n > r->text_bytes - at) return 0;
    for (int64_t i = 0; i < n; i++)
        if ((unsigned char)r->text[at + i] < 32 || r->text[at + i] == 127) return 0;
    return 1;
}

/* ---- where things stand --------------------------------------------------------------------------------------------------- */
static int find_table(reader *r) {
    udl_plan *p = r->p;
    uint64_t n;
    if (p->size < 8) REFUSE("it has %lld bytes and is no .udl file", (long long)p->size);
    memcpy(&n, p->file, 8);
    if (n > (uint64_t)p->size - 8 || (n + 8) % 64 || p->file[8] != '{')
        REFUSE("it is no .udl file, or was cut off while it was copied or written");
    p->data = p->file + 8 + n;
    p->data_bytes = p->size - 8 - (int64_t)n;
    r->head = (const int64_t *)(const void *)p->data;
    if (p->data_bytes < UDL_HEAD * 8 || r->head[UDL_HEAD_MAGIC] != UDL_FILE_MAGIC) REFUSE("it is no .udl file");
    if (r->head[UDL_HEAD_VERSION] != UDL_FILE_VERSION)
        REFUSE("it has format version %lld, this library reads version %d", (long long)r->head[UDL_HEAD_VERSION], UDL_FILE_VERSION);
    if (r->head[UDL_HEAD_DATA] != p->data_bytes)
        REFUSE("it holds %lld bytes of data and should hold %lld: was it cut off?", (long long)p->data_bytes, (long long)r->head[UDL_HEAD_DATA]);
    const int64_t words = r->head[UDL_HEAD_WORDS];
    if (words < UDL_HEAD || words > p->data_bytes / 8) REFUSE("its table does not fit into it");
    for (int i = UDL_HEAD_STRUCTURE_LENGTH + 1; i < UDL_HEAD; i++)
        if (r->head[i]) REFUSE("its head is damaged");
    return UDL_PLAN_OK;
}

static int divide_table(reader *r) {
    udl_plan *p = r->p;
    const int64_t *h = r->head, words = h[UDL_HEAD_WORDS];
    const int64_t parts[5] = {h[UDL_HEAD_KERNELS], h[UDL_HEAD_BUFFERS], h[UDL_HEAD_INPUTS], h[UDL_HEAD_OUTPUTS], h[UDL_HEAD_CALLS]};
    for (int i = 0; i < 5; i++)
        if (parts[i] < 0 || parts[i] > words) REFUSE("its table is damaged: a count is out of range");
    const int64_t text = h[UDL_HEAD_TEXT];
    if (text < 0 || text > words * 8) REFUSE("its table is damaged: the text is too long");
    const int64_t fixed = UDL_HEAD + KERNEL_WORDS * parts[0] + BUFFER_WORDS * parts[1] + TENSOR_WORDS * (parts[2] + parts[3]);
    const int64_t calls = words - fixed - (text + 7) / 8;
    if (calls < 0 || parts[4] > calls) REFUSE("its table is damaged: its parts do not fit into it");
    r->kernels = r->head + UDL_HEAD;
    r->buffers = r->kernels + KERNEL_WORDS * parts[0];
    r->tensors = r->buffers + BUFFER_WORDS * parts[1];
    r->calls = r->tensors + TENSOR_WORDS * (parts[2] + parts[3]);
    r->end_of_calls = r->calls + calls;
    r->text = (const char *)r->end_of_calls;
    r->text_bytes = text;
    p->n_buffers = parts[1], p->n_inputs = parts[2], p->n_outputs = parts[3], p->n_calls = parts[4];
    p->scratch = h[UDL_HEAD_SCRATCH];
    if (p->scratch < 0 || p->scratch > UDL_EXTENT_MOST || p->scratch % 64) REFUSE("its table is damaged: the memory of a run is impossible");
    if (p->scratch > p->options.max_bytes - p->taken)
        REFUSE("a run needs %lld bytes of memory, and %lld are allowed in all", (long long)p->scratch, (long long)p->options.max_bytes);
    p->taken += p->scratch;
    return UDL_PLAN_OK;
}

/* ---- kernels, buffers, tensors ----------------------------------------------------------------------------------------------- */
static int is_named(const char *name, const char *text, int64_t n) { return strlen(name) == (size_t)n && memcmp(name, text, (size_t)n) == 0; }

static int starts(const char *text, int64_t n, const char *with) {
    return n > (int64_t)strlen(with) && memcmp(text, with, strlen(with)) == 0;
}

/* "add" or "add,mul,relu": the operations of a call */
static int find_ops(const char *text, int64_t n, kernel_row *k) {
    static const char *const maps[UDL_MAP_COUNT] = {
#define UDL_MAP(name, arity) #name,
#include "elementwise.inc"
#undef UDL_MAP
    };
    for (int64_t at = 0, end; at <= n; at = end + 1) {
        for (end = at; end < n && text[end] != ',';) end++;
        int op = 0;
        while (op < UDL_MAP_COUNT && !is_named(maps[op], text + at, end - at)) op++;
        if (op == UDL_MAP_COUNT || k->steps == 16) return 0;
        k->ops[k->steps++] = (int16_t)op;
    }
    return 1;
}

/* the operations into the struct of a call, where the file has zeros */
static int put_ops(const kernel_row *k, void *args) {
    if (k->id == UDL_K_elementwise) {
        udl_elementwise_args *e = args;
        if (e->op) return 0;
        e->op = k->ops[0];
    } else if (k->id == UDL_K_chain) {
        udl_chain_args *c = args;
        if (c->steps != k->steps) return 0;
        for (int64_t s = 0; s < k->steps; s++) {
            if (c->code[s] & 255) return 0;
            c->code[s] |= k->ops[s];
        }
    }
    return 1;
}

static int find_kernel(const reader *r, const int64_t *row, kernel_row *k) {
    static const udl_kernel_info bytes = {"copy", 1, 1, 2, 0};
    const int64_t n = row[1];
    const udl_kernel_info *info = &bytes;
    if (!is_text(r, row[0], n, NAME)) REFUSE("its table is damaged: the name of a kernel");
    const char *name = r->text + row[0];
    *k = (kernel_row){.id = -1};
    if (is_named("copy", name, n)) k->id = UDL_PLAN_COPY;
    else if (is_named("fill", name, n)) k->id = UDL_PLAN_FILL;
    else if (starts(name, n, "elementwise.")) k->id = find_ops(name + 12, n - 12, k) && k->steps == 1 ? UDL_K_elementwise : -1;
    else if (starts(name, n, "chain.")) k->id = find_ops(name + 6, n - 6, k) ? UDL_K_chain : -1;
    else {
        for (int i = 0; i < UDL_NKERNELS; i++)
            if (i != UDL_K_elementwise && i != UDL_K_chain && is_named(udl_kernels[i].name, name, n)) k->id = i;
    }
    udl_extent e;
    static const int64_t nothing[64];
    if (k->id < 0 || udl_extent_of(k->id, nothing, &e) == UDL_EISA)
        REFUSE("it calls a kernel \"%.*s\" that this library cannot run from a file", (int)n, name);
    if (k->id < UDL_NKERNELS) info = &udl_kernels[k->id];
    if (row[2] != info->n_out || row[3] != info->n_in || row[4] != info->n_int || row[5] != info->n_float || row[6] || row[7])
        REFUSE("its kernel \"%.*s\" has other fields than this library's: it was saved by another version", (int)n, name);
    k->pointers = info->n_out + info->n_in;
    k->fields = k->pointers + info->n_int + info->n_float;
    return UDL_PLAN_OK;
}

static int read_buffers(reader *r) {
    udl_plan *p = r->p;
    TRY(take(r, &p->buffers, p->n_buffers, sizeof *p->buffers));
    for (int64_t i = 0; i < p->n_buffers; i++) {
        const int64_t *row = r->buffers + BUFFER_WORDS * i, kind = row[0], place = row[1], bytes = row[2];
        const int64_t room = kind == UDL_CONSTANT ? p->data_bytes : kind == UDL_SCRATCH ? p->scratch : UDL_EXTENT_MOST;
        if (kind < UDL_CONSTANT || kind > UDL_OUTPUT || place < 0 || bytes < 0 || bytes > UDL_EXTENT_MOST || row[3])
            REFUSE("its table is damaged: buffer %lld", (long long)i);
        if (kind <= UDL_SCRATCH && (place % 64 || place > room || bytes > room - place))
            REFUSE("buffer %lld lies outside of %s", (long long)i, kind == UDL_CONSTANT ? "the file" : "the memory of a run");
        if (kind > UDL_SCRATCH && place >= (kind == UDL_INPUT ? p->n_inputs : p->n_outputs))
            REFUSE("buffer %lld belongs to no input or output", (long long)i);
        p->buffers[i] = (udl_file_buffer){kind, place, bytes, 1};
    }
    return UDL_PLAN_OK;
}

static int read_tensor(reader *r, int64_t i, char **text) {
    udl_plan *p = r->p;
    const int64_t *row = r->tensors + TENSOR_WORDS * i;
    const int input = i < p->n_inputs, size = itemsize(row[2]);
    udl_plan_tensor *t = &p->tensors[i];
    if (!is_text(r, row[0], row[1], NAME) || !size || row[3] < 0 || row[3] > UDL_MAXDIM || row[13] || row[14] || row[15])
        REFUSE("its table is damaged: input or output %lld", (long long)i);
    t->name = *text;
    memcpy(*text, r->text + row[0], (size_t)row[1]);
    *text += row[1] + 1;
    t->dtype = (int)row[2], t->ndim = (int)row[3], t->bytes = size;
    for (int d = 0; d < UDL_MAXDIM; d++) {
        const int64_t n = row[4 + d];
        if (n < 0 || n > UDL_EXTENT_MOST || (d >= t->ndim && n)) REFUSE("its table is damaged: the shape of \"%s\"", t->name);
        if (d < t->ndim && (__builtin_mul_overflow(t->bytes, n, &t->bytes) || t->bytes > UDL_EXTENT_MOST))
            REFUSE("\"%s\" is too large", t->name);
        t->shape[d] = n;
    }
    if (row[12] < 0 || row[12] >= p->n_buffers) REFUSE("\"%s\" has no buffer", t->name);
    const udl_file_buffer *b = &p->buffers[row[12]];
    if (b->kind != (input ? UDL_INPUT : UDL_OUTPUT) || b->place != (input ? i : i - p->n_inputs) || b->bytes != t->bytes)
        REFUSE("\"%s\" and its buffer do not fit together", t->name);
    return UDL_PLAN_OK;
}

static int read_tensors(reader *r) {
    udl_plan *p = r->p;
    const int64_t n = p->n_inputs + p->n_outputs, at = r->head[UDL_HEAD_STRUCTURE], length = r->head[UDL_HEAD_STRUCTURE_LENGTH];
    if (!is_text(r, at, length, STRUCTURE)) REFUSE("its table is damaged: the structure of the result");
    int64_t letters = length + 1;
    for (int64_t i = 0; i < n; i++) {
        const int64_t name = r->tensors[TENSOR_WORDS * i + 1];
        letters += name < 0 || name > NAME ? 1 : name + 1; /* read_tensor refuses the others */
    }
    TRY(take(r, &p->tensors, n, sizeof *p->tensors));
    TRY(take(r, &p->text, letters, 1));
    char *text = p->text;
    p->structure = text;
    memcpy(text, r->text + at, (size_t)length);
    text += length + 1;
    for (int64_t i = 0; i < n; i++) TRY(read_tensor(r, i, &text));
    int64_t named = 0; /* each input and output has one buffer, and each such buffer is its own's */
    for (int64_t i = 0; i < p->n_buffers; i++) named += p->buffers[i].kind > UDL_SCRATCH;
    if (named != n) REFUSE("its table is damaged: inputs, outputs and their buffers");
    return UDL_PLAN_OK;
}

/* ---- calls ------------------------------------------------------------------------------------------------------------------ */
static int overlap(const udl_plan *p, const udl_file_pointer *a, const udl_span *s, const udl_file_pointer *b, const udl_span *t) {
    const udl_file_buffer *x = &p->buffers[a->buffer], *y = &p->buffers[b->buffer];
    if (x->kind != y->kind || (x->kind > UDL_SCRATCH && x->place != y->place)) return 0;
    const int64_t from = (x->kind == UDL_SCRATCH ? x->place : 0) + a->offset, other = (x->kind == UDL_SCRATCH ? y->place : 0) + b->offset;
    return from + s->lo < other + t->hi && other + t->lo < from + s->hi;
}

/* of call i: its struct, in which pointers are 0 or 1; where they point */
static int check_call(const reader *r, int64_t i, const kernel_row *k, const void *args, const udl_file_pointer *at, const int *of, double *work) {
    udl_plan *p = r->p;
    udl_extent e;
    if (udl_extent_of(k->id, args, &e) != UDL_OK) REFUSE("call %lld has sizes or types that its kernel must not see", (long long)i);
    *work += e.work;
    if (!(*work <= p->options.max_work)) REFUSE("a run takes more than the %g steps that are allowed", p->options.max_work);
    if (!(e.temp <= (double)(p->options.max_bytes - p->taken) + (256 << 20)))
        REFUSE("call %lld takes %.0f bytes of memory, and %lld are allowed in all", (long long)i, e.temp, (long long)p->options.max_bytes);
    for (int64_t j = 0; j < k->pointers; j++) {
        if (of[j] < 0) continue;
        const udl_span *s = &e.span[j];
        const udl_file_pointer *f = &at[of[j]];
        udl_file_buffer *b = &p->buffers[f->buffer];
        if (f->offset < 0 || f->offset > b->bytes || s->lo < -f->offset || s->hi > b->bytes - f->offset)
            REFUSE("call %lld reaches beyond the buffer of its operand %lld", (long long)i, (long long)j);
        if (s->align && f->offset % s->align) REFUSE("operand %lld of call %lld is not aligned", (long long)j, (long long)i);
        if (s->writes && (b->kind == UDL_CONSTANT || b->kind == UDL_INPUT))
            REFUSE("call %lld writes to %s", (long long)i, b->kind == UDL_INPUT ? "an input" : "a constant");
        if (s->align > b->align) b->align = s->align;
        for (int64_t l = 0; l < k->pointers && e.apart; l++)
            if (of[l] >= 0 && s->writes && l != j && overlap(p, f, s, &at[of[l]], &e.span[l]))
                REFUSE("call %lld writes over what it reads", (long long)i);
    }
    return UDL_PLAN_OK;
}

static int read_call(reader *r, int64_t i, const int64_t **word, double *work) {
    udl_plan *p = r->p;
    const int64_t *w = *word;
    if (w >= r->end_of_calls || w[0] < 0 || w[0] >= r->head[UDL_HEAD_KERNELS]) REFUSE("its table is damaged: call %lld", (long long)i);
    const kernel_row *k = &r->rows[*w++];
    if (r->end_of_calls - w < k->pointers + k->fields) REFUSE("its table is damaged: call %lld is cut off", (long long)i);
    int64_t *args = p->words + p->n_words;
    int of[UDL_MAX_POINTERS];
    udl_file_pointer *at = p->pointers + p->n_pointers;
    int n = 0;
    for (int64_t j = 0; j < k->pointers; j++, w += 2) {
        of[j] = -1;
        if (w[0] < -1 || w[0] >= p->n_buffers || (w[0] == -1 && w[1])) REFUSE("call %lld has no buffer for operand %lld", (long long)i, (long long)j);
        if (w[0] == -1) continue;
        of[j] = n;
        at[n++] = (udl_file_pointer){p->n_words + j, w[0], w[1]};
        args[j] = 1;
    }
    memcpy(args + k->pointers, w, 8 * (size_t)(k->fields - k->pointers));
    if (!put_ops(k, args)) REFUSE("its table is damaged: the operation of call %lld", (long long)i);
    TRY(check_call(r, i, k, args, at, of, work));
    p->calls[i] = (udl_plan_call){k->id, args};
    p->n_words += k->fields;
    p->n_pointers += n;
    *word = w + (k->fields - k->pointers);
    return UDL_PLAN_OK;
}

/* pointers of inputs and outputs to the end: a run fills in only those */
static int sort_pointers(reader *r) {
    udl_plan *p = r->p;
    udl_file_pointer *all = NULL;
    TRY(take(r, &all, p->n_pointers, sizeof *all));
    int64_t n = 0;
    for (int moving = 0; moving < 2; moving++) {
        if (moving) p->first_moving = n;
        for (int64_t i = 0; i < p->n_pointers; i++)
            if ((p->buffers[p->pointers[i].buffer].kind > UDL_SCRATCH) == moving) all[n++] = p->pointers[i];
    }
    free(p->pointers);
    p->pointers = all;
    return UDL_PLAN_OK;
}

static int read_all(reader *r) {
    udl_plan *p = r->p;
    TRY(find_table(r));
    TRY(divide_table(r));
    TRY(take(r, &r->rows, r->head[UDL_HEAD_KERNELS], sizeof *r->rows));
    for (int64_t i = 0; i < r->head[UDL_HEAD_KERNELS]; i++) TRY(find_kernel(r, r->kernels + KERNEL_WORDS * i, &r->rows[i]));
    TRY(read_buffers(r));
    TRY(read_tensors(r));
    const int64_t words = r->end_of_calls - r->calls;
    TRY(take(r, &p->calls, p->n_calls, sizeof *p->calls));
    TRY(take(r, &p->words, words, sizeof *p->words));
    TRY(take(r, &p->pointers, words / 2, sizeof *p->pointers));
    double work = 0;
    const int64_t *at = r->calls;
    for (int64_t i = 0; i < p->n_calls; i++) TRY(read_call(r, i, &at, &work));
    if (at != r->end_of_calls) REFUSE("its table is damaged: something follows the last call");
    return sort_pointers(r);
}

int udl_plan_read(udl_plan *p, char *why, size_t why_bytes) {
    reader r = {.p = p, .why = why, .why_bytes = why_bytes};
    const int status = read_all(&r);
    free(r.rows);
    return status;
}
