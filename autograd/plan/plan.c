/* Questions about plans: where values are, what memory a run of one takes. */
#include "plan.h"

#include <stdlib.h>

int agi_place_order(const void *a, const void *b)
{
    uint32_t x = ((const agi_place *)a)->node->id, y = ((const agi_place *)b)->node->id;
    return (x > y) - (x < y);
}

const agi_place *agi_find_place(const ag_plan *p, const ag_node *x)
{
    agi_place key = { .node = x };
    const agi_place *found = bsearch(&key, p->place, (size_t)p->nplaces, sizeof *p->place, agi_place_order);
    return found && found->node == x ? found : NULL;
}

const agi_place *agi_place_made(const ag_plan *p, const ag_node *x)
{
    for (int k = 0; k < p->nplaces; k++)
        if (p->place[k].made == x) return &p->place[k];
    return NULL;
}

const char *ag_plan_note(const ag_plan *p)
{
    return p && p->note ? p->note : "";
}

int agi_threads_of(const ag_plan *p)
{
    return p->options.threads > 1 ? p->options.threads : 1;
}

static size_t lines(size_t bytes)
{
    return (size_t)agi_aligned((int64_t)bytes);
}

agi_run_layout agi_lay_out_run(const ag_plan *p, int is_body)
{
    const size_t places = (size_t)p->nplaces, bodies = (size_t)p->nbodies;
    const size_t scratch = is_body ? 0 : lines((size_t)p->scratch_bytes) * (size_t)agi_threads_of(p);
    agi_run_layout at = { .bound = p->nbuffers * sizeof(void *) };
    at.bodies = at.bound + places * sizeof(void *);
    at.binding = at.bodies + bodies * sizeof(void *);
    at.unread = at.binding + places * sizeof(uint32_t);
    at.fed = at.unread + places;
    at.messages = at.fed + p->nbuffers;
    at.block = lines(at.messages + (is_body ? 0 : 2 * AGI_MESSAGE_BYTES));
    at.scratch = at.block + lines((size_t)p->block_bytes);
    at.bytes = at.scratch + scratch;
    return at;
}

static size_t all_bytes(const ag_plan *p, int is_body)
{
    size_t bytes = p ? AGI_RUN_BYTES + AGI_ALIGNMENT + agi_lay_out_run(p, is_body).bytes : 0;
    for (int k = 0; p && k < p->nsteps; k++)
        for (int b = 0; b < 2 && p->step[k].kind == AGI_LOOP; b++) {
            size_t more = all_bytes(p->step[k].is.loop->body[b], 1);
            bytes = more > SIZE_MAX - bytes ? SIZE_MAX : bytes + more;
        }
    return bytes;
}

size_t ag_plan_bytes(const ag_plan *p)
{
    return all_bytes(p, 0);
}

int64_t agi_slot_bytes(const agi_pass *g, int row)
{
    int64_t n = row ? g->tile_rows : g->tile_rows * g->tile_columns;
    return agi_aligned(n * (int64_t)ag_dtype_size(g->dtype));
}

int64_t agi_pass_scratch(const agi_pass *g)
{
    int64_t pointers = agi_aligned(g->nregisters * (int64_t)sizeof(void *));
    return pointers + g->full_slots * agi_slot_bytes(g, 0) + g->row_slots * agi_slot_bytes(g, 1);
}

int agi_same_memory(const ag_plan *p, uint32_t a, uint32_t b)
{
    return p->buffer[a].owner == p->buffer[b].owner;
}

agi_matrix agi_matrix_layout(const ag_node *x, const ag_strides *s)
{
    int64_t rows = x->dim[x->rank - 2], columns = x->dim[x->rank - 1];
    int64_t down = s->stride[x->rank - 2], across = s->stride[x->rank - 1];
    int by_rows = (columns == 1 && !(rows > 1 && down == 1)) || (across == 1 && (rows == 1 || down >= columns));
    int64_t leading = rows == 1 || down < columns ? columns : down;
    if (!by_rows) leading = columns == 1 || across < rows ? rows : across;
    return (agi_matrix){ !by_rows, (int)leading };
}

agi_product_of agi_matrices_of(const agi_product *p)
{
    const ag_node *y = p->node, *a = y->in[0], *b = y->in[1];
    const int64_t *down_a = p->a_stride.stride + a->rank - 2, *down_b = p->b_stride.stride + b->rank - 2;
    return (agi_product_of){ .rows = y->dim[y->rank - 2], .columns = y->dim[y->rank - 1],
                             .inner = a->dim[a->rank - 1], .a_row = down_a[0], .a_column = down_a[1],
                             .b_row = down_b[0], .b_column = down_b[1], .out_row = y->dim[y->rank - 1],
                             .reading = p->reading };
}

int64_t agi_product_scratch(const agi_product *p, int isa)
{
    const agi_product_of of = agi_matrices_of(p);
    return agi_product_work(isa, p->node->dtype == AG_F64, &of);
}

void ag_plan_free(ag_plan *p)
{
    if (!p) return;
    for (int k = 0; k < p->nsteps; k++)
        for (int b = 0; b < 2 && p->step[k].kind == AGI_LOOP && p->step[k].is.loop; b++)
            ag_plan_free(p->step[k].is.loop->body[b]);
    if (p->native) p->end_native(p->native);
    agi_arena_free(&p->arena);
    ag_allocator a = p->allocator;
    agi_release(&a, p);
}
