"""The same measurement with MMEngine: what its Runner adds per iteration over a bare PyTorch loop on the same loader."""
import json
import logging
import statistics
import sys
import tempfile
import time

import torch
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.runner import Runner
from torch import nn
from torch.utils.data import DataLoader, Dataset

iters, batch_size = int(sys.argv[1]), int(sys.argv[2])
torch.set_num_threads(1)


class Toy(BaseModel):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(1, 1)

    def forward(self, inputs, data_samples=None, mode='tensor'):
        out = self.linear(inputs)
        return dict(loss=out.mean()) if mode == 'loss' else out


class Numbers(Dataset):
    METAINFO = dict()

    def __len__(self):
        return iters * batch_size

    def __getitem__(self, index):
        return dict(inputs=torch.tensor([float(index % 7)]))


class Watch(Hook):
    priority = 'LOWEST'

    def before_train(self, runner):
        self.start = time.perf_counter()

    def after_train_iter(self, runner, batch_idx, data_batch=None, outputs=None):
        if runner.iter + 1 == iters:
            self.seconds = time.perf_counter() - self.start


def bare():
    model = Toy()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    loader = DataLoader(Numbers(), batch_size=batch_size, shuffle=True)
    start = time.perf_counter()
    for batch in loader:
        loss = model(**batch, mode='loss')['loss']
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return time.perf_counter() - start


def under_runner(round_):
    watch = Watch()
    with tempfile.TemporaryDirectory() as work_dir:
        runner = Runner(
            model=Toy(), work_dir=work_dir, experiment_name=f'loop{round_}',
            train_dataloader=dict(dataset=Numbers(), sampler=dict(type='DefaultSampler', shuffle=True),
                                  batch_size=batch_size, collate_fn=dict(type='default_collate')),
            train_cfg=dict(by_epoch=True, max_epochs=1),
            optim_wrapper=dict(optimizer=dict(type='SGD', lr=0.01)),
            custom_hooks=[watch])
        runner.train()
    return watch.seconds


logging.disable(logging.NOTSET)
bare()
pairs = [(bare(), under_runner(i)) for i in range(3)]
overhead = statistics.median((run - base) / iters * 1e6 for base, run in pairs)
print(json.dumps(dict(peer=round(overhead, 2), peerName='mmengine', peerBare=round(min(b for b, _ in pairs) / iters * 1e6, 2))))
