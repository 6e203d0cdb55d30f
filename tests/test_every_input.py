"""Every public method on what people really bring: the same result as on plain input, or one line that says why not.

The methods and their calls are those of `test_leaves_nothing_behind`: a new method joins by its line there.
"""

import copy
import dataclasses
import inspect
import linecache
import traceback
import warnings
from collections.abc import Mapping
from contextlib import contextmanager, nullcontext
from numbers import Real
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from matplotlib.figure import Figure
from torch import nn

import course_utils
from course_utils import Network, fgsm, gradients, hooks, networks, tiny_net
from course_utils.plots import describe_figure
from tests.test_leaves_nothing_behind import CASES, ROOMS, function_of

PACKAGE = str(Path(course_utils.__file__).parent)
NO_NETWORK = {"load_network", "load_style_net", "add_style", "new_style", "stylize"}  # these bring their own
CALLS = {name: call for name, call in CASES.items() if name.partition(",")[0] not in NO_NETWORK}
# in these, the block's own call runs the network, in the mode that it is in
BLOCKS = {
    "capture": lambda net, x: captured(net, x),
    "ablated": lambda net, x: inside(gradients.ablated(net, "3", [1, 2]), net, x),
    "frozen": lambda net, x: inside(networks.frozen(net), net, x),
    "relu_rule": lambda net, x: inside(gradients.relu_rule("guided"), net, x),
    "Ensemble": CASES["Ensemble"],  # a network itself
}
CALLS |= BLOCKS
# NaN in a network does not reach these: they read weights, or only its shape
READS_WEIGHTS = {"filter_weights", "randomized", "receptive_field", "plain_receptive_field", *BLOCKS}
# one step of a search is the next one's start: half precision and float32 soon are somewhere else
SEARCHES = {
    "descend",
    "facet_starts",
    "fool",
    "invert",
    "pgd",
    "style_transfer",
    "synthesize_texture",
    "visualize",
    "fgsm",
    "adversarial_patch",
}
SEARCHES |= {"deepdream", "dream_step", "tsne", "channel_importance", "rank_correlation", "survival", "fooled"}


def pictures(channels=3, dtype=torch.float64):
    draw = torch.Generator().manual_seed(5)
    return torch.rand(2, channels, 16, 18, generator=draw, dtype=torch.float64).to(dtype)


def captured(net, x):
    with hooks.capture(net, ["0", "4"]) as seen:
        net(x)
    return dict(seen)


def inside(block, net, x):
    with block:
        return net(x)


class Layers(nn.Sequential):
    """The tiny network's layers with what a caller's train mode would change: batch norm and dropout."""

    def __init__(self):
        again = nn.Sequential(nn.Conv2d(6, 8, 3, padding=1), nn.BatchNorm2d(8), nn.Dropout(0.5))
        first = [nn.Conv2d(3, 6, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2), again, nn.ReLU(True)]
        super().__init__(*first, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 5))


