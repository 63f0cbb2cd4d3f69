"""What an editor knows about code of a user: types, errors, completions, signatures, hover text."""

import json
import subprocess
import sys
from pathlib import Path

import jedi
import pytest

import lamella

SOURCE = str(Path(lamella.__file__).parents[1])

BEGINNING = """\
import lamella as keras
from lamella import layers
x = keras.Input((4,))
dense = layers.Dense(4)
model = keras.Model(x, dense(x))
chain = keras.Sequential([dense])
class Own(keras.Model):
    def __init__(self, units=3, **kwargs):
        super().__init__(**kwargs)
        self.dense = layers.Dense(units)
    def build(self, input_shape):
        super().build(input_shape)
    def call(self, x, training=False):
        return self.dense(x)
class Scale(layers.Layer):
    def __init__(self, start, **kwargs):
        super().__init__(**kwargs)
        self.start = start
    def build(self, input_shape):
        self.w = self.add_weight(shape=input_shape[-1:], initializer="ones")
    def call(self, inputs, mask=None):
        return inputs * self.w
own = Own(units=3)
"""

TYPES = {
    "x": "KerasTensor",
    "dense": "Dense",
    "model": "Model",
    "chain": "Sequential",
    "own": "Own",
    "model.layers": "list[Layer]",
    "model.get_layer('dense')": "Layer",
    "model.anatomy": "Anatomy",
    "model.fit(x)": "History",
    "keras.optimizers.Adam(1e-3)": "Adam",
    "keras.losses.MeanSquaredError()": "MeanSquaredError",
    "keras.metrics.Accuracy()": "Accuracy",
    "keras.callbacks.EarlyStopping()": "EarlyStopping",
    "keras.applications.MobileNetV2()": "Functional",
    "keras.saving.load_model('x.keras')": "Model",
    "keras.models.clone_model(model)": "Model",
}

RIGHT = [
    "layers.Dense(3, name='d', dtype='float16', trainable=False, input_shape=(3,), activation='relu')",
    "layers.LSTM(3, return_sequences=True, name='l', activity_regularizer='l2')",
    "layers.Embedding(3, 4, input_length=3)",
    "layers.Conv2D(8, 3, lora_rank=2, input_shape=(8, 8, 3))",
    "layers.LeakyReLU(alpha=0.3)",
    "Scale(1.0, name='s')",
    "keras.Model(inputs=x, outputs=dense(x), name='m')",
    "model.optimizer.learning_rate = 0.1",
    "model.layers[-1].trainable = False",
    "keras.Model(model.input, model.layers[-1].output)",
]

WRONG = {
    "layers.Dense(4, activaton='relu')": "activaton",
    "layers.Conv2D(4, 3, paddin='same')": "paddin",
    "layers.MaxPooling2D(stride=2)": "stride",
    "layers.BatchNormalization(momentun=0.9)": "momentun",
    "layers.Dense('four')": "units",
    "layers.Denss(4)": "Denss",
    "model.fitt(x)": "fitt",
    "own.summry()": "summry",
    "model.compile(optimzer='adam')": "optimzer",
    "model.fit(x, epoch=3)": "epoch",
    "keras.Model(inputs=x, output=x)": "__init__",
    "keras.Sequential([], nam='x')": "nam",
    "keras.optimizers.Adam(learning_rat=0.1)": "learning_rat",
    "keras.losses.MeanSquaredError(reducton='sum')": "reducton",
    "keras.callbacks.EarlyStopping(patienc=3)": "patienc",
    "Own().fit(x, epochs='many')": "epochs",
}


@pytest.fixture(scope="module")
def messages(tmp_path_factory):
    """What pyright says of each line of a file, by its text."""
    lines = [*(f"reveal_type({code})" for code in TYPES), *RIGHT, *WRONG]
    folder = tmp_path_factory.mktemp("user")
    (folder / "user.py").write_text(BEGINNING + "\n".join(lines) + "\n")
    (folder / "pyrightconfig.json").write_text(json.dumps({"typeCheckingMode": "basic", "extraPaths": [SOURCE]}))
    command = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable, "user.py"]
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    said: dict[str, str] = {}
    source = (folder / "user.py").read_text().splitlines()
    for found in json.loads(run.stdout)["generalDiagnostics"]:
        line = source[found["range"]["start"]["line"]]
        said[line] = said.get(line, "") + found["message"]
    return said


@pytest.mark.parametrize("code", TYPES)
def test_types(messages, code):
    assert f'is "{TYPES[code]}"' in messages[f"reveal_type({code})"]


def test_right_code_is_no_error(messages):
    unexpected = {line: said for line, said in messages.items() if line not in WRONG and "reveal_type" not in line}
    assert unexpected == {}


@pytest.mark.parametrize("code", WRONG)
def test_errors(messages, code):
    assert WRONG[code] in messages.get(code, "")


def editor(line):
    return jedi.Script(BEGINNING + line, project=jedi.Project(".", added_sys_path=[SOURCE]))


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("model.fi", "fit"),
        ("own.summ", "summary"),
        ("dense.ker", "kernel"),
        ("layers.Conv", "Conv2DTranspose"),
        ("keras.opt", "optimizers"),
        ("layers.Dense(4, activ", "activation="),
        ("model.anatomy.exp", "explain"),
    ],
)
def test_completions(line, name):
    assert name in [completion.name for completion in editor(line).complete()]


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("layers.Dense(", "units: int"),
        ("model.fit(", "epochs: int=1"),
        ("keras.optimizers.Adam(", "learning_rate"),
        ("keras.ops.mean(", "keepdims"),
        ("keras.Sequential(", "layers"),
    ],
)
def test_signatures(line, text):
    assert any(text in signature.to_string() for signature in editor(line).get_signatures())


@pytest.mark.parametrize(("line", "text"), [("layers.Dense", "Multiplies"), ("model.summary", "Prints what is inside")])
def test_hover(line, text):
    assert any(text in name.docstring() for name in editor(line).help())
