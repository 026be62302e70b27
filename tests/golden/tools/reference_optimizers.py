"""Writes reference/optimizers.json and reference/optimizers-8bit.json: trajectories of the reference packages with
settings drawn at random.

    python3 tests/golden/tools/reference_optimizers.py DADAPTATION LION SOPHIA SCHEDULE_FREE TIMM BITSANDBYTES

The arguments are folders of the repositories facebookresearch/dadaptation, lucidrains/lion-pytorch, Liuhong99/Sophia,
facebookresearch/schedule_free, huggingface/pytorch-image-models and bitsandbytes-foundation/bitsandbytes (0.50, without
its compiled library). Made with PyTorch 2.14 in float32 on a CPU. torch.optim.Muon computes in bfloat16, which is
replaced by float32 here. All cases of a file share their gradients; in some steps a parameter has none.
"""
import contextlib
import importlib.util
import inspect
import io
import json
import os
import random
import sys
import types
import warnings

import torch

warnings.simplefilter('ignore')
DADAPTATION, LION, SOPHIA, SCHEDULE_FREE, TIMM, BITSANDBYTES = sys.argv[1:7]
sys.path[:0] = [DADAPTATION, LION, SOPHIA, SCHEDULE_FREE, BITSANDBYTES]
FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'reference')

import dadaptation  # noqa: E402
import schedulefree  # noqa: E402
import torch.optim._muon as muon  # noqa: E402
from lion_pytorch import Lion  # noqa: E402
from sophia import SophiaG  # noqa: E402

exec(inspect.getsource(muon._zeropower_via_newtonschulz).replace('.bfloat16()', '.clone()'), muon.__dict__)

# timm's optimizers without timm's __init__, which imports all models.
package = types.ModuleType('timm_optim')
package.__path__ = [os.path.join(TIMM, 'timm', 'optim')]
sys.modules['timm_optim'] = package
timm = {name: importlib.import_module(f'timm_optim.{name}') for name in ('lamb', 'lars', 'adabelief')}

torch.set_num_threads(1)
torch.manual_seed(21)
draw = random.Random(8)


def log_uniform(low, high):
    return float('%.3g' % (low * (high / low) ** draw.random()))


def uniform(low, high):
    return round(draw.uniform(low, high), 3)


def flag():
    return draw.random() < 0.5


def some(**options):
    """Each option or its default, as a coin decides."""
    return {name: value() for name, value in options.items() if flag()}


def betas():
    return [uniform(0.5, 0.95), uniform(0.8, 0.999)]


def decay():
    return log_uniform(1e-3, 0.3)


def rate():
    return log_uniform(1e-3, 0.1)


def epsilon():
    return log_uniform(1e-8, 1e-2)


adam = dict(lr=rate, betas=betas, eps=epsilon, weight_decay=decay)
dadapt = dict(lr=lambda: uniform(0.5, 1.5), weight_decay=decay, d0=lambda: log_uniform(1e-6, 1e-2))
growing = dict(dadapt, growth_rate=lambda: uniform(1.02, 2))

