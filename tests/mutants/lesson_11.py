"""Wrong answers to the exercises of lesson 11 that have no sentence of their own."""

import torch

from course_utils.exercises.lesson_11 import features, losses
from tests.mutants import mutant


@mutant("11.5", "left a hook")
def the_last_hook_stays(net, layer, images, labels):
    handle, values = None, []
    with torch.no_grad():
        before = losses(net(images), labels)
        for channel in range(features(net, layer, images).shape[1]):
            if handle:
                handle.remove()
            mask = torch.ones(features(net, layer, images).shape[1], dtype=images.dtype)
            mask[channel] = 0
            hook = lambda module, inputs, output, mask=mask: output * mask[:, None, None]  # noqa: E731
            handle = net.layer(layer).register_forward_hook(hook)
            values.append((losses(net(images), labels) - before).abs().mean())
    return torch.stack(values)
