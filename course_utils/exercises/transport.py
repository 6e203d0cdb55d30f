"""What goes between a check and a student's function: plain arrays, numbers, text and handles of tiny networks.

Nothing is pickled: a value becomes a JSON tree and comes back as plain types only. The notebook uses the same road as
the grader, so a function sees the same inputs in both, and an object that lies about itself (one that equals
everything, an array subclass) comes out as the plain data it holds, or not at all.
"""

from __future__ import annotations

import base64
import math
from collections.abc import ItemsView, Iterator, KeysView, ValuesView
from typing import Any

import numpy as np
import torch

from course_utils.exercises.tiny import tiny_net

MAX_DEPTH = 8
MAX_BYTES = 64 << 20

# what cannot be compared, and what to do; the grader shows these words and no others
REASONS = {
    "function": "a function: call it, with parentheses",
    "generator": "something that makes its values one by one: make a list of it, list(...)",
    "network": "a network: return numbers",
    "complex": "complex numbers: take .real, .imag or .abs() of them",
    "sparse": "a sparse tensor: make it dense, with .to_dense()",
    "objects": "an array of objects, not of numbers: make it of parts of the same shape",
    "text": "an array of text, not of numbers",
    "large": f"more than {MAX_BYTES >> 20} MB",
    "integer": "an integer with thousands of digits",
    "deep": "lists in lists in lists: too deep",
    "other": "something that is not an array, a number, text, or a list of those",
}


class NotPlain(TypeError):
    """A value that cannot be compared.

    Attributes:
        reason: a key of `REASONS`.
    """

    def __init__(self, reason: str):
        super().__init__(REASONS[reason])
        self.reason = reason


def encode_answer(value: Any) -> Any:
    """A JSON tree for what a student's function returned: plain values, and no network.

    Raises:
        NotPlain: whatever else it is, also an object that raises when it is looked at.
    """
    try:
        return encode(value, networks=False)
    except NotPlain:
        raise
    except Exception:
        raise NotPlain("other") from None


def encode(value: Any, depth: int = 0, *, networks: bool = True) -> Any:
    """A JSON tree for a plain value.

    Args:
        value: an array, a number, text, a tiny network, or a list, tuple or dictionary of those.
        depth: how many lists it lies in.
        networks: whether a tiny network counts as plain.

    Raises:
        NotPlain: it is something else.
    """
    if depth > MAX_DEPTH:
        raise NotPlain("deep")
    kind = type(value)
    if value is None or kind in (bool, str):
        return value
    if kind is int:
        return value if abs(value) < 2**53 else {"int": _digits(value)}
    if kind is float:
        return value if math.isfinite(value) else {"float": repr(value)}
    spec = getattr(value, "tiny_spec", None) if networks and isinstance(value, torch.nn.Module) else None
    if spec is not None:
        return {"net": spec}
    if isinstance(value, torch.Tensor):
        return {"tensor": _encode_array(_as_array(value))}
    if isinstance(value, (np.ndarray, np.generic)):
        return {"array": _encode_array(np.asarray(value))}
    if isinstance(value, list):
        return {"list": [encode(v, depth + 1, networks=networks) for v in list.__iter__(value)]}
    if isinstance(value, tuple):
        return {"tuple": [encode(v, depth + 1, networks=networks) for v in tuple.__iter__(value)]}
    if isinstance(value, dict):
        pairs = dict.items(value)
        return {"dict": [[encode(part, depth + 1, networks=networks) for part in pair] for pair in pairs]}
    raise NotPlain(_reason(value))


def _reason(value: Any) -> str:
    """Why a value is not plain."""
    if isinstance(value, torch.nn.Module):
        return "network"
    if isinstance(value, (Iterator, range, set, frozenset, KeysView, ValuesView, ItemsView)):
        return "generator"
    if isinstance(value, complex):
        return "complex"
    return "function" if callable(value) else "other"


def _digits(value: int) -> str:
    try:
        return str(value)
    except ValueError:  # Python refuses to write out integers that are too long
        raise NotPlain("integer") from None


def _as_array(tensor: torch.Tensor) -> np.ndarray:
    """The numbers of a tensor, on whatever device, with whatever graph and however they are stored."""
    if tensor.layout != torch.strided:
        raise NotPlain("sparse")
    tensor = torch.Tensor.detach(tensor).cpu().resolve_conj().resolve_neg()
    if tensor.is_complex():
        raise NotPlain("complex")
    half = tensor.dtype in (torch.bfloat16, torch.float16)
    return (tensor.float() if half else tensor).numpy()


def _encode_array(array: np.ndarray) -> list:
    array = np.array(array, order="C")  # a plain copy: no subclass, no view
    if array.dtype.kind not in "biuf":
        raise NotPlain({"c": "complex", "O": "objects", "U": "text", "S": "text"}.get(array.dtype.kind, "other"))
    if array.nbytes > MAX_BYTES:
        raise NotPlain("large")
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
