"""Wrong answers to the exercises of lesson 08 that have no sentence of their own."""

import torch

from tests.mutants import mutant


@mutant("08.2", "do not fit together")
def not_transposed(weights, image, target, rule):
    R = torch.zeros(len(weights[-1]), dtype=torch.float64)
    R[target] = 1
    return weights[0] @ weights[1] @ weights[2] @ R