RULES = {
    'Adam': dict(adam, amsgrad=flag, maximize=flag, decoupled_weight_decay=flag),
    'NAdam': dict(adam, momentum_decay=lambda: log_uniform(1e-3, 0.1), decoupled_weight_decay=flag, maximize=flag),
    'RAdam': dict(adam, decoupled_weight_decay=flag, maximize=flag),
    'Adafactor': dict(lr=rate, beta2_decay=lambda: uniform(-0.95, -0.5), d=lambda: uniform(1, 2), weight_decay=decay,
                      eps=lambda: [draw.choice([None, log_uniform(1e-10, 1e-3)]), log_uniform(1e-4, 1e-2)],
                      maximize=flag),
    'Muon': dict(lr=rate, weight_decay=decay, momentum=lambda: uniform(0.5, 0.95), nesterov=flag,
                 adjust_lr_fn=lambda: draw.choice(['original', 'match_rms_adamw']),
                 ns_steps=lambda: draw.choice([3, 5, 6]), eps=lambda: log_uniform(1e-8, 1e-6)),
    'Lion': dict(lr=rate, betas=betas, weight_decay=decay, decoupled_weight_decay=flag),
    'SophiaG': dict(lr=rate, betas=betas, rho=lambda: log_uniform(1e-3, 0.1), weight_decay=decay, maximize=flag),
    'DAdaptAdaGrad': dict(growing, momentum=lambda: uniform(0.3, 0.95), eps=epsilon),
    'DAdaptAdam': dict(growing, betas=betas, eps=epsilon, decouple=flag, use_bias_correction=flag),
    'DAdaptSGD': dict(growing, momentum=lambda: uniform(0.3, 0.95)),
    'DAdaptLion': dict(dadapt, betas=betas),
    'DAdaptAdan': dict(growing, betas=lambda: [uniform(0.9, 0.99), uniform(0.8, 0.95), uniform(0.9, 0.995)],
                       eps=epsilon, no_prox=flag),
    'ScheduleFreeAdamW': dict(adam, warmup_steps=lambda: draw.choice([3, 8]), r=lambda: uniform(0, 2),
                              weight_lr_power=lambda: uniform(0, 3)),
    'LAMB': dict(adam, bias_correction=flag),
    'LARS': dict(lr=rate, momentum=lambda: uniform(0.3, 0.95), weight_decay=decay,
                 trust_coefficient=lambda: log_uniform(1e-3, 1e-1), nesterov=flag),
    'AdaBelief': dict(adam, decoupled_weight_decay=flag),
}


def lamb(params, **options):
    own = dict(weight_decay=0, max_grad_norm=None, always_adapt=True)
    return timm['lamb'].Lamb(params, **{**own, **options})


def lars(params, trust_coefficient=1e-3, **options):
    own = dict(lr=0.1, momentum=0.9, always_adapt=True, trust_coeff=trust_coefficient)
    return timm['lars'].Lars(params, **{**own, **options})


def adabelief(params, decoupled_weight_decay=True, **options):
    own = dict(weight_decay=0, rectify=False, decoupled_decay=decoupled_weight_decay)
    return timm['adabelief'].AdaBelief(params, **{**own, **options})


def schedule_free(params, **options):
    optimizer = schedulefree.AdamWScheduleFree(params, **options)
    optimizer.train()
    return optimizer


BUILD = {'Lion': Lion, 'SophiaG': SophiaG, 'LAMB': lamb, 'LARS': lars, 'AdaBelief': adabelief,
         'ScheduleFreeAdamW': schedule_free}

SHAPES, STEPS, RECORDED, HESSIAN_INTERVAL = [[3, 4], [4, 2], [5, 5], [5], [2, 3, 2]], 12, [0, 1, 5, 11], 5
MATRICES = 3


def some_values(*shape):
    """Numbers of few digits, so that the file is short."""
    return (torch.randn(*shape) * 1000).round() / 1000


INIT = [some_values(shape) for shape in SHAPES]
GRADS = [[some_values(shape) * (3 if step == 4 else 1) for shape in SHAPES] for step in range(STEPS)]
GRADS[3][1] = GRADS[9][3] = None


def options_of(options):
    return {key: tuple(value) if isinstance(value, list) else value for key, value in options.items()}


def flat(tensors):
    return [tensor.detach().flatten().tolist() for tensor in tensors]


def trajectory(name, options):
    count = MATRICES if name == 'Muon' else len(SHAPES)
    params = [value.clone().requires_grad_() for value in INIT[:count]]
    build = BUILD.get(name) or getattr(dadaptation, name, None) or getattr(torch.optim, name)
    with contextlib.redirect_stdout(io.StringIO()):
        optimizer = build(params, **options_of(options))
    found = []
    for step in range(STEPS):
        for param, grad in zip(params, GRADS[step]):
            param.grad = None if grad is None else grad.clone()
        if name == 'SophiaG' and step % HESSIAN_INTERVAL == 0:
            optimizer.update_hessian()
        optimizer.step()
        if step in RECORDED:
            found.append(flat(params))
    return found


def rounded(value):
    if isinstance(value, float):
        return float('%.9g' % value)
    if isinstance(value, list):
        return [rounded(each) for each in value]
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    return value


def write(name, content):
    with open(os.path.join(FOLDER, name), 'w') as file:
        head = {key: value for key, value in content.items() if key != 'cases'}
        text = json.dumps(rounded(head))[:-1] + ', "cases": [\n'
        file.write(text + ',\n'.join(json.dumps(rounded(case)) for case in content['cases']) + '\n]}\n')