def learned():
    """Random weights, and running statistics that are not those of any batch here."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = Layers().double()
        model[3][1].running_mean.normal_()
        model[3][1].running_var.uniform_(0.5, 2)
    return wrap(model)


def wrap(model, **options):
    names = [f"class {i}" for i in range(5)]
    return Network(model, name="mine", categories=names, **{"input_size": 16, **options})


# These run always, the others with `--run-sweep`: each takes one or two seconds, and Swin five.
USUAL = {
    *("channels last", "wanting a gradient", "in inference_mode", "only the model in float32"),
    *("a gray network", "a dict of outputs", "a layer that puts out a tuple", "modules that run twice", "Swin"),
    *("half precision", "NaN weights", "a plain module", "an array"),
}


def usual(situations) -> list:
    return [name if name in USUAL else pytest.param(name, marks=pytest.mark.sweep) for name in situations]


# What came out


def parts(value) -> list:
    """The tensors, numbers and words in a result; of a figure its words and pictures."""
    if isinstance(value, Figure):
        return [describe_figure(value), *parts([image.get_array().data for ax in value.axes for image in ax.images])]
    if isinstance(value, np.ndarray):
        return [torch.from_numpy(value)]
    if isinstance(value, Network):
        return [*value.parameters()]
    if dataclasses.is_dataclass(value):
        return parts([getattr(value, field.name) for field in dataclasses.fields(value)])
    if isinstance(value, Mapping):
        return parts([*value.keys(), *value.values()])
    if isinstance(value, (list, tuple)):
        return [part for one in value for part in parts(one)]
    return [] if value is None else [value]


def alike(one, other, tolerance: float) -> bool:
    if isinstance(one, (torch.Tensor, Real)) and isinstance(other, (torch.Tensor, Real)):
        one, other = torch.as_tensor(one).detach().double(), torch.as_tensor(other).detach().double()
        size = max(1.0, other.abs().nan_to_num(posinf=0).max().item()) if other.numel() else 1.0
        return one.shape == other.shape and torch.allclose(one, other, rtol=0, atol=tolerance * size, equal_nan=True)
    return type(one) is type(other) and one == other


def is_ours(error: Exception) -> str | None:
    """None for one line that the course says on purpose; else what is wrong with an error."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    if Path(last.filename).parent == Path(__file__).parent:
        return None  # the test's own line: it indexes the images before the method has them
    words = f"{type(error).__name__}: {str(error)[:200]} ({Path(last.filename).name}:{last.lineno})"
    if not isinstance(error, (TypeError, ValueError)):
        return f"raw {words}"
    if "\n" in str(error):
        return f"not one line: {words}"
    if not last.filename.startswith(PACKAGE) or not linecache.getline(last.filename, last.lineno).strip().startswith(
        "raise"
    ):
        return f"not said by us: {words}"
    return None


def is_one_line(error: Exception) -> str | None:
    """Python's own words are enough for a word in the place of a number; those of a library, or several lines, are not."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    fine = isinstance(error, (TypeError, ValueError)) and "\n" not in str(error)
    said_here = last.filename.startswith(PACKAGE) and "argument" not in str(error)
    return None if fine and said_here or is_ours(error) is None else is_ours(error)


def run(call, net, x, *, refuse=is_ours):
    """`(parts, None)`, `(None, None)` for one line of ours, or `(None, problem)`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return parts(call(net, x)), None
        except Exception as error:
            problem = refuse(error) if refuse else f"{type(error).__name__}: {error}"
            return None, problem


def different(name, found, right, tolerance) -> str | None:
    if right is None:
        return None  # plain input is refused, too
    if len(found) != len(right):
        return f"{len(found)} parts instead of {len(right)}"
    wrong = [i for i, (one, other) in enumerate(zip(found, right, strict=True)) if not alike(one, other, tolerance)]
    return f"parts {wrong} differ" if wrong else None


def has_nan(found) -> bool:
    return any(torch.as_tensor(one).isnan().any() for one in found if isinstance(one, (torch.Tensor, float)))


def plain_results(net, x):
    return {name: run(call, net, x.clone())[0] for name, call in CALLS.items()}


@pytest.fixture(scope="module")
def tiny_results():
    return plain_results(tiny_net("conv", seed=1), pictures())


@pytest.fixture(scope="module")
def learned_results():
    return plain_results(learned(), pictures())


# The same result


class Newcomer(nn.Module):
    """In the place of a layer that was there when the network was wrapped."""

    def forward(self, x):
        return x.clamp(min=0)


def replaced():
    net = tiny_net("conv", seed=1)
    net.model[1] = Newcomer()
    return net


def model_in(dtype):
    net = tiny_net("conv", seed=1)
    net.model.to(dtype)  # the model alone, as people do with .cuda()
    return net


def tiny():
    return tiny_net("conv", seed=1)


@contextmanager
def default_dtype(dtype):
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


