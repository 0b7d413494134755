"""How each format is written, and opened in its own runtime."""

import contextlib
import io
import json
import shutil
import sys
import warnings
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.errors import UsageError
from tuner.use.description import LABELS

Images = NDArray[np.uint8]
Predict = Callable[[Images], Any]
"""Raw images to what the model puts out: (n, classes), or (n, 1) for two classes."""


@dataclass(frozen=True)
class Format:
    """One format.

    Attributes:
        name: as in `--to`.
        file: what is written, a file or a folder.
        extra: the extra of this project that brings what it needs; "" for nothing.
        needs: the modules of that extra.
        write: writes a Keras model with the names of its classes.
        open: opens what was written in the format's own runtime.
    """

    name: str
    file: str
    extra: str
    needs: tuple[str, ...]
    write: Callable[[Any, Sequence[str], Path], None]
    open: Callable[[Path], Predict]

    @property
    def lacking(self) -> list[str]:
        """The modules that it needs and that are not installed."""
        return [name for name in self.needs if find_spec(name) is None]

    def check(self) -> None:
        """Whether what it needs is installed.

        Raises:
            UsageError: it is not; it names the extra.
        """
        if self.lacking:
            raise UsageError(
                f"--to {self.name} needs {', '.join(self.lacking)}, which is not installed\n"
                f"it comes with the extra: pip install 'tune-images[{self.extra}]'"
            )


def _write_keras(model: Any, _labels: Sequence[str], path: Path) -> None:
    model.save(path)  # which has no place for labels: they lie beside it


def _open_keras(path: Path) -> Predict:
    import keras

    model = keras.saving.load_model(path, compile=False, safe_mode=True)
    return lambda images: np.asarray(model(images))


def _write_saved_model(model: Any, labels: Sequence[str], path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)
    _export(model, path, "tf_saved_model")
    extra = path / "assets.extra"
    extra.mkdir(exist_ok=True)
    (extra / LABELS).write_text(json.dumps(list(labels)), encoding="utf-8")


def _open_saved_model(path: Path) -> Predict:
    import keras

    layer = keras.layers.TFSMLayer(str(path), call_endpoint="serve")
    return lambda images: np.asarray(layer(images))


def _write_onnx(model: Any, labels: Sequence[str], path: Path) -> None:
    import onnx

    _export(model, path, "onnx")
    whole = onnx.load(path)
    onnx.helper.set_model_props(whole, {"labels": json.dumps(list(labels))})
    onnx.save(whole, path)


def _open_onnx(path: Path) -> Predict:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda images: session.run(None, {name: images})[0]


def _write_litert(model: Any, labels: Sequence[str], path: Path) -> None:
    _export(model, path, "litert")
    add_labels(path, labels)


def add_labels(path: Path, labels: Sequence[str]) -> None:
    """Puts the names of the classes into a LiteRT file, where its tools look for them: a zip at its end."""
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("labels.txt", "".join(f"{' '.join(label.split())}\n" for label in labels))


def open_litert(path: Path) -> Predict:
    """Opens a LiteRT file; it takes any number of images at a time."""
    from ai_edge_litert.interpreter import Interpreter

    def predict(images: Images) -> Any:
        interpreter = Interpreter(str(path))
        taken = interpreter.get_input_details()[0]["index"]
        interpreter.resize_tensor_input(taken, images.shape)
        interpreter.allocate_tensors()
        interpreter.set_tensor(taken, images)
        interpreter.invoke()
        return interpreter.get_tensor(interpreter.get_output_details()[0]["index"])

    return predict


def _openvino() -> Any:
    """OpenVINO without the package by which its converter tells its publisher over the network of each use.

    It has a stub for machines that lack the package, which is what this process then is.
    """
    sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]
    import openvino

    return openvino


def _write_openvino(model: Any, labels: Sequence[str], path: Path) -> None:
    openvino = _openvino()
    first = path.with_name(f".{path.stem}.tmp.xml")
    try:
        _export(model, first, "openvino")
        whole = openvino.Core().read_model(first)
        whole.set_rt_info(json.dumps(list(labels)), ["labels"])
        openvino.save_model(whole, path, compress_to_fp16=False)
        del whole
    finally:
        for suffix in (".xml", ".bin"):
            first.with_suffix(suffix).unlink(missing_ok=True)


def _open_openvino(path: Path) -> Predict:
    openvino = _openvino()
    # Left to itself it computes in bfloat16 where the processor can, and differs in the third digit.
    compiled = openvino.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda images: compiled([images])[compiled.output(0)]


def _export(model: Any, path: Path, kind: str, **options: Any) -> None:
    with quietly():
        model.export(str(path), format=kind, verbose=False, **options)


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Keeps converters from warning of each other, and from printing."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield


def write_int8(model: Any, labels: Sequence[str], path: Path, some: Images) -> None:
    """Writes a LiteRT file that computes in 8 bits, with ranges measured on training images.

    Args:
        model: a Keras model.
        labels: names of the classes.
        path: of the file.
        some: training images.
    """
    from tensorflow import lite  # noqa: TID251 - LiteRT's converter is TensorFlow's own, not Keras'

    def calibration() -> Iterator[list[Images]]:
        for image in some:
            yield [image[None]]

    _export(
        model,
        path,
        "litert",
        optimizations=[lite.Optimize.DEFAULT],
        representative_dataset=calibration,
    )
    add_labels(path, labels)


FORMATS = {
    each.name: each
    for each in (
        Format("keras", "model.keras", "", (), _write_keras, _open_keras),
        Format("saved-model", "saved-model", "", (), _write_saved_model, _open_saved_model),
        Format("onnx", "model.onnx", "onnx", ("tf2onnx", "onnx", "onnxruntime"), _write_onnx, _open_onnx),
        Format("litert", "model.tflite", "litert", ("ai_edge_litert",), _write_litert, open_litert),
        Format("openvino", "model.xml", "openvino", ("openvino",), _write_openvino, _open_openvino),
    )
}
INT8 = Format("litert-int8", "model-int8.tflite", "litert", ("ai_edge_litert",), _write_litert, open_litert)
