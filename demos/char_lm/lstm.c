/* A long short-term memory over the window. Hochreiter, Schmidhuber, 1997. */
#include "char_lm.h"

enum { EMBEDDED = 64, HIDDEN = 192 };

ag_node *lstm_logits(ag_net net, ag_node *codes, int kinds)
{
    ag_node *x = ag_net_embedding(net, "embedding", ag_transpose(codes, NULL), kinds, EMBEDDED);
    ag_node *h = ag_net_lstm(net, "lstm", x, HIDDEN, 1, NULL, NULL);
    h = ag_reshape(ag_transpose(h, (int[]){ 1, 0, 2 }), AG_SHAPE(-1, HIDDEN));
    return ag_net_dense(net, "output", h, kinds);
}
