"""Losses and their gradients as PyTorch computes them: python3 torch-losses.py > torch-losses.json"""

import json

import torch
import torch.nn.functional as F

torch.manual_seed(5)
N, K = 5, 4


def sign(*shape):
    return torch.randint(0, 2, shape) * 2.0 - 1


x, y, z = torch.randn(N, K), torch.randn(N, K), torch.randn(N, K)
rate = torch.rand(N, K) * 3 + 0.1
variance = torch.rand(N, K) * 2
variance[0, 0] = 1e-8
counts = torch.randint(0, 6, (N, K)).float()
bits = torch.randint(0, 2, (N, K)).float()
labels = torch.randint(0, K, (N,))
weight = torch.rand(K) + 0.5

several = torch.tensor([[2, 0, -1, 1], [-1, 0, 1, 2], [3, 1, 0, 2], [1, -1, -1, -1], [2, 3, 1, -1]])


def focal(x, t, alpha, gamma, reduction):
    # torchvision.ops.sigmoid_focal_loss
    p = torch.sigmoid(x)
    ce = F.binary_cross_entropy_with_logits(x, t, reduction="none")
    p_t = p * t + (1 - p) * (1 - t)
    loss = ce * ((1 - p_t) ** gamma)
    if alpha >= 0:
        loss = (alpha * t + (1 - alpha) * (1 - t)) * loss
    return {"none": loss, "sum": loss.sum(), "mean": loss.mean()}[reduction]


CASES = [
    ("PoissonNLLLoss", {}, [x, counts], 1, lambda r, a, b: F.poisson_nll_loss(a, b, reduction=r)),
    ("PoissonNLLLoss", {"logInput": False, "full": True, "eps": 1e-3}, [rate, counts], 1,
     lambda r, a, b: F.poisson_nll_loss(a, b, log_input=False, full=True, eps=1e-3, reduction=r)),
    ("GaussianNLLLoss", {}, [x, y, variance], 3, lambda r, a, b, v: F.gaussian_nll_loss(a, b, v, reduction=r)),
    ("GaussianNLLLoss", {"full": True, "eps": 0.5}, [x, y, variance], 3,
     lambda r, a, b, v: F.gaussian_nll_loss(a, b, v, full=True, eps=0.5, reduction=r)),
    ("MarginRankingLoss", {}, [x, y, sign(N, K)], 2,
     lambda r, a, b, t: F.margin_ranking_loss(a, b, t, reduction=r)),
    ("MarginRankingLoss", {"margin": 0.7}, [x, y, sign(N, K)], 2,
     lambda r, a, b, t: F.margin_ranking_loss(a, b, t, margin=0.7, reduction=r)),
    ("HingeEmbeddingLoss", {}, [x, sign(N, K)], 1, lambda r, a, t: F.hinge_embedding_loss(a, t, reduction=r)),
    ("HingeEmbeddingLoss", {"margin": 0.3}, [x, sign(N, K)], 1,
     lambda r, a, t: F.hinge_embedding_loss(a, t, margin=0.3, reduction=r)),
    ("SoftMarginLoss", {}, [x, sign(N, K)], 1, lambda r, a, t: F.soft_margin_loss(a, t, reduction=r)),
    ("MultiLabelSoftMarginLoss", {}, [x, bits], 1,
     lambda r, a, t: F.multilabel_soft_margin_loss(a, t, reduction=r)),
    ("MultiLabelSoftMarginLoss", {"weight": weight.tolist()}, [x, bits], 1,
     lambda r, a, t: F.multilabel_soft_margin_loss(a, t, weight=weight, reduction=r)),
    ("MultiMarginLoss", {}, [x, labels], 1, lambda r, a, t: F.multi_margin_loss(a, t, reduction=r)),
    ("MultiMarginLoss", {"p": 2, "margin": 0.6, "weight": weight.tolist()}, [x, labels], 1,
     lambda r, a, t: F.multi_margin_loss(a, t, p=2, margin=0.6, weight=weight, reduction=r)),
    ("CosineEmbeddingLoss", {}, [x, y, sign(N)], 2,
     lambda r, a, b, t: F.cosine_embedding_loss(a, b, t, reduction=r)),
    ("CosineEmbeddingLoss", {"margin": 0.2}, [x, y, sign(N)], 2,
     lambda r, a, b, t: F.cosine_embedding_loss(a, b, t, margin=0.2, reduction=r)),
    ("TripletMarginLoss", {}, [x, y, z], 3, lambda r, a, p, n: F.triplet_margin_loss(a, p, n, reduction=r)),
    ("TripletMarginLoss", {"margin": 0.5, "p": 3, "swap": True}, [x, y, z], 3,
     lambda r, a, p, n: F.triplet_margin_loss(a, p, n, margin=0.5, p=3, swap=True, reduction=r)),
    ("MultiLabelMarginLoss", {}, [x, several], 1, lambda r, a, t: F.multilabel_margin_loss(a, t, reduction=r)),
    ("SigmoidFocalLoss", {}, [x, bits], 1, lambda r, a, t: focal(a, t, 0.25, 2.0, r)),
    ("SigmoidFocalLoss", {"alpha": -1, "gamma": 1.5}, [x, bits], 1, lambda r, a, t: focal(a, t, -1, 1.5, r)),
]

found = []
for name, options, tensors, differentiated, fn in CASES:
    case = {"type": name, "options": options, "inputs": [], "results": {}}
    for tensor in tensors:
        kind = "float32" if tensor.is_floating_point() else "int32"
        case["inputs"].append({"shape": list(tensor.shape), "dtype": kind, "data": tensor.flatten().tolist()})
    for reduction in ("none", "sum", "mean"):
        inputs = [t.clone().requires_grad_(i < differentiated) for i, t in enumerate(tensors)]
        out = fn(reduction, *inputs)
        out.sum().backward()
        grads = [t.grad.flatten().tolist() for t in inputs[:differentiated]]
        case["results"][reduction] = {"value": out.detach().flatten().tolist(), "grads": grads}
    found.append(case)
print(json.dumps(found))
