/* build/bench [--native] [workload ...]: one line for each, of all without arguments. Times are of one thread. The
 * environment's AG_ISA is the instruction set of ours and of the limit: 1 baseline, 2 AVX2, 3 AVX-512. */
#include "bench.h"

#include <cblas.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
    const char *name;
    void (*run)(const char *name);
    const char *what;
} workload[] = {
    { "W1", bench_w1, "2-2-2 network, f64, one sample: forward, backward, SGD; limit: C by hand" },
    { "W2", bench_w2, "MLP 784-128-10, batch 64, SGD; limit: its five sgemm" },
    { "W3", bench_w3, "MLP 784-1024-1024-10, batch 256, Adam; limit: its eight sgemm" },
    { "W4", bench_w4, "LeNet, batch 64, SGD; limit: its five convolutions alone and six sgemm" },
    { "W5", bench_w5, "LSTM, vocabulary 64, hidden 128, 64 steps, batch 32, SGD; limit: its products alone" },
    { "W6", bench_w6, "pointwise loss of four vectors of 10^7 and its gradients; limit: one loop that streams" },
    { "W6s", bench_w6s, "the same, vectors of 1000" },
    { "W7", bench_w7, "GPT of 4 layers, 256 wide, 128 steps, batch 4, AdamW; limit: its products alone" },
    { "gpt2", bench_gpt2, "GPT-2, 124 million parameters, 64 and 256 steps, AdamW; limit: its products alone" },
    { "W8", bench_w8, "logistic regression 1000 x 200, f64: loss, gradient, HVP; limit: four dgemv in one pass" },
    { "W9", bench_w9, "10^6 scalar nodes, f64: multiply, sine, add; forward and reverse; limit: a loop by hand" },
    { "W9small", bench_w9small, "the same, 1000 nodes" },
    { "W9wide", bench_w9wide, "1000 nodes in eight chains, none of which waits for another" },
    { "hessian", bench_hessian, "sparse Hessian of the chained Rosenbrock function; limit: its closed form" },
    { "dense", bench_dense, "whole Hessians of 10 to 50 variables; limit: their closed forms" },
    { "recompute", bench_recompute, "200 layers trained in a quarter of the memory; limit: in all of it" },
    { "gradbench", bench_gradbench, "GradBench's twelve problems; limit: their functions in plain C, underived" },
    { "products", bench_products, "56 matrix products; limit: OpenBLAS with the kernels that fit the processor" },
    { "attention", bench_attention, "causal attention, forward and backward; limit: our products and softmax" },
    { "conv", bench_conv, "convolutions and their gradients, beside the processor's peak" },
    { "exported", bench_exported, "four programs in C by ag_write_c, by gcc and clang; limit: the same by hand" },
    { "unrolled", bench_unrolled, "unrolled networks of 100 to 200 steps in machine code; limit: interpreted" },
    { "growth", bench_growth, "graph, derivative, compile, evaluation at n and 4 n, by ways of writing a program" },
};
enum { WORKLOADS = sizeof workload / sizeof *workload };

/* In a process of its own: none finds the memory that another has left behind. */
static int run(int k)
{
    int status = 1;
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        workload[k].run(workload[k].name);
        exit(0);
    }
    if (child < 0 || waitpid(child, &status, 0) < 0) perror("bench");
    return status != 0;
}

static int find(const char *name)
{
    for (int k = 0; k < WORKLOADS; k++)
        if (strcmp(name, workload[k].name) == 0) return k;
    return -1;
}

static int usage(void)
{
    fprintf(stderr, "usage: bench [--native] [workload ...]\n");
    for (int k = 0; k < WORKLOADS; k++) fprintf(stderr, "  %-9s %s\n", workload[k].name, workload[k].what);
    return 2;
}

/* OpenBLAS chooses its kernels when it is loaded, and knows no new processors: a limit by wrong ones would be soft. */
static void use_fitting_kernels(char **argv)
{
#ifdef __x86_64__
    static const char *const core[] = { "NEHALEM", "HASWELL", "SKYLAKEX" };
    if (getenv("OPENBLAS_CORETYPE")) return;
    setenv("OPENBLAS_CORETYPE", core[bench_isa() - 1], 1);
    execv("/proc/self/exe", argv);
    perror("bench: /proc/self/exe");
#endif
    (void)argv;
}

int main(int argc, char **argv)
{
    int failed = 0;
    use_fitting_kernels(argv);
    openblas_set_num_threads(1); /* here: in a child it would wake a pool */
    if (argc > 1 && strcmp(argv[1], "--native") == 0) {
        bench_native = 1;
        argv++;
        argc--;
    }
    for (int k = 1; k < argc; k++)
        if (find(argv[k]) < 0) return usage();
    for (int k = 1; k < argc; k++) failed |= run(find(argv[k]));
    for (int k = 0; argc < 2 && k < WORKLOADS; k++) failed |= run(k);
    return failed;
}
