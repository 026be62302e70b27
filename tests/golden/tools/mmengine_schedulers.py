"""Writes mmengine/schedulers.json: what MMEngine's own schedulers do with settings drawn at random.

    python3 tests/golden/tools/mmengine_schedulers.py FOLDER_OF_THE_MMENGINE_REPOSITORY

Runs the files of mmengine/optim of that repository (0.10) unchanged with PyTorch 1.13; the registry and the logger, which
need packages that change nothing here, are replaced by the few lines below. Recorded is what is in force at the begin of
every iteration: the rate of each group (`group.lr`, the synthetic base group last) and momentum.
"""
import importlib
import json
import os
import random
import sys
import types
import warnings

import torch

SOURCE = os.path.join(sys.argv[1], 'mmengine')
TARGET = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'mmengine', 'schedulers.json')
warnings.simplefilter('ignore')


class Parts(dict):
    def register_module(self):
        return lambda part: self.setdefault(part.__name__, part)


def module(name, folder=None, **content):
    made = types.ModuleType(name)
    made.__dict__.update(content)
    if folder is not None:
        made.__path__ = [os.path.join(SOURCE, folder)]
    sys.modules[name] = made
    return made


SCHEDULERS = Parts()
module('mmengine', '')
module('mmengine.logging', print_log=lambda *args, **options: None,
       MessageHub=types.SimpleNamespace(get_current_instance=lambda: None))
module('mmengine.registry', PARAM_SCHEDULERS=SCHEDULERS, OPTIM_WRAPPERS=Parts())
module('mmengine.utils', 'utils')
module('mmengine.utils.dl_utils', has_batch_norm=lambda model: False)
optim = module('mmengine.optim', 'optim')
module('mmengine.optim.optimizer', 'optim/optimizer')
optim.BaseOptimWrapper = importlib.import_module('mmengine.optim.optimizer.base').BaseOptimWrapper
OptimWrapper = importlib.import_module('mmengine.optim.optimizer.optimizer_wrapper').OptimWrapper
importlib.import_module('mmengine.optim.scheduler')

draw = random.Random(11)


def uniform(low, high):
    return round(draw.uniform(low, high), 3)


def flag():
    return draw.random() < 0.5


def low():
    """A lowest value, absolute or relative."""
    return dict(eta_min_ratio=uniform(0, 0.6)) if flag() else dict(eta_min=uniform(0, 0.02))


def cosine(n):
    return dict(draw.choice([{}, low()]), **draw.choice([{}, dict(T_max=draw.randint(1, n))]))


