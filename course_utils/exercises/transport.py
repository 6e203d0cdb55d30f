"""What goes between a check and a student's function: plain arrays, numbers, text and handles of tiny networks.

Nothing is pickled: a value becomes a JSON tree and comes back as plain types only. The notebook uses the same road as
the grader, so a function sees the same inputs in both, and an object that lies about itself (one that equals
everything, an array subclass) comes out as the plain data it holds, or not at all.
"""

from __future__ import annotations

import base64
import math
from typing import Any

import numpy as np
import torch

from course_utils.exercises.tiny import tiny_net

MAX_DEPTH = 8
MAX_BYTES = 64 << 20


def encode(value: Any, depth: int = 0) -> Any:
    """A JSON tree for a plain value.

    Raises:
        TypeError: something that is not an array, a number, text, or a list, tuple or dictionary of those.
    """
    if depth > MAX_DEPTH:
        raise TypeError("lists nested too deeply")
    kind = type(value)
    if value is None or kind in (bool, str):
        return value
    if kind is int:
        return value if abs(value) < 2**53 else {"int": str(value)}
    if kind is float:
        return value if math.isfinite(value) else {"float": repr(value)}
    spec = getattr(value, "tiny_spec", None) if isinstance(value, torch.nn.Module) else None
    if spec is not None:
        return {"net": spec}
    if isinstance(value, torch.Tensor):
        array = torch.Tensor.detach(value).cpu()
        array = array.float() if array.dtype in (torch.bfloat16, torch.float16) else array
        return {"tensor": _encode_array(array.numpy(), value.dtype)}
    if isinstance(value, (np.ndarray, np.generic)):
        return {"array": _encode_array(np.asarray(value), None)}
    if isinstance(value, list):
        return {"list": [encode(v, depth + 1) for v in list.__iter__(value)]}
    if isinstance(value, tuple):
        return {"tuple": [encode(v, depth + 1) for v in tuple.__iter__(value)]}
    if isinstance(value, dict):
        return {"dict": [[encode(k, depth + 1), encode(v, depth + 1)] for k, v in dict.items(value)]}
    raise TypeError(f"a {kind.__name__} is not an array, a number, text, or a list of those")


def _encode_array(array: np.ndarray, dtype: torch.dtype | None) -> list:
    array = np.array(array, order="C")  # a plain copy: no subclass, no view
    if array.dtype.kind not in "biuf":
        raise TypeError(f"an array of {array.dtype} is not an array of numbers")
    if array.nbytes > MAX_BYTES:
        raise TypeError(f"an array of {array.nbytes >> 20} MB is too large to hand back")
    return [array.dtype.str, list(array.shape), base64.b64encode(array.tobytes()).decode("ascii")]


def decode(tree: Any, depth: int = 0) -> Any:
    """The value of a tree that `encode` made; anything else raises ValueError."""
    if depth > 2 * MAX_DEPTH:
        raise ValueError("nested too deeply")
    if tree is None or type(tree) in (bool, int, float, str):
        return tree
    if type(tree) is not dict or len(tree) != 1:
        raise ValueError("not an encoded value")
    ((kind, body),) = tree.items()
    if kind == "int":
        return int(body)
    if kind == "float":
        return float(body)
    if kind == "net":
        name, options = body
        return tiny_net(name, **options)
    if kind == "list":
        return [decode(v, depth + 1) for v in body]
    if kind == "tuple":
        return tuple(decode(v, depth + 1) for v in body)
    if kind == "dict":
        return {decode(k, depth + 1): decode(v, depth + 1) for k, v in body}
    if kind in ("array", "tensor"):
        code, shape, text = body
        dtype = np.dtype(code)
        if dtype.kind not in "biuf":
            raise ValueError("not an array of numbers")
        array = np.frombuffer(base64.b64decode(text), dtype=dtype).reshape([int(n) for n in shape]).copy()
        return torch.from_numpy(array) if kind == "tensor" else array
    raise ValueError(f"unknown kind {kind!r}")
