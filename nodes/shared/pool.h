/* Windows over images as nodes, of the last axes of x [n, channels, *size]. */
#ifndef AGI_POOL_NODES_H
#define AGI_POOL_NODES_H

#include "dense/pool.h"
#include "node.h"

enum { AGI_POOL_AXES = 3 };

/* By spatial axis, the first ones first. */
typedef struct {
    int64_t kernel[AGI_POOL_AXES], stride[AGI_POOL_AXES], dilation[AGI_POOL_AXES], pad[AGI_POOL_AXES];
    int64_t size[AGI_POOL_AXES], result[AGI_POOL_AXES];
    double divisor; /* of sums: a window's elements, in the image or not; or 1 */
} agi_pool_form;

/* u where x is largest in each window; and its adjoint: the sums of g where x is. Of NULL u: x itself. */
ag_node *agi_new_max_pool(ag_node *x, ag_node *u, const agi_pool_form *);
ag_node *agi_new_max_pool_slope(ag_node *x, ag_node *g, const agi_pool_form *);
/* The sums over windows, divided; and their adjoint. */
ag_node *agi_new_avg_pool(ag_node *x, const agi_pool_form *);
ag_node *agi_new_avg_pool_slope(ag_node *g, const agi_pool_form *);

/* Users' options, checked, of `op` for x, or the bad node. */
ag_node *agi_read_pool(const ag_op *op, ag_node *x, const ag_pool_options *, agi_pool_form *);

/* For ag_op: the result has the windows' shape, or the image's. */
void agi_each_of_pool(void *attribute, ag_each_extent *each, void *context);
ag_status agi_infer_pooled(ag_infer *);
ag_status agi_infer_image(ag_infer *);

agi_windows agi_windows_of(const ag_node *y); /* as kernels take them */
/* The planes that a call is to compute, which are its pieces. */
typedef struct {
    agi_windows windows;
    const void *in[2];
    void *out;
} agi_planes;
agi_planes agi_planes_of(const ag_kernel_call *);
int64_t agi_count_planes(const ag_node *y);
double agi_pool_flops(const ag_node *y);
ag_node *agi_batch_planes(const ag_node *y, ag_node *in[], const unsigned char batched[], int64_t count);

size_t agi_pool_scratch(const ag_node *y);

/* Calls `each` for all elements that windows have: of the image, `from`, and of the results, `to`. */
typedef void agi_window_element(void *context, int64_t to, int64_t from);
void agi_each_window(const agi_windows *, agi_window_element *each, void *context);

/* In C: loops over windows, `to` being a result's number; `start`, then `each` where `at` is an element's, `end`. */
void agi_write_windows(ag_source *, const ag_node *y, const char *start, const char *each, const char *end);
/* `each` that makes `best` the first largest one. */
#define AGI_POOL_BEST "if (best < 0 || in0[at] > in0[best] || (isnan(in0[at]) && !isnan(in0[best]))) best = at;"

#endif
