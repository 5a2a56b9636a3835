/* Formulas: text to graph, by operator precedence, on two explicit stacks of bounded depth. Names are pieces of the
 * text, which is UTF-8.
 *
 *   formula.c    formulas one after the other, and their names
 *   operand.c    what a value begins with: signs, brackets, numbers; name.c: names, and functions by theirs
 *   behind.c     what follows a value: operators, a product without a sign, what closes a bracket
 *   list.c       [1, 2] and x[0, 1:3]
 *   stack.c      the stacks: operators that wait for what binds more tightly
 *   place.c      failures, and where in the text; letters.c: its characters
 *   function.c   operations by name */
#ifndef AGI_FORMULA_H
#define AGI_FORMULA_H

#include "graph/graph.h"
#include "parse.h"

/* A value in a formula. Numbers become nodes only where a node is wanted: axes and extents stay numbers. */
typedef struct {
    enum { AGI_NODE, AGI_NUMBER, AGI_TYPE, AGI_SPAN } kind;
    ag_node *node;
    double number;   /* AGI_TYPE: an ag_dtype */
    int64_t span[3]; /* AGI_SPAN, start:stop:step, in an index only */
} agi_argument;

/* Binding strength. A prefix operator waits for what binds tighter on its right: -x^2 is -(x^2), and 2^-x is 2^(-x).
 * Factors without a sign are beside each other; a function without parentheses takes all that are: sin 2x is sin(2*x),
 * sin x cos y a product of two. */
enum { AGI_OPEN, AGI_COMPARISON, AGI_SUMS, AGI_PRODUCTS, AGI_APPLIED, AGI_BESIDE, AGI_PREFIXES, AGI_POWER };

/* An operator that waits for its right operand; a bracket; a function that waits for its arguments. */
typedef struct {
    int level;
    int which;         /* of a binary operator */
    char bracket;      /* AGI_OPEN: ( [ |, or i, which opens an index */
    const char *at;    /* where in the formula */
    agi_word function; /* empty: a plain parenthesis, a sign */
    double power;      /* of the function's value: sin^2(x) */
    int values;        /* AGI_OPEN: how many values lie below it */
} agi_pending;

enum { AGI_DEPTH = 256, AGI_MOST_FORMULAS = 256, AGI_LONGEST_NAME = 255 };

typedef struct {
    ag_graph *graph;
    const char *text, *at;
    int npending, nvalues, nnamed;
    agi_pending pending[AGI_DEPTH];
    agi_argument values[AGI_DEPTH];
    struct {
        agi_word name, arguments; /* f and (x, y), or an empty one */
        agi_argument value;
    } named[AGI_MOST_FORMULAS]; /* formulas before this one */
} agi_parser;

/* Those that return an int return 0 after a failure, which is recorded. What reads leaves *ready 1 where a value stands
 * behind it, and 0 where one must follow. */

/* letters.c: the length of the character there, 0 at the end; an ill-formed one is a byte that is ~0u. */
int agi_character(const char *at, unsigned *code);
int agi_is_digit(char);
int agi_letter(const char *at); /* the length of a letter, or 0 */
size_t agi_name_length(const char *at); /* of letters, digits . and /, of which the first is a letter */
const char *agi_skip_space(const char *at);
int agi_superscript(const char *at, int *digit); /* its length, or 0; the digit, or '-' */
int agi_whole_characters(agi_word, int most); /* as many bytes of it, at most, as end with a character */

/* place.c: a failure here; the place of one that an operation has recorded, unless it is older. */
int agi_parse_fail(agi_parser *, const char *at, const char *format, ...) __attribute__((format(printf, 3, 4)));
void agi_point_at(agi_parser *, const char *at, int failed_before);

/* stack.c */
int agi_push(agi_parser *, agi_pending);
int agi_push_value(agi_parser *, const char *at, agi_argument);
int agi_push_result(agi_parser *, const char *at, int failed_before, ag_node *); /* or the place of its failure */
int agi_settle(agi_parser *, int level); /* applies what binds at least as tightly, back to the innermost bracket */
int agi_binary(const char *at);          /* the operator that stands there, or -1 */
int agi_push_binary(agi_parser *, int which);
int agi_push_product(agi_parser *, int level, const char *at); /* one without a sign */
int agi_apply_function(agi_parser *, const agi_pending *, int n, agi_argument *); /* its function, to its power */
int agi_raise(agi_parser *, const char *at, double power);              /* the last value */
const agi_pending *agi_innermost(const agi_parser *); /* of the open brackets, or NULL */

int agi_operand(agi_parser *, int *ready);
int agi_read_number(agi_parser *, double *value); /* digits, fraction, exponent */
int agi_behind(agi_parser *, int *ready);
int agi_starts_operand(const char *at); /* of a product without a sign, or of a function without parentheses */

/* name.c */
int agi_name_at(agi_parser *);
int agi_is_function_at(agi_parser *); /* not a leaf of that name */
int agi_lookup(agi_parser *, agi_word, agi_argument *value); /* a formula's, a leaf's or a constant's; 0: unknown */
int agi_is_taken(agi_parser *, agi_word); /* by a formula of this text or a leaf */
int agi_leaves_at(agi_parser *, const char *at, agi_word *arguments); /* (x, y), of leaves: its extent; 0: is none */

/* list.c */
int agi_open_index(agi_parser *), agi_close_list(agi_parser *), agi_close_index(agi_parser *);
int agi_is_span(const agi_parser *); /* does 1:3 stand here, in an index? */
int agi_span_at(agi_parser *);

/* function.c: operations by name. agi_call_function replaces numbers by nodes in `argument`. */
int agi_is_function(agi_word);
ag_node *agi_call_function(ag_graph *, agi_word, int n, agi_argument *argument);
ag_node *agi_argument_node(ag_graph *, agi_argument *); /* the bad node for a type */
void agi_nearest_function(agi_nearest *);

#endif
