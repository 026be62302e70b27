"""The same state saved and loaded with PyTorch, as MMEngine's Runner does it, in lines of JSON."""
import json
import os
import sys
import time

import torch

path, shapes = sys.argv[1], json.loads(sys.argv[2])
torch.manual_seed(0)
model = torch.nn.ParameterDict({str(i): torch.nn.Parameter(torch.randn(shape)) for i, shape in enumerate(shapes)})
optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
for param in model.parameters():
    param.grad = torch.randn_like(param)
optimizer.step()


def save():
    torch.save({'meta': {}, 'state_dict': model.state_dict(), 'optimizer': optimizer.state_dict()}, path)


def save_synced():
    save()
    with open(path, 'rb') as file:
        os.fsync(file.fileno())


def load():
    found = torch.load(path, map_location='cpu')
    model.load_state_dict(found['state_dict'])
    optimizer.load_state_dict(found['optimizer'])


print(json.dumps({'version': torch.__version__}), flush=True)
for line in sys.stdin:
    action = dict(save=save, saveSynced=save_synced, load=load)[line.strip()]
    start = time.perf_counter()
    action()
    print(json.dumps({'ms': (time.perf_counter() - start) * 1000}), flush=True)