def cases(rules, count, run):
    return [dict(name=f'{name} {number}', type=name, options=options, **run(name, options))
            for name, rule in rules.items() for number in range(count)
            for options in [rule() if callable(rule) else some(**rule)]]


write('optimizers.json', dict(
    shapes=SHAPES, steps=STEPS, recorded=RECORDED, init=flat(INIT),
    grads=[[None if grad is None else grad.flatten().tolist() for grad in step] for step in GRADS],
    cases=cases(RULES, 4, lambda name, options: dict(expected=trajectory(name, options)))))

import bitsandbytes  # noqa: E402

# One parameter of whole blocks, one with a shorter last block, and one too small for 8 bits.
SHAPES_8, STEPS_8, SMALLEST = [[2, 256], [300], [40]], 4, 256
INIT_8 = [some_values(shape) for shape in SHAPES_8]
GRADS_8 = [[some_values(shape) * (5 if step == 2 else 1) for shape in SHAPES_8] for step in range(STEPS_8)]
for step in GRADS_8:
    step[0][1] = 0


def large(low=0.5):
    return lambda: uniform(low, 0.95)


adam_8 = lambda: some(lr=rate, betas=betas, eps=epsilon, weight_decay=decay)  # noqa: E731
sgd_8 = lambda: dict(some(weight_decay=decay), lr=rate(), momentum=uniform(0.3, 0.95))  # noqa: E731
RULES_8 = {
    'Adam8bit': adam_8, 'PagedAdam8bit': adam_8, 'AdamW8bit': adam_8, 'PagedAdamW8bit': adam_8, 'LAMB8bit': adam_8,
    'bnb_Adam': adam_8, 'LAMB32bit': lambda: dict(adam_8(), max_unorm=uniform(0.01, 1)),
    'SGD8bit': sgd_8, 'LARS8bit': lambda: dict(sgd_8(), max_unorm=uniform(0.005, 0.1)),
    'Lion8bit': lambda: some(lr=rate, betas=betas, weight_decay=decay),
    'PagedLion8bit': lambda: some(lr=rate, betas=betas, weight_decay=decay),
    'RMSprop8bit': lambda: some(lr=rate, alpha=large(), eps=epsilon, weight_decay=decay),
    'Adagrad8bit': lambda: some(lr=rate, eps=epsilon, weight_decay=decay),
}
for kind in ('AdEMAMix', 'AdEMAMix8bit', 'PagedAdEMAMix8bit'):
    RULES_8[kind] = lambda: some(lr=rate, betas=lambda: [uniform(0.5, 0.95), uniform(0.8, 0.999), uniform(0.9, 0.9999)],
                                 alpha=lambda: uniform(1, 8), t_alpha=lambda: 3, t_beta3=lambda: draw.choice([3, 20]),
                                 eps=epsilon, weight_decay=decay)


def states_of(state):
    """Codes and scales by this engine's names: the slow average, the second half of the first state, is state3."""
    found = {}
    for kind in ('state', 'absmax'):
        for number in (1, 2):
            value = state.get(f'{kind}{number}')
            if value is None:
                continue
            halves = state['state1'].ndim == state['state2'].ndim + 1 if 'state2' in state else False
            if number == 1 and halves:
                found[f'{kind}1'], found[f'{kind}3'] = (half.flatten().tolist() for half in value)
            else:
                found[f'{kind}{number}'] = value.flatten().tolist()
    return found


def quantised(name, options):
    params = [value.clone().requires_grad_() for value in INIT_8]
    build = getattr(bitsandbytes.optim, name.replace('bnb_', ''))
    optimizer = build(params, min_8bit_size=SMALLEST, **options_of(options))
    for grads in GRADS_8:
        for param, grad in zip(params, grads):
            param.grad = grad.clone()
        optimizer.step()
    return dict(expected=flat(params), states=[states_of(optimizer.state[param]) for param in params])


write('optimizers-8bit.json', dict(shapes=SHAPES_8, min8bitSize=SMALLEST, init=flat(INIT_8),
                                   grads=[flat(step) for step in GRADS_8], cases=cases(RULES_8, 1, quantised)))
