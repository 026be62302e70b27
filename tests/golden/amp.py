"""Writes amp.json: what mixed precision does in PyTorch. Run with a Python that has torch (recorded with 1.13).

scaler: the rule of torch's kernel _amp_update_scale_, in float32, for sequences of steps with and without overflow.
training: losses of a small network under torch.autocast('cpu', bfloat16) and in float32, from weights and images that
are a formula; and the types of what its layers return.
"""
import json
import os

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F


def update_scale(options, overflows):
    scale, tracker, rows = np.float32(options['init_scale']), 0, []
    for overflow in overflows:
        if overflow:
            scale, tracker = np.float32(scale * np.float32(options['backoff_factor'])), 0
        else:
            tracker += 1
            if tracker == options['growth_interval']:
                with np.errstate(over='ignore'):
                    grown = np.float32(scale * np.float32(options['growth_factor']))
                if np.isfinite(grown):
                    scale = grown
                tracker = 0
        rows.append([float(scale), tracker])
    return rows


def scaler_case(init_scale, growth_factor, backoff_factor, growth_interval, overflows):
    options = dict(init_scale=init_scale, growth_factor=growth_factor, backoff_factor=backoff_factor,
                   growth_interval=growth_interval)
    return dict(options=options, overflows=overflows, expected=update_scale(options, overflows))


def wave(shape, frequency, size):
    count = int(np.prod(shape))
    return torch.from_numpy(np.sin(np.arange(count) * frequency) * size).float().reshape(shape)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 16, 3, 2, 1)
        self.bn2 = nn.BatchNorm2d(16)
        self.fc = nn.Linear(16, 4)
        for i, parameter in enumerate((self.conv1.weight, self.conv2.weight, self.conv2.bias, self.fc.weight,
                                       self.fc.bias)):
            parameter.data = wave(parameter.shape, 0.37 + 0.11 * i, 0.3)

    def forward(self, x, seen):
        def see(name, y):
            seen[name] = str(y.dtype).replace('torch.', '')
            return y

        x = see('conv1', self.conv1(x))
        x = see('relu1', F.relu(see('bn1', self.bn1(x))))
        x = see('conv2', self.conv2(x))
        x = see('relu2', F.relu(see('bn2', self.bn2(x))))
        return see('fc', self.fc(see('mean', x.mean((2, 3)))))


def train(autocast, steps=12):
    model = Net()
    x = wave((8, 3, 8, 8), 0.73, 1.0)
    y = torch.arange(8) % 4
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    losses, seen, grads = [], {}, {}
    for _ in range(steps):
        optimizer.zero_grad()
        with torch.autocast('cpu', dtype=torch.bfloat16, enabled=autocast):
            out = model(x, seen)
            loss = F.cross_entropy(out.float(), y)
        loss.backward()
        if not losses:
            grads = {name: p.grad.norm().item() for name, p in model.named_parameters()}
        optimizer.step()
        losses.append(loss.item())
    return dict(losses=losses, dtypes=seen, gradNorms=grads)


result = dict(
    torch=torch.__version__,
    scaler=[
        scaler_case(65536.0, 2.0, 0.5, 3, [0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0]),
        scaler_case(1000.0, 1.7, 0.3, 2, [1, 0, 0, 0, 1, 0, 0, 0, 0]),
        scaler_case(2.0**126, 2.0, 0.5, 1, [0, 0, 0, 1]),
    ],
    training=dict(bfloat16=train(True), float32=train(False)),
)
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), 'amp.json'), 'w') as file:
    json.dump(result, file, indent=1)
    file.write('\n')
