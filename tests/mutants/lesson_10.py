"""Wrong answers to the exercises of lesson 10 that have no sentence of their own."""

from tests.mutants import mutant


@mutant("10.3", "not brought back")
def ball_around_the_present_images(images, clean, gradient, alpha, eps):
    return (images + (alpha * gradient.sign()).clamp(-eps, eps)).clamp(0, 1)
