/* Rows of the table of operations, their values and first derivatives, many in a program. */
#include "fuzz.h"
#include "op_table.h"

static ag_node *weighted(ag_node *y, uint64_t *seed)
{
    ag_node *w = test_constant(ag_graph_of(y), ag_shape_of(y), seed, 0.5, 1.5);
    return ag_sum(ag_mul(ag_cast(w, ag_type_of(y)), y));
}

static void add_case(fuzz_program *p, op_case c, ag_dtype dtype, uint64_t *seed)
{
    ag_node *in[3];
    int first = c.flags & ROW_EFFECT ? 1 : 0;
    for (int k = 0; k < c.n; k++) in[k] = op_leaf(p->g, dtype, c.in[k], c.value[k]);
    ag_node *y = p->node[p->n++] = c.build(in, c.arg);
    ck_assert_msg(!ag_is_bad(y), "%s: %s", c.label, ag_graph_error(p->g));
    if (!(c.flags & ROW_NO_GRADIENT)) {
        ck_assert_int_eq(ag_gradient(weighted(y, seed), c.n - first, in + first, p->node + p->n), AG_OK);
        p->n += c.n - first;
    }
    op_case_free(&c);
}

/* Case number i: every other shape of each pointwise operation, then the other rows. NULL operation: no more. */
static op_case case_at(int i)
{
    for (size_t k = 0; k < op_points_count; k++) {
        int most = (op_variants(op_points[k].n) + 1) / 2;
        if (i < most) return op_case_of_point(&op_points[k], (2 * i + (int)k % 2) % op_variants(op_points[k].n));
        i -= most;
    }
    return (size_t)i < op_row_count() ? op_case_of_row(op_row_at((size_t)i)) : (op_case){ .op = NULL };
}

int fuzz_rows(fuzz_program *p, int first)
{
    uint64_t seed = 3;
    int i = first;
    *p = (fuzz_program){ .g = ag_graph_new(NULL), .owned = 1 };
    for (; p->n + 4 <= FUZZ_OUTPUTS; i++) {
        op_case c = case_at(i);
        if (!c.op) break;
        int wide = c.flags & ROW_F64_ONLY || (i % 2 && !test_quick());
        if (wide && test_quick()) op_case_free(&c);
        else add_case(p, c, wide ? AG_F64 : AG_F32, &seed);
    }
    snprintf(p->label, sizeof p->label, "rows %d to %d of the table", first, i - 1);
    return i;
}
