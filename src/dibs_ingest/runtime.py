"""onnxruntime, without telemetry.

Its builds report to their maker by default, over the network, and leave an identifier of the machine behind. The
variable that turns it off is heeded only if it is set before the library is loaded, so nothing else here imports it.
"""

import os
from pathlib import Path
from typing import Any

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime  # type: ignore[import-untyped]


def open_session(graph: Path) -> Any:
    """Load *graph* to run on one thread of the CPU: on busy cores two threads are slower than one."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def quantize(full: Path, small: Path) -> None:
    """Write the graph *full* to *small* with weights of eight bits."""
    # Needed once, and slow to load.
    import logging

    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic  # type: ignore[import-untyped]

    # It advises every caller to pre-process the graph, also where that has been seen to change nothing.
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        quantize_dynamic(
            full,
            small,
            op_types_to_quantize=["MatMul"],
            per_channel=True,
            weight_type=QuantType.QInt8,
            extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
        )
    finally:
        logging.disable(before)
