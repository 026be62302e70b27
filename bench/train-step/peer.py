"""The same models with PyTorch, from the same weights: a round for every line that is read, in lines of JSON."""
import json
import math
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

name, layout, folder, threads, steps = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]), int(sys.argv[5])
dtype = sys.argv[6] if len(sys.argv) > 6 else 'float32'
torch.set_num_threads(threads)


class BasicBlock(nn.Module):
    def __init__(self, cin, cout, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(cout)
        self.conv2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(cout)
        self.downsample = None
        if stride != 1 or cin != cout:
            self.downsample = nn.Sequential(nn.Conv2d(cin, cout, 1, stride, bias=False), nn.BatchNorm2d(cout))

    def forward(self, x):
        y = F.relu(self.bn1(self.conv1(x)), inplace=True)
        y = self.bn2(self.conv2(y))
        y += x if self.downsample is None else self.downsample(x)
        return F.relu(y, inplace=True)


class ResNet18(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        cin = 64
        for i, cout in enumerate((64, 128, 256, 512)):
            stride = 1 if i == 0 else 2
            setattr(self, f'layer{i + 1}', nn.Sequential(BasicBlock(cin, cout, stride), BasicBlock(cout, cout, 1)))
            cin = cout
        self.fc = nn.Linear(512, 10)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)), inplace=True)
        for i in range(4):
            x = getattr(self, f'layer{i + 1}')(x)
        return self.fc(x.mean((2, 3)))


class Mlp(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(784, 256)
        self.fc2 = nn.Linear(256, 10)

    def forward(self, x):
        return self.fc2(F.relu(self.fc1(x)))


class Block(nn.Module):
    def __init__(self, size, heads):
        super().__init__()
        self.heads = heads
        self.norm1 = nn.LayerNorm(size)
        self.qkv = nn.Linear(size, 3 * size)
        self.proj = nn.Linear(size, size)
        self.norm2 = nn.LayerNorm(size)
        self.fc1 = nn.Linear(size, 4 * size)
        self.fc2 = nn.Linear(4 * size, size)
        self.register_buffer('mask', torch.ones(128, 128, dtype=torch.bool).triu(1), persistent=False)

    def attend(self, x):
        b, t, e = x.shape
        q, k, v = self.qkv(x).view(b, t, 3, self.heads, e // self.heads).permute(2, 0, 3, 1, 4)
        if hasattr(F, 'scaled_dot_product_attention'):
            y = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        else:
            scores = (q @ k.transpose(-2, -1)) * (1 / math.sqrt(e // self.heads))
            y = scores.masked_fill(self.mask, float('-inf')).softmax(-1) @ v
        return self.proj(y.transpose(1, 2).reshape(b, t, e))

    def forward(self, x):
        x = x + self.attend(self.norm1(x))
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x))))


class Transformer(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Parameter(torch.zeros(256, 128))
        self.position = nn.Parameter(torch.zeros(128, 128))
        self.blocks = nn.ModuleList(Block(128, 4) for _ in range(2))
        self.norm = nn.LayerNorm(128)
        self.head = nn.Linear(128, 256)

    def forward(self, tokens):
        x = F.embedding(tokens, self.embed) + self.position
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x)).flatten(0, 1)


def load():
    data = open(f'{folder}/{name}.bin', 'rb').read()
    at = 0
    found = {}
    for entry in json.load(open(f'{folder}/{name}.json')):
        dtype = torch.int32 if entry['dtype'] == 'int32' else torch.float32
        count = math.prod(entry['shape'])
        found[entry['key']] = torch.frombuffer(bytearray(data[at:at + 4 * count]), dtype=dtype).reshape(entry['shape'])
        at += 4 * count
    return found


def peak_memory():
    for line in open('/proc/self/status'):
        if line.startswith('VmHWM'):
            return round(int(line.split()[1]) / 1024)


found = load()
x, y = found.pop('input:x'), found.pop('input:y').long().flatten()
model = dict(resnet18=ResNet18, mlp=Mlp, transformer=Transformer)[name]()
with torch.no_grad():
    for key, parameter in model.named_parameters():
        parameter.copy_(found.pop(key))
assert not found, f'not in the model: {list(found)}'
if name == 'transformer':
    x = x.long()
if layout == 'channelsLast' and x.dim() == 4:
    model, x = model.to(memory_format=torch.channels_last), x.to(memory_format=torch.channels_last)
run = torch.compile(model) if layout == 'compiled' else model
if name == 'resnet18':
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, weight_decay=5e-4)
elif name == 'mlp':
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
else:
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4, weight_decay=0.01)


def step():
    optimizer.zero_grad(set_to_none=True)
    with torch.autocast('cpu', dtype=torch.bfloat16, enabled=dtype == 'bfloat16'):
        loss = F.cross_entropy(run(x), y)
    loss.backward()
    optimizer.step()
    return loss


def answer(**what):
    print(json.dumps(what), flush=True)


answer(losses=[step().item() for _ in range(5)], version=torch.__version__, threads=torch.get_num_threads())
for line in sys.stdin:
    if line.strip() != 'round':
        break
    start = time.perf_counter()
    for _ in range(steps):
        loss = step()
    loss.item()
    answer(ms=(time.perf_counter() - start) / steps * 1000, peakMemory=peak_memory())
