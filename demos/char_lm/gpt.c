/* A transformer as in GPT-2: characters and their places embedded; blocks of attention to what came before and of two
 * dense layers, each on normalised values and added to what there was; logits by the embedding's transpose. Radford and
 * others, "Language models are unsupervised multitask learners", 2019. */
#include "char_lm.h"

enum { WIDTH = 128, HEADS = 4, LAYERS = 3 };

ag_node *gpt_logits(ag_net net, ag_node *codes, int kinds)
{
    ag_node *embedding = ag_net_weight(net, "embedding", AG_SHAPE(kinds, WIDTH), AG_NORMAL, 0.04);
    ag_node *position = ag_net_weight(net, "position", AG_SHAPE(WINDOW, WIDTH), AG_NORMAL, 0.04);
    ag_node *x = ag_add(ag_gather(embedding, 0, codes), position);
    for (int k = 0; k < LAYERS; k++) {
        char name[24];
        snprintf(name, sizeof name, "block%d", k + 1);
        x = ag_net_transformer(net, name, x, HEADS, 4 * WIDTH, NULL, 1);
    }
    x = ag_reshape(ag_net_layer_norm(net, "norm", x), AG_SHAPE(-1, WIDTH));
    return ag_dot(x, ag_transpose(embedding, NULL));
}
