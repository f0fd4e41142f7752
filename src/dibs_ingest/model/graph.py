"""all-MiniLM-L6-v2 as an ONNX graph, written from its weights.

The package that carries the weights has no ONNX file, and exporting one takes torch, which is three
gigabytes. The model is six plain BERT layers, so the graph is written out here; in fp32 it gives the
vectors of the original (cosine over 0.9999995). Inputs are `ids` and `mask` (batch, tokens); output is
`embedding` (batch, 384), of unit length.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

LAYERS = 6
HEADS = 12
HEAD_DIMS = 32
DIMS = HEADS * HEAD_DIMS
TOKENS_MAX = 256
_EPSILON = 1e-12
_OPSET = 20
_IR_VERSION = 9

_Weights = Mapping[str, NDArray[Any]]


class _Graph:
    """Collects nodes and constants; `run` adds an operation and names its output."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def run(self, operation: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        name = output or f"{operation}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operation, list(inputs), [name], **attributes))
        return name

    def constant(self, name: str, value: NDArray[Any]) -> str:
        self.constants.append(numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name


def build(weights: _Weights) -> onnx.ModelProto:
    """Write the graph for *weights*, named as in the published model."""
    graph = _Graph()
    hidden = _embeddings(graph, weights)
    bias = _attention_bias(graph)
    for layer in range(LAYERS):
        hidden = _layer(graph, weights, f"encoder.layer.{layer}", hidden, bias)
    _pool(graph, hidden)
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "tokens"]) for name in ("ids", "mask")]
    outputs = [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", DIMS])]
    model = helper.make_model(
        helper.make_graph(graph.nodes, "all-MiniLM-L6-v2", inputs, outputs, graph.constants),
        opset_imports=[helper.make_opsetid("", _OPSET)],
        ir_version=_IR_VERSION,
    )
    onnx.checker.check_model(model)
    return model


def _embeddings(graph: _Graph, weights: _Weights) -> str:
    words = graph.constant("words", weights["embeddings.word_embeddings.weight"])
    # Every text is of token type 0, so its vector is added to the positions once and for all.
    token_type = weights["embeddings.token_type_embeddings.weight"][0]
    positions = graph.constant("positions", weights["embeddings.position_embeddings.weight"][:TOKENS_MAX] + token_type)
    length = graph.run("Gather", graph.run("Shape", "ids"), graph.constant("axis_1", np.array(1)))
    numbers = graph.run("Range", graph.constant("zero", np.array(0)), length, graph.constant("one", np.array(1)))
    both = graph.run("Add", graph.run("Gather", words, "ids"), graph.run("Gather", positions, numbers))
    return _normalize(graph, weights, "embeddings.LayerNorm", both)


def _attention_bias(graph: _Graph) -> str:
    """0 where there is a token, a very negative number where there is padding; (batch, 1, 1, tokens)."""
    mask = graph.run("Cast", "mask", output="mask_float", to=TensorProto.FLOAT)
    wide = graph.run("Unsqueeze", mask, graph.constant("axes_1_2", np.array([1, 2])))
    missing = graph.run("Sub", graph.constant("float_one", np.array(1, np.float32)), wide)
    return graph.run("Mul", missing, graph.constant("very_negative", np.array(-1e9, np.float32)))


def _layer(graph: _Graph, weights: _Weights, name: str, hidden: str, bias: str) -> str:
    attended = _attention(graph, weights, f"{name}.attention", hidden, bias)
    hidden = _normalize(graph, weights, f"{name}.attention.output.LayerNorm", graph.run("Add", attended, hidden))
    inner = graph.run("Gelu", _linear(graph, weights, f"{name}.intermediate.dense", hidden))
    outer = _linear(graph, weights, f"{name}.output.dense", inner)
    return _normalize(graph, weights, f"{name}.output.LayerNorm", graph.run("Add", outer, hidden))


def _attention(graph: _Graph, weights: _Weights, name: str, hidden: str, bias: str) -> str:
    heads: Callable[[str, list[int]], str] = lambda part, order: graph.run(  # noqa: E731 - three uses on four lines
        "Transpose",
        graph.run("Reshape", _linear(graph, weights, f"{name}.self.{part}", hidden), _shape(graph, HEADS, HEAD_DIMS)),
        perm=order,
    )
    scores = graph.run("MatMul", heads("query", [0, 2, 1, 3]), heads("key", [0, 2, 3, 1]))
    scale = graph.constant(f"{name}.scale", np.array(HEAD_DIMS**-0.5, np.float32))
    weighed = graph.run("Softmax", graph.run("Add", graph.run("Mul", scores, scale), bias), axis=-1)
    mixed = graph.run("Transpose", graph.run("MatMul", weighed, heads("value", [0, 2, 1, 3])), perm=[0, 2, 1, 3])
    joined = graph.run("Reshape", mixed, _shape(graph, DIMS))
    return _linear(graph, weights, f"{name}.output.dense", joined)


def _pool(graph: _Graph, hidden: str) -> None:
    """The mean over the tokens that are not padding, scaled to unit length."""
    mask = graph.run("Unsqueeze", "mask_float", graph.constant("axes_2", np.array([2])))
    axis = graph.constant("axes_1", np.array([1]))
    total = graph.run("ReduceSum", graph.run("Mul", hidden, mask), axis, keepdims=0)
    mean = graph.run("Div", total, graph.run("ReduceSum", mask, axis, keepdims=0))
    graph.run("LpNormalization", mean, output="embedding", axis=1, p=2)


def _linear(graph: _Graph, weights: _Weights, name: str, value: str) -> str:
    # Weights lie as (out, in); MatMul wants (in, out).
    weight = graph.constant(f"{name}.weight", weights[f"{name}.weight"].T)
    return graph.run("Add", graph.run("MatMul", value, weight), graph.constant(f"{name}.bias", weights[f"{name}.bias"]))


def _normalize(graph: _Graph, weights: _Weights, name: str, value: str) -> str:
    scale = graph.constant(f"{name}.weight", weights[f"{name}.weight"])
    bias = graph.constant(f"{name}.bias", weights[f"{name}.bias"])
    return graph.run("LayerNormalization", value, scale, bias, axis=-1, epsilon=_EPSILON)


def _shape(graph: _Graph, *last: int) -> str:
    """Keep batch and tokens, and lay out the rest as *last*."""
    return graph.constant(f"shape_{len(graph.nodes)}", np.array([0, 0, *last]))
