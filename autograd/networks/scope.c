/* Where layers are, and their parameters: found by name, or made. */
#include "layers.h"

#include <stdarg.h>
#include <stdlib.h>

static const ag_op weight = { .name = "ag_net_weight" };

ag_net ag_net_new(ag_graph *g, ag_dtype dtype, uint64_t seed)
{
    return (ag_net){ .graph = g, .dtype = dtype, .seed = seed };
}

/* Where there is no room, a name that no parameter may have. */
static void append(char *path, char separator, const char *name)
{
    const size_t length = strlen(path), room = AG_NET_PATH - length;
    const char between[] = { length ? separator ? separator : '/' : '\0', '\0' };
    const int n = snprintf(path + length, room, "%s%s", between, name);
    if (n < 0 || (size_t)n >= room) snprintf(path, AG_NET_PATH, "\n");
}

ag_net ag_net_in(ag_net net, const char *format, ...)
{
    char name[AG_NET_PATH];
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(name, sizeof name, format, args);
    va_end(args);
    append(net.path, net.separator, n < 0 || (size_t)n >= sizeof name ? "\n" : name);
    return net;
}

/* ---- parameters -------------------------------------------------------------------------------------------------- */

static uint64_t mixed(uint64_t seed, const char *name) /* FNV-1a */
{
    uint64_t hash = 0xcbf29ce484222325u ^ seed;
    for (; *name; name++) hash = (hash ^ (unsigned char)*name) * 0x100000001b3u;
    return hash;
}

/* Elements, or 0: no parameter has that shape or type. */
static int64_t count(const ag_net *net, const ag_shape *s)
{
    int64_t n = s->rank >= 0 && s->rank <= AG_MAX_RANK && (net->dtype == AG_F32 || net->dtype == AG_F64);
    for (int i = 0; i < s->rank && n; i++) n = s->dim[i] > 0 && s->dim[i] <= ((int64_t)1 << 40) / n ? n * s->dim[i] : 0;
    return n;
}

static ag_node *make(const ag_net *net, ag_shape s, ag_init kind, double size)
{
    ag_node *any = ag_number(net->graph, 0);
    const int64_t n = count(net, &s);
    if (net->dtype == AG_I64) return ag_reject(any, &weight, AG_ETYPE, "parameters of layers are AG_F32 or AG_F64");
    if (!n) return ag_parameter(net->graph, net->path, net->dtype, s, NULL); /* which says why */
    double *values = malloc((size_t)n * (sizeof(double) + sizeof(float)));
    if (!values) return ag_reject(any, &weight, AG_EMEM, "out of memory for the first values of '%s'", net->path);
    agi_net_draw(values, s, kind, size, mixed(net->seed, net->path));
    float *const narrow = (float *)(void *)(values + n);
    for (int64_t i = 0; i < n; i++) narrow[i] = (float)values[i];
    ag_node *made = ag_parameter(net->graph, net->path, net->dtype, s, net->dtype == AG_F32 ? (void *)narrow : values);
    free(values);
    return made;
}

ag_node *ag_net_weight(ag_net net, const char *name, ag_shape s, ag_init kind, double size)
{
    if (!net.graph) return NULL;
    net = ag_net_in(net, "%s", name ? name : "\n");
    ag_node *found = ag_find(net.graph, net.path);
    if (!found || ag_is_bad(found)) return make(&net, s, kind, size);
    const ag_shape old = ag_shape_of(found);
    int same = ag_type_of(found) == net.dtype && old.rank == s.rank && found->op->role == AG_IS_PARAMETER;
    for (int i = 0; i < s.rank && same; i++) same = old.dim[i] == s.dim[i];
    if (same) return found;
    char text[AG_SHAPE_TEXT];
    return ag_reject(found, &weight, AG_ESHAPE, "'%s' is there already, and no parameter %s, which is needed: are "
                     "there two layers of one name?", net.path, ag_describe(text, net.dtype, &s));
}
