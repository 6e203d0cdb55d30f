"""Wrong answers to the exercises of lesson 10 that have no sentence of their own."""

from course_utils.exercises.lesson_10 import gradient, loss
from tests.mutants import mutant


@mutant("10.3", "not brought back")
def ball_around_the_present_images(images, clean, gradient, alpha, eps):
    return (images + (alpha * gradient.sign()).clamp(-eps, eps)).clamp(0, 1)


@mutant("10.1", "changed its input `images`")
def adds_in_place(net, images, labels, eps):
    step = gradient(net, images, labels, loss).sign()
    images += eps * step
    return images.clamp_(0, 1)


@mutant("10.5", "has the wrong shape")
def gradient_of_the_photos(net, photos, patch, corners, target):
    return gradient(net, photos, [target] * len(photos))


@mutant("10.5", "")
def the_patch_itself(net, photos, patch, corners, target):
    return patch