def restart(n):
    count = draw.randint(1, 3)
    return dict(low(), periods=[draw.randint(1, max(1, n // 2)) for _ in range(count)],
                restart_weights=[uniform(0.2, 1.5) for _ in range(count)])


def one_cycle(n):
    return dict(eta_max=[uniform(0.01, 1), uniform(0.01, 1), uniform(0.01, 1)] if flag() else uniform(0.01, 1),
                pct_start=uniform(0.05, 0.95), anneal_strategy=draw.choice(['cos', 'linear']),
                div_factor=uniform(1, 40), final_div_factor=uniform(1, 1000), three_phase=flag())


RULES = {
    'Constant': lambda n: draw.choice([{}, dict(factor=uniform(0.05, 1))]),
    'Linear': lambda n: draw.choice([{}, dict(start_factor=uniform(0.01, 1), end_factor=uniform(0, 1))]),
    'Step': lambda n: dict(step_size=draw.randint(1, n), **draw.choice([{}, dict(gamma=uniform(0.2, 1.2))])),
    'MultiStep': lambda n: dict(milestones=sorted(draw.choices(range(n + 2), k=draw.randint(0, 4))),
                                **draw.choice([{}, dict(gamma=uniform(0.2, 1.2))])),
    'Exponential': lambda n: dict(gamma=uniform(0.7, 1.05)),
    'CosineAnnealing': cosine,
    'CosineRestart': restart,
    'Poly': lambda n: dict(eta_min=uniform(0, 0.02), power=uniform(0.3, 3)),
    'OneCycle': one_cycle,
}


def scheduler(kind, epochs, per_epoch, what):
    """`what` is LR or Momentum; one in four is written with the name of the setting."""
    by_epoch = flag()
    total = epochs if by_epoch else epochs * per_epoch
    config = {}
    if flag():
        config['begin'] = draw.randint(0, total // 2)
    if flag():
        config['end'] = draw.randint(config.get('begin', 0) + 1, total + 3)
    length = config.get('end', total) - config.get('begin', 0)
    config.update(RULES[kind](length), by_epoch=by_epoch)
    if draw.random() < 0.25:
        config.update(type=kind + 'ParamScheduler', param_name=what.lower())
    else:
        config['type'] = kind + what
    if by_epoch and flag():
        config['convert_to_iter_based'] = True
        if flag() and 'begin' in config:
            config['begin'] += 0.5
            if 'end' in config:
                config['end'] += 0.5
    return config


def plateau():
    less = flag()
    return dict(type='ReduceOnPlateauLR', rule='less' if less else 'greater', factor=uniform(0.1, 0.9),
                patience=draw.randint(0, 2), cooldown=draw.randint(0, 2), threshold=uniform(0, 0.3),
                threshold_rule=draw.choice(['rel', 'abs']), begin=draw.randint(0, 3),
                min_value=draw.choice([0, 0.08, 'list']), eps=draw.choice([1e-8, 0.01]))


def build(config, target, epochs, per_epoch):
    config = dict(config)
    config.setdefault('end', epochs if config.get('by_epoch', True) else epochs * per_epoch)
    part = SCHEDULERS[config.pop('type')]
    if config.pop('convert_to_iter_based', False):
        return part.build_iter_from_epoch(optimizer=target, epoch_length=per_epoch, **config)
    return part(optimizer=target, **config)


def run(case):
    params = [torch.nn.Parameter(torch.zeros(1)) for _ in case['lr']]
    groups = [dict(params=[param], lr=lr) for param, lr in zip(params, case['lr'])]
    if case['momentum'] is None:
        optimizer = torch.optim.Adam(groups, lr=case['base_lr'], betas=(case['beta'], 0.99))
    else:
        optimizer = torch.optim.SGD(groups, lr=case['base_lr'], momentum=case['momentum'])
    target = OptimWrapper(optimizer)
    schedulers = [build(config, target, case['epochs'], case['per_epoch']) for config in case['schedulers']]
    found = dict(lr=[], momentum=[])
    for epoch in range(case['epochs']):
        for _ in range(case['per_epoch']):
            found['lr'].append([group['lr'] for group in target.param_groups])
            group = optimizer.param_groups[0]
            found['momentum'].append(group['betas'][0] if case['momentum'] is None else group['momentum'])
            optimizer.step()
            for each in schedulers:
                if not each.by_epoch:
                    each.step()
        for each in schedulers:
            if each.by_epoch:
                each.step()
        for each in schedulers:
            if getattr(each, 'need_val_args', False):
                each.step(dict(loss=case['metric'][epoch]))
    return found


def setting(groups, momentum=True):
    adam = flag()
    return dict(epochs=draw.randint(2, 7), per_epoch=draw.randint(1, 5), base_lr=uniform(0.01, 0.3),
                lr=[value / 1000 for value in draw.sample(range(10, 300), groups)],
                momentum=None if adam else uniform(0.3, 0.95), beta=uniform(0.5, 0.95) if adam else None)


cases, refused = [], 0


def add(name, case):
    """Leaves out what MMEngine cannot do: divisions by zero, named settings that the optimizer lacks."""
    global refused
    try:
        found = run(case)
    except (ZeroDivisionError, ValueError, KeyError, AssertionError, OverflowError):
        refused += 1
        return False
    numbers = [value for step in found['lr'] for value in step] + found['momentum']
    if not all(isinstance(value, (int, float)) and abs(value) < 1e6 for value in numbers):
        return False
    cases.append(dict(case, name=name, expected_lr=found['lr'], expected_momentum=found['momentum']))
    return True


def fill(count, name, make):
    made = 0
    while made < count:
        made += add(f'{name} {made}', make())


def fitted(case, configs):
    """Lists of one number per group, cut to the groups that there are."""
    groups = len(case['lr']) + (len(case['lr']) > 1)
    for config in configs:
        if isinstance(config.get('eta_max'), list):
            config['eta_max'] = config['eta_max'][:groups]
        if config.get('min_value') == 'list':
            config['min_value'] = [uniform(0, 0.1) for _ in case['lr']]
    return dict(case, schedulers=configs)


def single(kind, what):
    case = setting(draw.randint(1, 2))
    return fitted(case, [scheduler(kind, case['epochs'], case['per_epoch'], what)])


def chain():
    case = setting(draw.randint(1, 2))
    configs = []
    for _ in range(draw.randint(2, 3)):
        what = draw.choice(['LR', 'LR', 'Momentum'])
        kinds = [kind for kind in RULES if kind != 'OneCycle' or
                 (what == 'LR' and not any('OneCycle' in each['type'] for each in configs))]
        configs.append(scheduler(draw.choice(kinds), case['epochs'], case['per_epoch'], what))
    return fitted(case, configs)


def on_plateau():
    case = setting(draw.randint(1, 2))
    case.update(epochs=14, per_epoch=1, metric=[uniform(-1, 1) if flag() else 0.5 for _ in range(14)])
    extra = [] if flag() else [dict(type='LinearLR', start_factor=uniform(0.1, 0.9), end=5)]
    return fitted(case, [plateau()] + extra)


for kind in RULES:
    fill(6, kind + 'LR', lambda: single(kind, 'LR'))
    if kind != 'OneCycle':
        fill(3, kind + 'Momentum', lambda: single(kind, 'Momentum'))
fill(14, 'ReduceOnPlateauLR', on_plateau)
fill(20, 'chain', chain)


def rounded(value):
    if isinstance(value, float):
        return float('%.7g' % value)
    if isinstance(value, list):
        return [rounded(each) for each in value]
    return value


with open(TARGET, 'w') as file:
    lines = []
    for case in cases:
        expected = {key: rounded(case.pop(key)) for key in ('expected_lr', 'expected_momentum')}
        lines.append(json.dumps(dict(case, **expected), separators=(',', ':')))
    file.write('{"cases": [\n' + ',\n'.join(lines) + '\n]}\n')
print(len(cases), 'cases,', refused, 'refused,', os.path.getsize(TARGET), 'bytes')