STRIDED = pictures().permute(2, 0, 3, 1).contiguous().permute(1, 3, 0, 2)
# name: the network, the images, what stands around the call, and how far a result may be from the plain one
SAME = {
    "channels last": (tiny, lambda: pictures().contiguous(memory_format=torch.channels_last), nullcontext, 1e-9),
    "other strides": (tiny, lambda: STRIDED.clone(memory_format=torch.preserve_format), nullcontext, 1e-9),
    "wanting a gradient": (tiny, lambda: pictures().requires_grad_(), nullcontext, 1e-9),
    "with a graph": (tiny, lambda: pictures().requires_grad_() * 1, nullcontext, 1e-9),
    "in no_grad": (tiny, pictures, torch.no_grad, 1e-9),
    "in inference_mode": (tiny, lambda: torch.inference_mode()(pictures)(), torch.inference_mode, 1e-9),
    "a lazy negative": (tiny, lambda: torch._neg_view(-pictures()), nullcontext, 1e-9),
    "a default of half precision": (tiny, pictures, lambda: default_dtype(torch.float16), 2e-3),
    "made in inference_mode": (tiny, lambda: torch.inference_mode()(pictures)(), nullcontext, 1e-9),
    "a network made in inference_mode": (torch.inference_mode()(lambda: tiny()), pictures, nullcontext, 1e-9),
    "in-place modules": (lambda: tiny_net("conv", seed=1, inplace=True), pictures, nullcontext, 1e-9),
    "a layer replaced after wrapping": (replaced, pictures, nullcontext, 1e-9),
    "only the model in float32": (lambda: model_in(torch.float32), pictures, nullcontext, 2e-2),
    "a copy": (lambda: copy.deepcopy(tiny()), pictures, nullcontext, 1e-9),
    "parameters that want gradients": (lambda: tiny().requires_grad_(True), pictures, nullcontext, 1e-9),
}


@pytest.mark.parametrize("situation", usual(SAME))
def test_the_same_as_on_plain_input(situation, tiny_results):
    make, draw, around, tolerance = SAME[situation]
    net, problems = make(), {}
    if situation == "a network made in inference_mode" and next(net.parameters()).is_inference():
        pytest.skip("its weights can have no gradient")
    for name, call in CALLS.items():
        images = draw()
        with around():
            found, problem = run(call, net, images, refuse=None)
        if tiny_results[name] is None:
            continue
        loose = tolerance > 1e-3 and name.partition(",")[0] in SEARCHES
        problem = problem or (None if loose else different(name, found, tiny_results[name], tolerance))
        problems |= {name: problem} if problem else {}
    assert problems == {}


def test_the_same_in_train_mode(learned_results):
    """Of the network in eval mode; the caller's mode is there again, and batch norm has learned nothing."""
    problems = {}
    for name, call in CALLS.items():
        net = learned().train()
        before = copy.deepcopy(net.state_dict())
        found, problem = run(call, net, pictures(), refuse=None)
        if name in BLOCKS:
            continue
        problem = problem or different(name, found, learned_results[name], 1e-9)
        if not all(torch.equal(before[key], value) for key, value in net.state_dict().items()):
            problem = "batch norm has learned from it"
        if not all(module.training for module in net.modules()):
            problem = "no longer in train mode"
        problems |= {name: problem} if problem else {}
    assert problems == {}


def test_the_same_on_what_another_method_made():
    """`fgsm` gives pictures in another memory layout."""
    net, problems = tiny(), {}
    made = fgsm(net, pictures().contiguous(memory_format=torch.channels_last))
    for name, call in CALLS.items():
        right, _ = run(call, net, made.clone(memory_format=torch.contiguous_format))
        found, problem = run(call, net, made.clone(memory_format=torch.preserve_format))
        problem = problem or (different(name, found, right, 1e-9) if found is not None else None)
        problems |= {name: problem} if problem else {}
    assert problems == {}


@contextmanager
def every_option(change, names):
    """While a block runs, every number that is given to a public function, or that it has as a default, is changed."""

    def changed(function):
        signature = inspect.signature(function)

        def call(*args, **kwargs):
            given = signature.bind(*args, **kwargs)
            given.apply_defaults()
            for name, value in given.arguments.items():
                given.arguments[name] = change(name, value)
            return function(*given.args, **given.kwargs)

        return call

    with pytest.MonkeyPatch.context() as patch:
        for name in names:
            for home in ROOMS:
                if inspect.isfunction(getattr(home, name, None)):
                    patch.setattr(home, name, changed(getattr(home, name)))
        yield


