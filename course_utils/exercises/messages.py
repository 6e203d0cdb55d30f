"""What a check says about errors, and about what a function left behind. Each sentence says only what is seen."""

from __future__ import annotations

import re
from collections.abc import Sequence

from course_utils.exercises.left_behind import Found

ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth")

# what was left behind in an input: {input} becomes "its input `images`", {name} becomes "images"
_IN_AN_INPUT = {
    "values": "Your function changed {input}: work on a copy, for example with .clone().",
    "requires_grad": (
        "Your function changed requires_grad of {input}: work on a copy, x.detach().clone().requires_grad_()."
    ),
    "grad": "Your function left a gradient in the .grad of {input}: use torch.autograd.grad, on a copy.",
    "mode": "Your function switched {input} between train and eval mode: leave the mode as it is.",
    "hooks": "Your function left a hook in {input} (or removed one): remove each hook with handle.remove().",
    "layers": "Your function changed the layers of {input} or their settings: leave the network as it is.",
}
# what was left behind in the whole notebook: what it changed, what to do
_EVERYWHERE = {
    "default dtype": "torch's default number type: give dtype= where you make a tensor",
    "default device": "torch's default device: give device= where you make a tensor",
    "grad mode": "whether torch records gradients: write `with torch.no_grad():` around the lines that need it",
    "deterministic": "torch's choice of deterministic algorithms: leave it as it is",
    "anomaly": "torch's anomaly detection: leave it as it is",
    "threads": "torch's number of threads: leave it as it is",
    "precision": "the precision of torch's matrix products: leave it as it is",
    "numpy errors": "how NumPy warns: write `with np.errstate(...):` around the lines that need it",
    "numpy printing": "how NumPy prints: write `with np.printoptions(...):` around the lines that need it",
    "torch printing": "how torch prints: leave it as it is",
    "backends": "which libraries torch computes with: leave it as it is",
    "functions": "a function of torch, NumPy or Python itself: write one of your own, under another name",
    "warnings": "what Python does with warnings: write `with warnings.catch_warnings():` around the lines that need it",
    "global hooks": "the hooks of all networks: remove each hook with handle.remove()",
    "denormals": "whether torch computes with the smallest numbers (set_flush_denormal): leave it as it is",
    "autocast": "torch's autocast: write `with torch.autocast(...):` around the lines that need it",
    "recursion": "how deep functions may call each other (sys.setrecursionlimit): leave it as it is",
    "output": "where print writes (sys.stdout): write `with redirect_stdout(...):` around the lines that need it",
    "folder": "the working folder (os.chdir): leave it as it is, and give the whole path of a file",
    "environment": "the environment variables (os.environ): leave them as they are",
    "looks": "the look of all figures (plt.rcParams): write `with plt.rc_context():` around the lines that need it",
    "seed of torch": "the seed of torch's random numbers: draw from a torch.Generator() of your own",
    "seed of numpy": "the seed of NumPy's random numbers: draw from np.random.default_rng(...)",
    "seed of random": "the seed of Python's random numbers: draw from a random.Random(...) of your own",
}


def leftover(found: Found, names: Sequence[str] = ()) -> str:
    """The sentence about something that a function left behind.

    Args:
        found: its code, and the number of the input that it is about.
        names: of the function's inputs, as far as they are known.
    """
    code, number = found
    if number is None:
        return f"Your function changed, for the whole notebook, {_EVERYWHERE[code]}."
    ordinal = ORDINALS[number] if number < len(ORDINALS) else "last"
    return _IN_AN_INPUT[code].format(
        input=f"its input `{names[number]}`" if number < len(names) else f"its {ordinal} input"
    )


# from what an error says to what it means
_ERRORS = {
    r"does not require grad and does not have a grad_fn": (
        "No gradient is recorded. Make a copy with images.detach().clone().requires_grad_(), and run the network on "
        "this copy, not on the images."
    ),
    r"grad can be implicitly created only for scalar": (
        "The gradient is taken of one number, and this is a tensor with several: choose one, or add them up."
    ),
    r"backward through the graph a second time": (
        "A graph is used for two backward passes: run the network again, or pass retain_graph=True."
    ),
    r"One of the differentiated Tensors appears to not have been used": (
        "The network saw another tensor than the one you differentiate: run it on the same tensor that has "
        "requires_grad."
    ),
    r"leaf Variable that requires grad": (
        "A tensor that requires grad is changed in place: do it inside `with torch.no_grad():`, or make a new tensor."
    ),
    r"Can't call numpy\(\) on Tensor that requires grad": "Detach the tensor first: x.detach().",
    r"expected scalar type|expected m1 and m2 to have the same dtype|must have the same dtype|"
    r"type \(\w+\) .* should be the same|but found (Float|Double|Long)": (
        "Two tensors have different number types: make new tensors with the dtype of the input, e.g. "
        "torch.zeros_like(x)."
    ),
    r"^IndexError: (list|tuple) index out of range": (
        "A list has fewer entries than you ask for: print its length. Is it empty, because what fills it did not run?"
    ),
    r"index \d+ is out of bounds": "An index lies outside: print the index and the shape of what you index.",
    r"shapes cannot be multiplied|must match the size|Sizes of tensors must match|could not be broadcast|"
    r"not broadcastable": "Two shapes do not fit together: print both .shape before this line.",
    r"name '.*' is not defined": "A name is not known: run the cells above first, or is it misspelled?",
}


def why(error: str, function: str) -> str:
    """What an error means, or "".

    Args:
        error: what it says, with the name of its kind in front.
        function: the name of the student's function.
    """
    if re.search(rf"\b{function}\(\) (missing \d+ required|takes \d+ positional)", error):
        return "The function's arguments have changed: keep the given `def` line."
    return next((cause for pattern, cause in _ERRORS.items() if re.search(pattern, error)), "")
