"""Wrong answers to the exercises of lesson 13 that have no sentence of their own."""

from tests.mutants import mutant


def good_ones(distances, tolerance):
    return (distances <= (1 + tolerance) * distances.min()).nonzero().flatten()


@mutant("13.2", "never chosen")
def always_the_first_good(distances, tolerance, u):
    return good_ones(distances, tolerance)[0]