def as_numpy(name, value):
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return np.int64(value)
    if isinstance(value, float):
        return np.float64(value)
    if isinstance(value, (list, tuple, range)) and value and all(type(one) in (int, float) for one in value):
        return (
            type(value)(map(np.float64 if isinstance(value[0], float) else np.int64, value))
            if not isinstance(value, range)
            else np.array(value)
        )
    return value


def test_the_same_with_numbers_of_numpy(tiny_results):
    net, problems = tiny(), {}
    for name, call in CALLS.items():
        if inspect.isclass(function_of(name)):
            continue
        with every_option(as_numpy, [name.partition(",")[0]]):
            found, problem = run(call, net, pictures(), refuse=None)
        if tiny_results[name] is not None:
            problem = problem or different(name, found, tiny_results[name], 1e-9)
            problems |= {name: problem} if problem else {}
    assert problems == {}


# The same result, or one line


class Several(nn.Module):
    """Puts out more than the scores."""

    def __init__(self, kind):
        super().__init__()
        self.kind, self.net = kind, tiny().model

    def forward(self, x):
        scores = self.net(x)
        return {"tuple": (scores, x), "dict": {"out": scores}, "list": [scores], "nothing": None}[self.kind]


class Inside(nn.Module):
    """A layer that puts out a tuple."""

    def forward(self, x):
        return x, x


def several(kind):
    return wrap(Several(kind), aliases={str(i): f"net.{i}" for i in range(8)})


def with_a_tuple_inside():
    model = tiny().model
    model[3] = nn.Sequential(model[3], Inside())
    model[4] = Unpacked()
    return wrap(model)


class Unpacked(nn.Module):
    def forward(self, pair):
        return pair[0].relu()


class Unrolled(nn.Module):
    """The same as `Reused`, where each run has a module of its own."""

    def __init__(self, reused):
        super().__init__()
        self.first, self.again, self.again_2 = map(copy.deepcopy, (reused.first, reused.again, reused.again))
        self.relu, self.relu_2, self.relu_3 = nn.ReLU(), nn.ReLU(), nn.ReLU()
        self.head = copy.deepcopy(reused.head)

    def forward(self, x):
        x = self.relu_2(self.again(self.relu(self.first(x))))
        return self.head(self.relu_3(self.again_2(x)).mean((2, 3)))


class Reused(nn.Module):
    """One convolution and one ReLU, in place, that run twice."""

    def __init__(self):
        super().__init__()
        self.first, self.again, self.relu = nn.Conv2d(3, 6, 3, padding=1), nn.Conv2d(6, 6, 3, padding=1), nn.ReLU(True)
        self.head = nn.Linear(6, 5)

    def forward(self, x):
        x = self.relu(self.first(x))
        x = self.relu(self.again(x))
        return self.head(self.relu(self.again(x)).mean((2, 3)))


NAMES = dict(zip("0134", ["first", "relu", "again", "again"], strict=True))
# a channel is cut off at each run, where the unrolled copy has another module; a copy's random weights are others
NOT_OF_ONE_RUN = {"ablated", "channel_importance", "channel_importance, taylor", "pruning_curve"}
NOT_OF_ONE_RUN |= {"randomized", "randomized, with He's scale"}


def test_modules_that_run_twice_are_the_same_as_two_modules():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        reused = Reused().double()
    net, unrolled = wrap(reused, aliases=NAMES), wrap(Unrolled(reused), aliases=NAMES)
    compared, problems = set(), {}
    for name, call in CALLS.items():
        if takes_it("", name.partition(",")[0]) and name not in NOT_OF_ONE_RUN:
            (found, said), (right, _) = run(call, net, pictures()), run(call, unrolled, pictures())
            problem = said or (None if found is None else different(name, found, right, 1e-9))
            compared |= {name} if found is not None and right is not None else set()
            problems |= {name: problem} if problem else {}
    assert problems == {}
    assert {"saliency", "occlusion", "features", "backprop", "visualize", "invert", "top_patches"} <= compared


def test_a_channel_of_a_module_that_runs_twice_is_cut_off_at_both_runs():
    reused = Reused().double()
    net, unrolled = wrap(reused), wrap(Unrolled(reused))
    with gradients.ablated(net, "again", [2]):
        found = net(pictures())
    with gradients.ablated(unrolled, "again", [2]), gradients.ablated(unrolled, "again_2", [2]):
        assert alike(found, unrolled(pictures()), 1e-9)


