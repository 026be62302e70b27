"""Writes torch/losses.json: every loss of torch.nn.functional with settings and shapes drawn at random, and gradients.

    python3 tests/golden/tools/torch_losses.py

Made with PyTorch 2.14 in float32 on a CPU. `inputs` are in PyTorch's order of axes: classes second. ctc_loss is in
tests/unit/nn/ctc-loss.json.
"""
import json
import os
import random
import warnings

import torch
import torch.nn.functional as F

warnings.simplefilter('ignore')
draw = random.Random(9)
torch.manual_seed(9)
TARGET = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'torch', 'losses.json')
cases = []


def flag():
    return draw.random() < 0.5


def uniform(low, high):
    return round(draw.uniform(low, high), 3)


def weights(count):
    return [uniform(0.1, 2) for _ in range(count)]


def tensors(options):
    return {key: torch.tensor(value) if key in ('weight', 'pos_weight') else value for key, value in options.items()}


def described(tensor):
    return dict(shape=list(tensor.shape), dtype='float32' if tensor.is_floating_point() else 'int32',
                data=tensor.detach().flatten().tolist())


def add(name, inputs, varied, options):
    """@param varied how many of the inputs have a gradient, first ones first"""
    options = dict(options)
    options.setdefault('reduction', draw.choice(['none', 'sum', 'mean']))
    inputs = [(value * 1000).round() / 1000 if value.is_floating_point() else value for value in inputs]
    inputs = [value.requires_grad_() if number < varied else value for number, value in enumerate(inputs)]
    value = getattr(F, name)(*inputs, **tensors(options))
    factors = ((torch.rand_like(value) + 0.5) * 100).round() / 100
    (value * factors).sum().backward()
    cases.append(dict(loss=name, options=options, inputs=[described(each) for each in inputs], value=described(value),
                      factors=described(factors), grads=[described(each.grad) for each in inputs[:varied]]))


def normal(shape, scale=1.0):
    return torch.randn(shape) * scale


def signs(shape):
    return torch.sign(torch.randn(shape))


for number in range(6):
    shape = draw.choice([[4], [3, 4], [2, 3, 4]])
    batch, classes = draw.choice([3, 5]), draw.choice([3, 4])
    places = draw.choice([[], [3], [2, 3]])
    scores = normal([batch, classes, *places], draw.choice([1, 5]))
    options = dict(draw.choice([{}, dict(weight=weights(classes))]))
    if number % 3 == 0:
        add('cross_entropy', [scores, normal(scores.shape).softmax(1)], 2 if flag() else 1,
            dict(options, label_smoothing=draw.choice([0.0, 0.2])))
    labels = torch.randint(0, classes, [batch, *places])
    ignored = draw.choice([-100, 1, 255])
    labels[torch.rand(labels.shape) < 0.3] = ignored
    labels.view(-1)[0] = 0
    add('cross_entropy', [scores, labels], 1,
        dict(options, ignore_index=ignored, label_smoothing=draw.choice([0.0, uniform(0, 0.5)])))
    add('nll_loss', [scores.detach().log_softmax(1), labels], 1, dict(options, ignore_index=ignored))
    own = dict(draw.choice([{}, dict(weight=(torch.rand(shape) + 0.1).tolist())]))
    add('mse_loss', [normal(shape), normal(shape)], 2, own)
    add('l1_loss', [normal(shape), normal(shape)], 2, own)
    add('huber_loss', [normal(shape), normal(shape)], 2, dict(own, delta=uniform(0.2, 2)))
    add('smooth_l1_loss', [normal(shape), normal(shape)], 2, dict(beta=draw.choice([0.0, uniform(0.2, 2)])))
    own = dict(draw.choice([{}, dict(weight=weights(shape[-1]))]))
    add('binary_cross_entropy', [torch.rand(shape) * 0.98 + 0.01, torch.rand(shape)], 1, own)
    add('binary_cross_entropy_with_logits', [normal(shape, 3), torch.rand(shape)], 1,
        dict(own, **draw.choice([{}, dict(pos_weight=weights(shape[-1]))])))
    logarithm = flag()
    target = normal([3, 4]).softmax(-1)
    add('kl_div', [normal([3, 4]).log_softmax(-1), target.log() if logarithm else target], 1,
        dict(log_target=logarithm, reduction=draw.choice(['none', 'sum', 'mean', 'batchmean'])))
    logarithm = flag()
    add('poisson_nll_loss', [normal(shape) if logarithm else torch.rand(shape) + 0.1, torch.randint(0, 6, shape).float()],
        1, dict(log_input=logarithm, full=flag(), eps=draw.choice([1e-8, 1e-3])))
    add('gaussian_nll_loss', [normal(shape), normal(shape), torch.rand(shape) + 0.01], 3,
        dict(full=flag(), eps=draw.choice([1e-6, 0.5])))
    add('margin_ranking_loss', [normal(shape), normal(shape), signs(shape)], 2, dict(margin=draw.choice([0.0, 0.4])))
    add('hinge_embedding_loss', [normal(shape), signs(shape)], 1, dict(margin=draw.choice([1.0, 0.4])))
    add('soft_margin_loss', [normal(shape, 3), signs(shape)], 1, {})
    add('cosine_embedding_loss', [normal([batch, 6]), normal([batch, 6]), signs([batch])], 2,
        dict(margin=draw.choice([0.0, 0.3])))
    add('triplet_margin_loss', [normal([batch, 6]) for _ in range(3)], 3,
        dict(margin=uniform(0.2, 3), p=draw.choice([1.0, 2.0, 3.0]), swap=flag()))
    own = dict(draw.choice([{}, dict(weight=weights(classes))]))
    add('multi_margin_loss', [normal([batch, classes]), torch.randint(0, classes, [batch])], 1,
        dict(own, p=draw.choice([1, 2]), margin=uniform(0.2, 2)))
    add('multilabel_soft_margin_loss', [normal([batch, classes]), torch.randint(0, 2, [batch, classes]).float()], 1, own)
    marked = torch.stack([torch.randperm(classes) for _ in range(batch)])
    marked[:, draw.randint(1, classes - 1):] = -1
    add('multilabel_margin_loss', [normal([batch, classes]), marked], 1, {})


def rounded(value):
    if isinstance(value, float):
        return float('%.8g' % value)
    if isinstance(value, list):
        return [rounded(each) for each in value]
    if isinstance(value, dict):
        return {key: rounded(each) for key, each in value.items()}
    return value


with open(TARGET, 'w') as file:
    file.write('[\n' + ',\n'.join(json.dumps(rounded(case), separators=(',', ':')) for case in cases) + '\n]\n')
print(len(cases), os.path.getsize(TARGET))
