"""Writes torch/optimizers.json and torch/lbfgs.json: trajectories of torch.optim with settings drawn at random.

    python3 tests/golden/tools/torch_optimizers.py

Made with PyTorch 1.13 in float32 on a CPU; NAdam, which that version computes otherwise than its paper and later versions
do, is written out here in float64. LBFGS cases are those in which float64 gives the same. The gradients are the same in all cases of optimizers.json; in some steps a
parameter has none, and halfway the learning rate falls to a third.
"""
import json
import os
import random

import torch

torch.set_num_threads(1)
torch.manual_seed(20)
draw = random.Random(7)
FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'torch')
SHAPES = [[3, 2], [4], [2, 1, 2]]
STEPS, DROP, RECORDED = 14, 7, [0, 1, 6, 7, 13]
INIT = [torch.randn(shape) for shape in SHAPES]
GRADS = [[torch.randn(shape) * (3.0 if step == 4 else 1.0) for shape in SHAPES] for step in range(STEPS)]
GRADS[3][1] = GRADS[9][0] = None
GRADS[5][2] = torch.zeros(SHAPES[2])


def log_uniform(low, high):
    return float('%.3g' % (low * (high / low) ** draw.random()))


def uniform(low, high):
    return round(draw.uniform(low, high), 3)


def flag():
    return draw.random() < 0.5


def betas():
    return [uniform(0.5, 0.95), uniform(0.8, 0.999)]


def decay():
    return draw.choice([0, log_uniform(1e-3, 0.3)])


def sgd():
    momentum = draw.choice([0, uniform(0.3, 0.95)])
    nesterov = momentum > 0 and flag()
    dampening = 0 if nesterov or not momentum else draw.choice([0, uniform(0.1, 0.8)])
    return dict(lr=log_uniform(1e-3, 0.3), momentum=momentum, dampening=dampening, nesterov=nesterov,
                weight_decay=decay(), maximize=flag())


def adam():
    return dict(lr=log_uniform(1e-3, 0.1), betas=betas(), eps=log_uniform(1e-8, 1e-2), weight_decay=decay(),
                amsgrad=flag(), maximize=flag())


RULES = {
    'SGD': sgd,
    'Adam': adam,
    'AdamW': adam,
    'Adamax': lambda: dict(lr=log_uniform(1e-3, 0.1), betas=betas(), eps=log_uniform(1e-8, 1e-2), weight_decay=decay(),
                           maximize=flag()),
    'NAdam': lambda: dict(lr=log_uniform(1e-3, 0.1), betas=betas(), eps=log_uniform(1e-8, 1e-2), weight_decay=decay(),
                          momentum_decay=log_uniform(1e-3, 0.1)),
    'RAdam': lambda: dict(lr=log_uniform(1e-3, 0.1), betas=betas(), eps=1e-8, weight_decay=decay()),
    'Adagrad': lambda: dict(lr=log_uniform(1e-2, 0.5), lr_decay=draw.choice([0, uniform(0.01, 0.5)]),
                            weight_decay=decay(), initial_accumulator_value=draw.choice([0, uniform(0.01, 1)]),
                            eps=log_uniform(1e-10, 1e-2), maximize=flag()),
    'Adadelta': lambda: dict(lr=uniform(0.2, 2), rho=uniform(0.5, 0.98), eps=log_uniform(1e-7, 1e-3),
                             weight_decay=decay(), maximize=flag()),
    'RMSprop': lambda: dict(lr=log_uniform(1e-3, 0.1), alpha=uniform(0.5, 0.99), eps=log_uniform(1e-6, 1e-2),
                            momentum=draw.choice([0, uniform(0.3, 0.9)]), weight_decay=decay(), centered=flag(),
                            maximize=flag()),
    'Rprop': lambda: dict(lr=log_uniform(1e-3, 0.1), etas=[uniform(0.3, 0.9), uniform(1.05, 2)],
                          step_sizes=[1e-4, uniform(0.05, 2)], maximize=flag()),
    'ASGD': lambda: dict(lr=log_uniform(1e-2, 0.3), lambd=log_uniform(1e-4, 1e-1), alpha=uniform(0.3, 1),
                         t0=draw.choice([1e6, 3, 8]), weight_decay=decay(), maximize=flag()),
    'SparseAdam': lambda: dict(lr=log_uniform(1e-3, 0.1), betas=betas(), eps=log_uniform(1e-8, 1e-2),
                               maximize=flag()),
}


