"""Gradient methods give the same whatever mode their caller is in."""

import pytest
import torch

from course_utils import fun, gradients, tiny_net

METHODS = {
    "input_gradient": lambda net, x: gradients.input_gradient(net, x, 1),
    "saliency": lambda net, x: gradients.saliency(net, x, of="loss"),
    "smoothgrad": lambda net, x: gradients.smoothgrad(net, x, samples=3),
    "backprop": lambda net, x: gradients.backprop(net, x, "1:2", rule="guided"),
    "backprop from the activation": lambda net, x: gradients.backprop(net, x, "1:2", start="activation"),
    "backprop of a class": lambda net, x: gradients.backprop(net, x, rule="deconvnet"),
    "effective_field": lambda net, x: gradients.effective_field(net, x, "3"),
    "fgsm": lambda net, x: gradients.fgsm(net, x),
    "pgd": lambda net, x: gradients.pgd(net, x, 1, steps=2, norm="l2", random_start=True, progress=False),
    "adversarial_patch": lambda net, x: gradients.adversarial_patch(net, x, 1, size=6, steps=2, progress=False),
    "fool": lambda net, x: gradients.fool(net, x, 1, steps=2, progress=False).images,
    "channel_importance": lambda net, x: gradients.channel_importance(net, x, "1", by="taylor"),
    "grad_cam": lambda net, x: gradients.grad_cam(net, x, "3"),
    "gradient_times_input": lambda net, x: gradients.gradient_times_input(net, x),
    "integrated_gradients": lambda net, x: gradients.integrated_gradients(net, x, steps=3),
    "dream_gradient": lambda net, x: fun.dream_gradient(net, x, "3"),
    "dream_step": lambda net, x: fun.dream_step(net, x, "3", step_size=0.01),
    "ablation": lambda net, x: gradients.channel_importance(net, x, "1", progress=False),
}


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("mode", [torch.inference_mode, torch.no_grad])
def test_the_callers_mode_changes_nothing(name, mode):
    net, x = tiny_net("conv", seed=1), torch.rand(2, 3, 10, 11, dtype=torch.float64)
    right = METHODS[name](net, x)
    with mode():
        grad = torch.is_grad_enabled()
        found = METHODS[name](net, x.clone())
        assert torch.is_grad_enabled() == grad
    assert torch.equal(found, right) and not found.requires_grad
