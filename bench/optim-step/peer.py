"""The same update with PyTorch, in each way that it offers: a round for every line that is read, in lines of JSON."""
import json
import sys
import time

import torch

name, threads, steps, shapes = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), json.loads(sys.argv[4])
torch.set_num_threads(threads)
torch.manual_seed(0)
params = [torch.randn(shape, requires_grad=True) for shape in shapes]
for param in params:
    param.grad = torch.randn(param.shape) * 1e-3


def make(**options):
    optimizer = getattr(torch.optim, name)(params, lr=1e-3, **options)
    for _ in range(3):
        optimizer.step()
    return optimizer


optimizers = {}
for variant, options in dict(loop=dict(foreach=False), foreach=dict(foreach=True), fused=dict(fused=True)).items():
    try:
        optimizers[variant] = make(**options)
    except (TypeError, RuntimeError, ValueError, AttributeError):
        continue
if not optimizers:
    raise SystemExit(f'torch.optim has no {name}')


def answer(**what):
    print(json.dumps(what), flush=True)


answer(variants=list(optimizers), version=torch.__version__)
for line in sys.stdin:
    optimizer = optimizers[line.strip()]
    start = time.perf_counter()
    for _ in range(steps):
        optimizer.step()
    answer(ms=(time.perf_counter() - start) / steps * 1000)
