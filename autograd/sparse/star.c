/* Colours of a symmetric matrix, whose element (i, j) may be read in row i or in row j of the products: a star
 * colouring, in which the elements between any two colours form stars, whose leaves each have one neighbour of the
 * hub's colour (A. Gebremedhin, A. Tarafdar, F. Manne, A. Pothen, New acyclic and star coloring algorithms with
 * application to computing Hessians, 2007). */
#include "sparse.h"

#define NONE UINT32_MAX

/* Neighbours are rows that share an element off the diagonal, an edge. */
typedef struct {
    int64_t n, colours, *start; /* neighbours of v: at start[v] to start[v + 1], ascending */
    uint32_t *neighbour, *edge;
    uint32_t *colour;           /* by vertex: NONE at first */
    uint32_t *star, *hub;       /* by edge; by star: NONE while it has a single edge */
    uint32_t stars;
    uint32_t *hubs, *next, *is; /* by leaf, by edge: a list of the hubs it has, `is` by edge */
    uint32_t *treated;          /* by vertex: for which v */
    uint32_t *forbidden;        /* by colour: for which v; */
    uint32_t *first_of, *first, *first_edge; /* v's first neighbour of that colour */
} stars;

/* ---- edges: elements on both sides of the diagonal, whichever of them is there ----------------------------------- */

static int add_edges(agi_arena *arena, const agi_csr *r, const agi_csr *t, stars *s)
{
    int64_t most = (r->start == t->start ? 1 : 2) * r->start[r->rows], count = 0;
    int64_t *seen = agi_arena_zeros(arena, (size_t)s->n, sizeof *seen); /* of w: edges from smaller vertices */
    s->start = agi_arena_take(arena, (size_t)(s->n + 1) * sizeof *s->start);
    s->neighbour = agi_arena_take(arena, (size_t)most * sizeof *s->neighbour);
    s->edge = agi_arena_take(arena, (size_t)most * sizeof *s->edge);
    if (!seen || !s->start || !s->neighbour || !s->edge) return 0;
    uint32_t edges = 0;
    for (int64_t v = 0; v < s->n; v++) {
        s->start[v] = count;
        for (int64_t a = r->start[v], b = t->start[v]; a < r->start[v + 1] || b < t->start[v + 1];) {
            int64_t x = a < r->start[v + 1] ? r->column[a] : s->n, y = b < t->start[v + 1] ? t->column[b] : s->n;
            int64_t w = x < y ? x : y;
            a += x == w;
            b += y == w;
            if (w == v) continue;
            s->neighbour[count] = (uint32_t)w;
            s->edge[count++] = w > v ? edges++ : s->edge[s->start[w] + seen[w]++];
        }
        int64_t smaller = s->start[v]; /* from here on, `seen` counts the edges to larger vertices */
        while (smaller < count && s->neighbour[smaller] < v) smaller++;
        seen[v] = smaller - s->start[v];
    }
    s->start[s->n] = count;
    return 1;
}

static uint32_t *filled(agi_arena *arena, int64_t n)
{
    uint32_t *x = agi_arena_take(arena, (size_t)n * sizeof *x);
    if (x) memset(x, 0xff, (size_t)n * sizeof *x);
    return x;
}

static int make_room(agi_arena *arena, stars *s)
{
    int64_t edges = s->start[s->n] / 2;
    uint32_t **by_edge[] = { &s->star, &s->hub, &s->next, &s->is };
    uint32_t **by_vertex[] = { &s->hubs, &s->treated, &s->forbidden, &s->first_of, &s->first, &s->first_edge };
    for (size_t k = 0; k < sizeof by_edge / sizeof *by_edge; k++)
        if (!(*by_edge[k] = filled(arena, edges))) return 0;
    for (size_t k = 0; k < sizeof by_vertex / sizeof *by_vertex; k++)
        if (!(*by_vertex[k] = filled(arena, s->n + 1))) return 0;
    memset(s->colour, 0xff, (size_t)s->n * sizeof *s->colour);
    return 1;
}

/* ---- one vertex -------------------------------------------------------------------------------------------------- */

static void forbid(stars *s, uint32_t vertex, uint32_t v)
{
    if (s->colour[vertex] != NONE) s->forbidden[s->colour[vertex]] = v;
}

