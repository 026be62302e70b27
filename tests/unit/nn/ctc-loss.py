"""CTC losses and gradients as PyTorch computes them: python3 ctc-loss.py > ctc-loss.json"""

import json

import torch
import torch.nn.functional as F

torch.manual_seed(8)
T, N, K = 9, 5, 6
logits = torch.randn(T, N, K) * 2
# A repeated label, an empty target, a full one, one that does not fit, a short sequence.
targets = [[2, 2, 4], [], [1, 3, 1, 5], [4, 4, 4, 4], [5, 1]]
lengths = [9, 7, 9, 6, 3]
cases = []
for blank in (0, 3):
    rows = [[(k if k != blank else 0) for k in row] for row in targets]
    padded = torch.tensor([row + [1] * (4 - len(row)) for row in rows])
    for reduction in ("none", "sum", "mean"):
        x = logits.clone().requires_grad_(True)
        out = F.ctc_loss(F.log_softmax(x, -1), padded, torch.tensor(lengths),
                         torch.tensor([len(row) for row in rows]), blank=blank, reduction=reduction,
                         zero_infinity=True)
        out.sum().backward()
        cases.append({"blank": blank, "reduction": reduction, "targets": rows, "lengths": lengths,
                      "value": out.detach().flatten().tolist(), "grad": x.grad.flatten().tolist()})
print(json.dumps({"shape": [T, N, K], "logits": logits.flatten().tolist(), "cases": cases}))
