/* What pictures, pages and reports share: the nodes that outputs are made of, and where each of them is.
 *
 *   kind.c      what an operation is, for colours and sums
 *   map.c       the nodes and bodies below some outputs; forward, derivative or update; scope.c: in which scope
 *   body.c      of loops and branches, what flows through the bodies
 *   figures.c   values as text
 *   study.c     values of all nodes, and derivatives by them
 *   dot.c       a graph for Graphviz; boxes.c: its clusters, and which of them are folded; dot_plan.c: a plan
 *   page.c      the page to step through, page.html with what it shows */
#ifndef AGI_PICTURE_H
#define AGI_PICTURE_H

#include "derive/derive.h"

/* ---- what an operation is ---------------------------------------------------------------------------------------- */

typedef enum {
    AGI_INPUT, AGI_PARAMETER, AGI_LITERAL, AGI_ELEMENTS, AGI_REDUCES, AGI_MULTIPLIES, AGI_MOVES, AGI_LOOPS, AGI_UPDATES,
    AGI_KINDS
} agi_kind;
agi_kind agi_kind_of(const ag_node *);
const char *agi_kind_name(agi_kind);
/* A definition is not for users to see, unlike the members of a group. */
static inline uint32_t agi_visible(const ag_node *v)
{
    return agi_written_inputs(v);
}

/* ---- the map ----------------------------------------------------------------------------------------------------- */

/* A scope: "wq" in "attn" in "block2". The first one is the whole. */
typedef struct {
    const char *name; /* of `length` characters */
    uint32_t length, depth, parent, child, next; /* the first inside; the next beside; AGI_NOWHERE: none */
} agi_scope;

typedef enum { AGI_FORWARD, AGI_DERIVATIVE, AGI_UPDATE, AGI_PARTS } agi_part_of_graph;

/* By place in the region, which holds loops' bodies, too. */
typedef struct {
    agi_arena *arena;
    agi_region region;
    uint8_t *part;   /* agi_part_of_graph */
    uint8_t *output; /* it is one of the outputs */
    uint32_t *scope;
    uint32_t *loop;  /* the place of the loop or branch in whose body it is, or AGI_NOWHERE */
    agi_vector scopes; /* agi_scope, in the arena's allocator's memory */
} agi_map;

int agi_map_make(agi_map *, agi_arena *, ag_graph *, int n, ag_node *const outputs[]); /* 0: no memory */
void agi_map_free(agi_map *);

static inline agi_scope *agi_scope_at(const agi_map *m, uint32_t k)
{
    return (agi_scope *)m->scopes.data + k;
}

int agi_find_scopes(agi_map *);                          /* scope.c; 0: no memory */
void agi_print_scope(agi_text *, const agi_map *, uint32_t scope); /* "block2/attn/wq" */

/* What part k of the loop is made of in its body, of a branch in either; NULL: it is counted, or there is none. */
ag_node *agi_body_of_part(const ag_node *loop, int part, int which);
/* What says which way it goes, or how often: an input (0), a result of its body (1); or NULL. */
ag_node *agi_body_control(const ag_node *loop, int which);
ag_node *agi_body_next(const ag_node *loop, uint32_t k); /* what the leaf of input k is in the next step; or NULL */
void agi_print_loop(agi_text *, const ag_node *loop); /* "loop, 64 steps" */

/* ---- boxes ------------------------------------------------------------------------------------------------------- */

/* A part, a scope or a loop, in it members and others. The first is the whole picture. */
typedef struct {
    uint32_t scope, loop;  /* the scope, or the loop's place; AGI_NOWHERE: it is none */
    uint32_t parent, child, last, next; /* the first and the last inside; AGI_NOWHERE: none */
    uint32_t member;       /* the place of the first one */
    uint8_t part, folded;
} agi_box;

typedef struct {
    agi_map *map;
    agi_box *box;
    uint32_t count;
    uint32_t *of, *beside; /* by place: its box; the next member of that, or AGI_NOWHERE */
    uint8_t *hidden;       /* by place: it is not drawn */
} agi_boxes;

/* 0: no memory. Which are folded: those of scopes of that depth, or as many as leave at most so many to be drawn. */
int agi_boxes_make(agi_boxes *, agi_map *, const ag_picture_options *);
int64_t agi_boxes_drawn(const agi_boxes *); /* how many nodes and folded boxes there are */
uint32_t agi_box_drawn(const agi_boxes *, uint32_t box); /* the outermost folded one around it, or itself */
/* In order, those inside first, if they are asked for. left: so many boxes end before it. */
uint32_t agi_box_next(const agi_boxes *, uint32_t box, int inside, int *left);

/* ---- text -------------------------------------------------------------------------------------------------------- */

/* For XML and JSON: marked up where need be; what is no UTF-8 becomes U+FFFD. */
void agi_write_xml(FILE *, const char *text);
void agi_write_json(FILE *, const char *text); /* in quotes */

/* ---- values ------------------------------------------------------------------------------------------------------ */

enum { AGI_FIGURES = 640 };
/* Values as text, lines ended by \n but for the last: all of up to 12, as NumPy prints them; of more what they are. */
void agi_figures(char text[AGI_FIGURES], const ag_node *shape_and_type, const void *data);
double agi_value_at_index(const ag_node *, const void *data, int64_t i);

/* Values of all that y is made of, outside bodies, and derivatives of y by them. */
typedef struct {
    ag_graph *graph;
    const char *what; /* the call whose failures they are */
    agi_arena *arena;
    agi_map map;      /* of y */
    ag_node *y;
    uint8_t *shown;   /* by place: it has a value, and is no number that is written where it is used */
    ag_node **slope;  /* by place: the derivative by it, or NULL */
    ag_plan *plan;
    ag_run *run;
} agi_study;
/* 0 after a failure, recorded in the graph; more: other nodes to compute. */
int agi_study_make(agi_study *, const char *what, agi_arena *, ag_node *y);
int agi_study_run(agi_study *, const ag_run *leaves_or_null, int more, ag_node *const other[]);
void agi_study_free(agi_study *);

#endif