/* w is to become v's leaf: none of its other neighbours has v's colour. */
static void treat(stars *s, uint32_t v, uint32_t w)
{
    for (int64_t k = s->start[w]; k < s->start[w + 1]; k++) forbid(s, s->neighbour[k], v);
    s->treated[w] = v;
}

static void forbid_colours(stars *s, uint32_t v)
{
    for (int64_t k = s->start[v]; k < s->start[v + 1]; k++) {
        uint32_t w = s->neighbour[k], c = s->colour[w];
        if (c == NONE) continue;
        s->forbidden[c] = v;
        if (s->first_of[c] == v) { /* a second one of its colour: v becomes a hub */
            if (s->treated[s->first[c]] != v) treat(s, v, s->first[c]);
            treat(s, v, w);
            continue;
        }
        s->first_of[c] = v;
        s->first[c] = w;
        s->first_edge[c] = s->edge[k];
        for (uint32_t e = s->hubs[w]; e != NONE; e = s->next[e]) forbid(s, s->is[e], v); /* w is a leaf there */
    }
}

static void make_leaf(stars *s, uint32_t leaf, uint32_t hub, uint32_t edge)
{
    s->is[edge] = hub;
    s->next[edge] = s->hubs[leaf];
    s->hubs[leaf] = edge;
}

/* The edge to `leaf` joins the star of `other`, the edge from the same hub to `first`. */
static void join(stars *s, uint32_t hub, uint32_t leaf, uint32_t edge, uint32_t first, uint32_t other)
{
    uint32_t star = s->star[edge] = s->star[other];
    if (s->hub[star] == NONE) make_leaf(s, first, hub, other);
    s->hub[star] = hub;
    make_leaf(s, leaf, hub, edge);
}

static void place_edge(stars *s, uint32_t v, uint32_t w, uint32_t edge)
{
    for (int64_t k = s->start[w]; k < s->start[w + 1]; k++) {
        uint32_t x = s->neighbour[k];
        if (x == v || s->colour[x] != s->colour[v]) continue;
        join(s, w, v, edge, x, s->edge[k]);
        return;
    }
    uint32_t c = s->colour[w];
    if (s->first[c] != w) join(s, v, w, edge, s->first[c], s->first_edge[c]);
    else s->star[edge] = s->stars++;
}

/* Are all elements on both sides of the diagonal? Row by row, each is the next one that row j has. */
static int is_symmetric(agi_arena *arena, const agi_csr *r)
{
    uint32_t *seen = agi_arena_zeros(arena, (size_t)r->rows, sizeof *seen);
    for (int64_t i = 0; seen && i < r->rows; i++)
        for (int64_t k = r->start[i]; k < r->start[i + 1]; k++) {
            const int64_t j = r->column[k], next = r->start[j] + seen[j]++;
            if (next >= r->start[j + 1] || r->column[next] != i) return 0;
        }
    return seen != NULL;
}

int64_t agi_colour_star(agi_arena *arena, const agi_csr *r, uint32_t *colour, int64_t *from)
{
    agi_csr t = *r;
    stars s = { .n = r->rows, .colour = colour };
    if (!is_symmetric(arena, r) && !agi_transpose_csr(arena, r, &t)) return -1;
    if (!add_edges(arena, r, &t, &s) || !make_room(arena, &s)) return -1;
    for (uint32_t v = 0; v < s.n; v++) {
        forbid_colours(&s, v);
        uint32_t c = 0;
        while (s.forbidden[c] == v) c++;
        colour[v] = c;
        if (c >= s.colours) s.colours = c + 1;
        for (int64_t k = s.start[v]; k < s.start[v + 1]; k++)
            if (colour[s.neighbour[k]] != NONE) place_edge(&s, v, s.neighbour[k], s.edge[k]);
    }
    for (int64_t i = 0; from && i < s.n; i++) { /* a leaf's row holds the element, in the product of the hub's colour */
        int64_t e = s.start[i];
        for (int64_t k = r->start[i]; k < r->start[i + 1]; k++) {
            int64_t j = r->column[k];
            while (j != i && s.neighbour[e] < j) e++;
            int at_hub = j != i && s.hub[s.star[s.edge[e]]] == (uint32_t)i;
            from[k] = at_hub ? colour[i] * s.n + j : colour[j] * s.n + i;
        }
    }
    return s.colours;
}