def transformer(name):
    """Small networks of torchvision whose layers are not, or not all, `(N, C, H, W)`; the tests' layer names are aliases."""
    models = torchvision.models
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        if name == "vit":
            sizes = {"num_layers": 2, "num_heads": 2, "hidden_dim": 16, "mlp_dim": 32}
            model = models.VisionTransformer(image_size=16, patch_size=4, num_classes=5, **sizes)
            nn.init.normal_(model.heads.head.weight)  # zero at first
            block = "encoder.layers.encoder_layer_"
            layers = ["conv_proj", f"{block}0", f"{block}0.ln_1", f"{block}0.mlp", f"{block}1", "encoder.ln"]
        elif name == "swin":
            model = models.SwinTransformer([2, 2], 16, [1, 1], [1, 2], [4, 4], num_classes=5)
            layers = ["features.0.0", "features.1", "features.1.0.norm1", "features.1.0.attn", "features.3", "norm"]
        else:
            blocks = [models.convnext.CNBlockConfig(8, 16, 1), models.convnext.CNBlockConfig(16, None, 1)]
            model = models.ConvNeXt(blocks, num_classes=5)
            layers = [
                "features.0",
                "features.1",
                "features.1.0.block.2",
                "features.1.0.block.3",
                "features.3",
                "avgpool",
            ]
    return wrap(model.double(), aliases={str(i): layer for i, layer in enumerate(layers)})


def broken_by(value, buffer=False):
    def make():
        net = learned()
        (net.model[3][1].running_mean if buffer else net.model[0].weight.data)[0] = value
        return net

    return make


def scripted():
    return wrap(torch.jit.script(tiny().model.eval()))


class Through(nn.Module):
    """The tiny network's layers, and what somebody does around or behind them."""

    def __init__(self, call):
        super().__init__()
        self.net, self.call = tiny().model, call
        self.scale = nn.Parameter(torch.tensor(1.0, dtype=torch.float64))  # a parameter without a shape

    def forward(self, x):
        scores = self.call(self.net, x)
        return scores * self.scale if scores.is_floating_point() else scores


def through(call):
    return lambda: wrap(Through(call), aliases={str(i): f"net.{i}" for i in range(8)})


def compiled():
    """Run before: only then are hooks ignored, without a word."""
    net = tiny()
    net.model, net.aliases = torch.compile(net.model, backend="eager"), {str(i): f"_orig_mod.{i}" for i in range(8)}
    net(pictures())
    return net


def fixed():
    """Takes pictures of one size only."""
    model = tiny().model
    head = nn.Linear(8 * 8 * 9, 5).double()
    return wrap(nn.Sequential(*model[:5], nn.Identity(), nn.Flatten(), head))


