"""Writes mmengine/paramwise.json: what MMEngine's own optimizer constructor gives every parameter of a model, with
settings drawn at random.

    python3 tests/golden/tools/mmengine_paramwise.py FOLDER_OF_THE_MMENGINE_REPOSITORY

Runs mmengine/optim/optimizer/default_constructor.py of that repository unchanged with PyTorch 2.14; registries and logger
are replaced by the few lines below, and so is mmcv's deformable convolution, of which only the class counts.
"""
import json
import os
import random
import sys
import types

import torch
from torch import nn

SOURCE = os.path.join(sys.argv[1], 'mmengine')
TARGET = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'mmengine', 'paramwise.json')


class DeformConv2d(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(3, 4, 3, 3))
        self.bias = nn.Parameter(torch.zeros(3))
        self.conv_offset = nn.Conv2d(4, 18, 3)
        self.norm = nn.BatchNorm2d(4)


class ModulatedDeformConv2d(DeformConv2d):
    pass


def module(name, folder=None, **content):
    made = types.ModuleType(name)
    made.__dict__.update(content)
    if folder is not None:
        made.__path__ = [os.path.join(SOURCE, folder)]
    sys.modules[name] = made
    return made


class Registered:
    def register_module(self, *args, **options):
        return lambda part: part

    @staticmethod
    def build(config, **options):
        return config


module('mmengine', '')
module('mmengine.logging', print_log=lambda *args, **options: None)
module('mmengine.registry', OPTIM_WRAPPER_CONSTRUCTORS=Registered(), OPTIM_WRAPPERS=Registered(), OPTIMIZERS=Registered())
module('mmengine.utils', is_list_of=lambda items, kind: isinstance(items, list) and all(isinstance(i, kind) for i in items))
module('mmengine.utils.dl_utils', mmcv_full_available=lambda: True)
module('mmengine.utils.dl_utils.parrots_wrapper', _BatchNorm=nn.modules.batchnorm._BatchNorm,
       _InstanceNorm=nn.modules.instancenorm._InstanceNorm)
module('mmengine.optim', 'optim')
module('mmengine.optim.optimizer', 'optim/optimizer')
module('mmengine.optim.optimizer.optimizer_wrapper', OptimWrapper=object)
module('mmcv')
module('mmcv.ops', DeformConv2d=DeformConv2d, ModulatedDeformConv2d=ModulatedDeformConv2d)
from mmengine.optim.optimizer.default_constructor import DefaultOptimWrapperConstructor  # noqa: E402


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 4, 1)
        self.dw = nn.Conv2d(4, 4, 3, groups=4)
        self.gn = nn.GroupNorm(2, 4)
        self.scale = nn.Parameter(torch.zeros(4))
        self.table = nn.Parameter(torch.zeros(2, 4))


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.param1 = nn.Parameter(torch.zeros(5))
        self.bias = nn.Parameter(torch.zeros(1, 5))
        self.stem = nn.Conv2d(1, 3, 3)
        self.bn = nn.BatchNorm2d(3)
        self.sub = Block()
        self.sub_two = nn.Sequential(Block(), nn.InstanceNorm2d(4, affine=True), nn.LayerNorm(4))
        self.dcn = DeformConv2d()
        self.neck = nn.ModuleDict(dict(dcn_v2=ModulatedDeformConv2d(), conv_offset=nn.Conv2d(2, 2, 1)))
        self.emb = nn.Embedding(3, 4)
        self.fc = nn.Linear(4, 2)
        self.frozen = nn.Linear(2, 2)
        self.frozen.requires_grad_(False)


KINDS = [((nn.modules.batchnorm._BatchNorm, nn.modules.instancenorm._InstanceNorm, nn.GroupNorm, nn.LayerNorm), 'norm'),
         (nn.Conv2d, 'conv'), (DeformConv2d, 'deformConv'), (nn.Linear, 'linear'), (nn.Embedding, 'embedding')]


def kind_of(part):
    if isinstance(part, nn.Conv2d) and part.in_channels == part.groups:
        return 'depthwiseConv'
    return next((kind for classes, kind in KINDS if isinstance(part, classes)), 'other')


draw = random.Random(5)
PARTS = ['sub', 'sub.gn', 'sub_two', 'sub_two.0', 'conv1', 'dcn', 'conv_offset', 'bias', 'weight', 'norm', 'param1', '.param1',
         '.bias', 'fc', 'emb.weight', 'gn.weight', 'scale', 'nothing', 'bn', 'dw', 'o.0.d', '.', 'stem.b']


def factor():
    return draw.choice([0, 0.1, 0.5, 2, round(draw.uniform(0, 3), 2)])


def custom():
    found = {}
    if draw.random() < 0.7:
        found['lr_mult'] = factor()
    if draw.random() < 0.6:
        found['decay_mult'] = factor()
    if draw.random() < 0.3:
        found['momentum'] = round(draw.uniform(0.1, 0.9), 2)
    if draw.random() < 0.2:
        found['lr'] = round(draw.uniform(0.01, 1), 2)
    if draw.random() < 0.2:
        found['weight_decay'] = round(draw.uniform(0.01, 1), 2)
    return found


def settings():
    names = ['bias_lr_mult', 'bias_decay_mult', 'norm_decay_mult', 'dwconv_decay_mult', 'flat_decay_mult',
             'dcn_offset_lr_mult']
    found = {name: factor() for name in names if draw.random() < 0.5}
    if draw.random() < 0.7:
        found['custom_keys'] = {part: custom() for part in draw.sample(PARTS, draw.randint(1, 5))}
    return found or settings()


model = Model()
modules = dict(model.named_modules())
parameters = []
for name, param in model.named_parameters():
    path, leaf = name.rpartition('.')[::2]
    holder = None if path == '' else kind_of(modules[path.rpartition('.')[0]])
    parameters.append(dict(name=name, leaf=leaf, shape=list(param.shape), kind=kind_of(modules[path]), holder=holder,
                           trains=param.requires_grad))
names = {id(param): name for name, param in model.named_parameters()}
optimizer = dict(type='SGD', lr=0.1, momentum=0.9, weight_decay=0.05)
cases = []
for number in range(60):
    paramwise = settings()
    constructor = DefaultOptimWrapperConstructor(dict(optimizer=dict(optimizer)), paramwise)
    groups = []
    constructor.add_params(groups, model)
    expected = {names[id(group['params'][0])]: [group.get(key, optimizer[key]) for key in ('lr', 'weight_decay', 'momentum')]
                for group in groups}
    cases.append(dict(name=str(number), paramwise=paramwise, expected=expected))

with open(TARGET, 'w') as file:
    rows = ',\n'.join(json.dumps(case) for case in cases)
    head = json.dumps(dict(parameters=parameters, optimizer=optimizer))[:-1]
    file.write(f'{head}, "cases": [\n{rows}\n]}}\n')
