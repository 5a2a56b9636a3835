"""The workloads of build/bench by PyTorch, for the same minute on the same machine: milliseconds a step, one thread.

    /usr/bin/python3 tests/bench/peers.py [W1 W2 ...]       needs Debian's python3-torch
"""
import math
import os
import sys
import time

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")  # read when torch is loaded
import torch
import torch.nn.functional as F
from torch import nn

torch.set_num_threads(1)
torch.manual_seed(1)


def milliseconds(step, seconds=4):
    """The median over blocks of steps."""
    for _ in range(3):
        step()
    blocks, end = [], time.perf_counter() + seconds
    while time.perf_counter() < end or len(blocks) < 5:
        start, steps = time.perf_counter(), 0
        while time.perf_counter() - start < 0.05:
            step()
            steps += 1
        blocks.append((time.perf_counter() - start) / steps * 1e3)
    return sorted(blocks)[len(blocks) // 2]


def training(model, optimiser, loss):
    def step():
        optimiser.zero_grad(set_to_none=True)
        loss(model).backward()
        optimiser.step()
    return step


def classifier(model, x, make_optimiser):
    labels = torch.randint(0, 10, (len(x),))
    return training(model, make_optimiser(model.parameters()), lambda m: F.cross_entropy(m(x), labels))


def sgd(parameters):
    return torch.optim.SGD(parameters, lr=0.01)


def w1():
    x, t = torch.tensor([0.5, 0.8]).double(), torch.tensor([0.2, 0.1]).double()
    model = nn.Sequential(nn.Linear(2, 2, bias=False), nn.Sigmoid(), nn.Linear(2, 2, bias=False), nn.Sigmoid()).double()
    return training(model, sgd(model.parameters()), lambda m: F.mse_loss(m(x), t))


def w2():
    model = nn.Sequential(nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 10))
    return classifier(model, torch.randn(64, 784), sgd)


def w3():
    model = nn.Sequential(nn.Linear(784, 1024), nn.ReLU(), nn.Linear(1024, 1024), nn.ReLU(), nn.Linear(1024, 10))
    return classifier(model, torch.randn(256, 784), torch.optim.Adam)


def w4():
    model = nn.Sequential(nn.Conv2d(1, 8, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 5), nn.ReLU(),
                          nn.MaxPool2d(2), nn.Flatten(), nn.Linear(256, 120), nn.ReLU(), nn.Linear(120, 10))
    return classifier(model, torch.randn(64, 1, 28, 28), sgd)


class CharacterModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm, self.head = nn.LSTM(64, 128), nn.Linear(128, 64)

    def forward(self, x):
        return self.head(self.lstm(x)[0])


def w5():
    text = torch.randint(0, 64, (65, 32))
    x, model = F.one_hot(text[:-1], 64).float(), CharacterModel()
    return training(model, sgd(model.parameters()),
                    lambda m: F.cross_entropy(m(x).reshape(-1, 64), text[1:].reshape(-1)))


class Block(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.heads, self.norms = heads, nn.ModuleList([nn.LayerNorm(d), nn.LayerNorm(d)])
        self.qkv, self.out = nn.Linear(d, 3 * d), nn.Linear(d, d)
        self.wide, self.narrow = nn.Linear(d, 4 * d), nn.Linear(4 * d, d)

    def forward(self, x):
        n, t, d = x.shape
        q, k, v = (y.view(n, t, self.heads, d // self.heads).transpose(1, 2)
                   for y in self.qkv(self.norms[0](x)).split(d, 2))
        scores = q @ k.transpose(2, 3) / math.sqrt(d // self.heads)
        scores = scores.masked_fill(torch.ones(t, t).triu(1).bool(), -math.inf)
        x = x + self.out((scores.softmax(3) @ v).transpose(1, 2).reshape(n, t, d))
        return x + self.narrow(F.gelu(self.wide(self.norms[1](x))))


class GPT(nn.Module):
    def __init__(self, words=1024, steps=128, d=256, layers=4, heads=4):
        super().__init__()
        self.words, self.places = nn.Embedding(words, d), nn.Parameter(torch.zeros(steps, d))
        self.blocks, self.norm = nn.Sequential(*(Block(d, heads) for _ in range(layers))), nn.LayerNorm(d)

    def forward(self, x):
        return self.norm(self.blocks(self.words(x) + self.places)) @ self.words.weight.T


def w7():
    text, model = torch.randint(0, 1024, (4, 129)), GPT()
    return training(model, torch.optim.AdamW(model.parameters(), lr=1e-4),
                    lambda m: F.cross_entropy(m(text[:, :-1]).reshape(-1, 1024), text[:, 1:].reshape(-1)))


def w8():
    x, w, v = torch.randn(1000, 200).double(), torch.zeros(200).double().requires_grad_(), torch.randn(200).double()
    y = (torch.rand(1000) < 0.5).double()

    def step():
        gradient, = torch.autograd.grad(F.binary_cross_entropy_with_logits(x @ w, y), w, create_graph=True)
        torch.autograd.grad(gradient, w, v)
    return step


if __name__ == "__main__":
    for name, make in (("W1", w1), ("W2", w2), ("W3", w3), ("W4", w4), ("W5", w5), ("W7", w7), ("W8", w8)):
        if len(sys.argv) == 1 or name in sys.argv:
            print(f"{name}  {milliseconds(make()):.4g} ms", flush=True)
