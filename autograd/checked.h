/* What C does not check: the type of the data behind a pointer, and names. A part of autograd.h, which includes it.
 *
 * In C11 and in C++ ag_feed, ag_fetch, ag_bind, ag_adopt, ag_constant and ag_parameter look at the type of the pointer
 * that they are given: float data for a leaf of doubles is a failure, whose message says so, not memory read beyond its
 * end. Pointers to void, to bytes and to arrays are trusted; so are all in C99, and where AG_UNCHECKED is defined. */
#ifndef AUTOGRAD_CHECKED_H
#define AUTOGRAD_CHECKED_H

#include "autograd.h"

#ifdef __cplusplus
extern "C" {
#endif

/* As ag_find, but a name that nothing has is a failure, AG_EARG, whose message tells the most similar name there is. */
ag_node *ag_get(ag_graph *, const char *name);

/* What a pointer points to: an ag_dtype, or one of these. */
enum { AG_UNKNOWN = -1, AG_INT = 16 };
/* What the calls without _typed are: `type` is that of the data. */
ag_status ag_feed_typed(int type, ag_run *, const ag_node *leaf, const void *data);
ag_status ag_fetch_typed(int type, const ag_run *, const ag_node *, void *out);
ag_status ag_bind_typed(int type, ag_run *, const ag_node *leaf_or_output, void *data);
ag_status ag_adopt_typed(int type, ag_run *, const ag_node *parameter, void *data);
ag_node *ag_constant_typed(int type, ag_graph *, ag_dtype, ag_shape, const void *values);
ag_node *ag_parameter_typed(int type, ag_graph *, const char *name, ag_dtype, ag_shape, const void *initial);

#ifdef __cplusplus
}
#endif

#if defined AG_BUILDING || defined AG_UNCHECKED
#elif defined __cplusplus
extern "C++" {
template <class T> struct ag_pointee { enum { type = AG_UNKNOWN }; };
template <> struct ag_pointee<float> { enum { type = AG_F32 }; };
template <> struct ag_pointee<double> { enum { type = AG_F64 }; };
template <> struct ag_pointee<int64_t> { enum { type = AG_I64 }; };
template <> struct ag_pointee<int> { enum { type = AG_INT }; };
template <class T> ag_status ag_feed(ag_run *r, const ag_node *leaf, const T *data)
{
    return ag_feed_typed(ag_pointee<T>::type, r, leaf, data);
}
template <class T> ag_status ag_fetch(const ag_run *r, const ag_node *x, T *out)
{
    return ag_fetch_typed(ag_pointee<T>::type, r, x, out);
}
template <class T> ag_status ag_bind(ag_run *r, const ag_node *x, T *data)
{
    return ag_bind_typed(ag_pointee<T>::type, r, x, data);
}
template <class T> ag_status ag_adopt(ag_run *r, const ag_node *parameter, T *data)
{
    return ag_adopt_typed(ag_pointee<T>::type, r, parameter, data);
}
template <class T> ag_node *ag_constant(ag_graph *g, ag_dtype type, ag_shape shape, const T *values)
{
    return ag_constant_typed(ag_pointee<T>::type, g, type, shape, values);
}
template <class T> ag_node *ag_parameter(ag_graph *g, const char *name, ag_dtype type, ag_shape shape, const T *initial)
{
    return ag_parameter_typed(ag_pointee<T>::type, g, name, type, shape, initial);
}
}
#elif defined __STDC_VERSION__ && __STDC_VERSION__ >= 201112L
/* The last arguments may be compound literals, whose commas are the macro's: what is asked about is the last of all. */
#define AG_POINTEE(...)                                                                                             \
    _Generic((__VA_ARGS__), float *: AG_F32, const float *: AG_F32, double *: AG_F64, const double *: AG_F64,       \
             int64_t *: AG_I64, const int64_t *: AG_I64, int *: AG_INT, const int *: AG_INT, default: AG_UNKNOWN)
#define ag_feed(run, leaf, ...) ag_feed_typed(AG_POINTEE(__VA_ARGS__), run, leaf, __VA_ARGS__)
#define ag_fetch(run, node, ...) ag_fetch_typed(AG_POINTEE(__VA_ARGS__), run, node, __VA_ARGS__)
#define ag_bind(run, node, ...) ag_bind_typed(AG_POINTEE(__VA_ARGS__), run, node, __VA_ARGS__)
#define ag_adopt(run, parameter, ...) ag_adopt_typed(AG_POINTEE(__VA_ARGS__), run, parameter, __VA_ARGS__)
#define ag_constant(graph, type, ...) ag_constant_typed(AG_POINTEE((void)__VA_ARGS__), graph, type, __VA_ARGS__)
#define ag_parameter(graph, name, type, ...) \
    ag_parameter_typed(AG_POINTEE((void)__VA_ARGS__), graph, name, type, __VA_ARGS__)
#endif

#endif