EITHER = {
    "a gray network": (lambda: tiny_net("conv", seed=1, channels=1), lambda: pictures(1)),
    "a network of 4 channels": (lambda: tiny_net("conv", seed=1, channels=4), lambda: pictures(4)),
    "a tuple of outputs": (lambda: several("tuple"), pictures),
    "a dict of outputs": (lambda: several("dict"), pictures),
    "a list of outputs": (lambda: several("list"), pictures),
    "no output": (lambda: several("nothing"), pictures),
    "a layer that puts out a tuple": (with_a_tuple_inside, pictures),
    "modules that run twice": (
        lambda: wrap(Reused().double(), aliases=NAMES),
        pictures,
    ),
    "ViT": (lambda: transformer("vit"), lambda: pictures()[..., :16]),
    "ViT, another size": (lambda: transformer("vit"), pictures),
    "Swin": (lambda: transformer("swin"), pictures),
    "ConvNeXt": (lambda: transformer("convnext"), pictures),
    "half precision": (lambda: tiny().half(), pictures),
    "bfloat16": (lambda: tiny().bfloat16(), pictures),
    "half images": (tiny, lambda: pictures(dtype=torch.float16)),
    "NaN weights": (broken_by(torch.nan), pictures),
    "infinite weights": (broken_by(torch.inf), pictures),
    "a NaN in batch norm": (broken_by(torch.nan, buffer=True), pictures),
    "one size only": (fixed, pictures),
    "no classifier": (lambda: tiny_net("maps", seed=1), pictures),
    "a scripted network": (scripted, pictures),
    "a compiled network": (compiled, pictures),
    "a forward under no_grad": (through(torch.no_grad()(lambda net, x: net(x))), pictures),
    "a forward in NumPy": (through(lambda net, x: torch.from_numpy(net(x).detach().numpy())), pictures),
    "whole-number scores": (through(lambda net, x: net(x).mul(99).round().long()), pictures),
    "a parameter without a shape": (through(lambda net, x: net(x)), pictures),
    "a network without values": (lambda: tiny().to("meta"), pictures),
    "a plain module": (lambda: tiny().model, pictures),
    "the name of a network": (lambda: "vgg19", pictures),
    "no network": (lambda: None, pictures),
    "unbatched": (tiny, lambda: pictures()[0]),
    "an empty batch": (tiny, lambda: pictures()[:0]),
    "an array": (tiny, lambda: pictures().numpy()),
    "a list": (tiny, lambda: list(pictures())),
    "integers": (tiny, lambda: (pictures() * 255).byte()),
    "NaN images": (tiny, lambda: torch.full((2, 3, 16, 18), torch.nan)),
    "complex numbers": (tiny, lambda: pictures().to(torch.complex128)),
    "sparse": (tiny, lambda: pictures().to_sparse()),
    "one pixel": (tiny, lambda: pictures()[:, :, :1, :1]),
}
CLOSE = {"a compiled network": 1e-9, "half precision": 0.1, "bfloat16": 0.3, "half images": 0.05}


@pytest.mark.parametrize("situation", usual(EITHER))
def test_a_result_or_one_line(situation, tiny_results):
    make, draw = EITHER[situation]
    problems = {}
    for name, call in CALLS.items():
        plain, images = name.partition(",")[0], draw()
        if not takes_it(situation, plain):
            continue
        found, problem = run(call, make(), images)
        if found is not None and plain not in READS_WEIGHTS and has_nan(found):
            problem = "NaN in the result, without a word"
        if found is not None and situation in CLOSE and plain not in SEARCHES:
            problem = problem or different(name, found, tiny_results[name], CLOSE[situation])
        problems |= {name: problem} if problem else {}
    assert problems == {}


def takes_it(situation: str, name: str) -> bool:
    """Whether a method takes a network, and whether the tests' own lines stand such images: they index and flip them."""
    function = function_of(name)
    given = list(inspect.signature(function).parameters)
    return "net" in given or name == "predict" and situation != "a plain module"


# Options that mean nothing

NONSENSE = {
    "negative": -3,
    "a fraction": 2.5,
    "NaN": float("nan"),
    "infinity": float("inf"),
    "nothing": None,
    "a word": "x",
}
ALSO = ("k", "eps", "size", "channel")  # options without a default, or with None
MEANS_NAN = {"factor"}  # of a picture's own numbers, and `eps` of instance norm


@pytest.mark.parametrize("kind", usual(NONSENSE))
def test_an_option_that_means_nothing_is_refused_in_one_line(kind):
    """Or it means something: then there is a result, without NaN."""
    problems, net = {}, tiny()
    for name, call in CALLS.items():
        function, plain = function_of(name), name.partition(",")[0]
        if inspect.isclass(function) or plain == "predict":
            continue
        for option, parameter in inspect.signature(function).parameters.items():
            if not isinstance(parameter.default, (int, float, str, tuple)) and option not in ALSO:
                continue
            with every_option(lambda one, value, option=option: NONSENSE[kind] if one == option else value, [plain]):
                found, problem = run(call, net, pictures(), refuse=is_one_line)
            if (
                found is not None
                and kind == "NaN"
                and has_nan(found)
                and option not in MEANS_NAN
                and plain != "instance_norm"
            ):
                problem = "NaN in the result, without a word"
            problems |= {f"{name}: {option}": problem} if problem else {}
    assert problems == {}