class NAdam:
    """Dozat 2016 with the momentum schedule of PyTorch's documentation, in float64."""

    def __init__(self, params, lr, betas, eps, weight_decay, momentum_decay):
        self.params, self.betas, self.eps = params, betas, eps
        self.weight_decay, self.momentum_decay = weight_decay, momentum_decay
        self.param_groups = [dict(lr=lr)]
        self.state = [dict(t=0, product=1.0, m=0.0, v=0.0, x=p.detach().double()) for p in params]

    def step(self):
        lr, (b1, b2) = self.param_groups[0]['lr'], self.betas
        for param, s in zip(self.params, self.state):
            if param.grad is None:
                continue
            s['t'] += 1
            g = param.grad.double() + self.weight_decay * s['x']
            mu, following = (b1 * (1 - 0.5 * 0.96 ** (k * self.momentum_decay)) for k in (s['t'], s['t'] + 1))
            s['product'] *= mu
            s['m'] = b1 * s['m'] + (1 - b1) * g
            s['v'] = b2 * s['v'] + (1 - b2) * g * g
            mean = following * s['m'] / (1 - s['product'] * following) + (1 - mu) * g / (1 - s['product'])
            s['x'] = s['x'] - lr * mean / ((s['v'] / (1 - b2 ** s['t'])).sqrt() + self.eps)
            param.data.copy_(s['x'])


def flat(tensors):
    return [tensor.detach().flatten().tolist() for tensor in tensors]


def sparse(grad):
    """The rows that have a gradient."""
    return None if grad is None else grad.to_sparse(1)


def trajectory(name, options):
    params = [value.clone().requires_grad_() for value in INIT]
    optimizer = (NAdam if name == 'NAdam' else getattr(torch.optim, name))(params, **options)
    found = []
    for step in range(STEPS):
        if step == DROP:
            for group in optimizer.param_groups:
                group['lr'] /= 3
        for param, grad in zip(params, GRADS[step]):
            if name == 'SparseAdam':
                grad = sparse(mask_row(grad, step))
            param.grad = grad
        optimizer.step()
        if step in RECORDED:
            found.append(flat(params))
    return found


def mask_row(grad, step):
    if grad is None:
        return None
    grad = grad.clone()
    grad[step % grad.shape[0]] = 0
    # PyTorch 1.13 does not take a gradient without any row.
    return grad if grad.any() else torch.full_like(grad, 0.5)


cases = []
for name, rule in RULES.items():
    for number in range(8):
        options = rule()
        cases.append(dict(name=f'{name} {number}', type=name, options=options, expected=trajectory(name, options)))


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


write('optimizers.json', dict(shapes=SHAPES, steps=STEPS, drop=DROP, recorded=RECORDED, init=flat(INIT), cases=cases,
                              grads=[[None if g is None else g.flatten().tolist() for g in step] for step in GRADS]))

# LBFGS: a regression whose loss is not quadratic, and Rosenbrock's valley.
FEATURES = torch.randn(24, 5) * torch.tensor([1.0, 2.0, 0.5, 1.0, 3.0])
LABELS = torch.sign(FEATURES @ torch.tensor([1.0, -1.0, 0.5, 0.0, 0.3]) + 0.5 * torch.randn(24))


def logistic(params):
    weight, bias = params
    margin = LABELS.to(weight) * (FEATURES.to(weight) @ weight + bias)
    return torch.nn.functional.softplus(-margin).mean() + 0.02 * (weight ** 2).sum()


def rosenbrock(params):
    x, y = params[0][0], params[0][1]
    return 10 * (y - x * x) ** 2 + (1 - x) ** 2


def minimise(problem, options, dtype):
    if problem == 'logistic':
        params, loss = [torch.zeros(5), torch.full((1,), 0.5)], logistic
    else:
        params, loss = [torch.tensor([-1.2, 1.0])], rosenbrock
    params = [param.to(dtype).requires_grad_() for param in params]
    optimizer = torch.optim.LBFGS(params, **options)
    calls = 0

    def closure():
        nonlocal calls
        calls += 1
        optimizer.zero_grad()
        value = loss(params)
        value.backward()
        return value

    expected = []
    for _ in range(3):
        value = float(optimizer.step(closure))
        expected.append(dict(params=flat(params), loss=value, calls=calls))
    return expected


def agree(a, b):
    numbers = lambda steps: torch.tensor([x for s in steps for x in sum(s['params'], [s['loss']])], dtype=torch.float64)
    return [s['calls'] for s in a] == [s['calls'] for s in b] and torch.allclose(numbers(a), numbers(b), 1e-5, 1e-6)


def settings(problem, search):
    options = dict(lr=uniform(0.2, 1.5 if search else 0.9), max_iter=draw.choice([1, 2, 3, 5]),
                   history_size=draw.choice([2, 3, 100]), max_eval=draw.choice([None, None, 4]))
    return dict(options, line_search_fn='strong_wolfe') if search else options


searches = []
for problem, search, wanted in [('logistic', False, 6), ('logistic', True, 6), ('rosenbrock', True, 4)]:
    while wanted > 0:
        options = settings(problem, search)
        expected = minimise(problem, options, torch.float32)
        if agree(expected, minimise(problem, options, torch.float64)):
            searches.append(dict(problem=problem, options=options, expected=expected))
            wanted -= 1
write('lbfgs.json', dict(features=FEATURES.tolist(), labels=LABELS.tolist(), cases=searches))
