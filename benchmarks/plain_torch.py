"""The same work in torch without Keras, channels last.  One function a row, named as the row."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn.functional import pad

from benchmarks.data import images, integers
from benchmarks.row import Work

PIXELS = 160
_STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


class _Conv(nn.Sequential):
    """Convolution, batch normalization and, if asked, ReLU6; strides pad below and to the right, as Keras does."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1, act: Any = None):
        padding = 0 if stride > 1 else kernel // 2
        conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)
        norm = nn.BatchNorm2d(outputs, eps=1e-3, momentum=0.001)
        super().__init__(conv, norm, *([act] if act else []))
        self.border = (0, 1, 0, 1) if stride > 1 and kernel > 1 else None

    def forward(self, input: Any) -> Any:
        return super().forward(pad(input, self.border) if self.border else input)


class _Inverted(nn.Module):
    """Expand, filter each channel, project."""

    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int):
        super().__init__()
        wide = inputs * expansion
        expand = [_Conv(inputs, wide, 1, act=nn.ReLU6())] if expansion > 1 else []
        self.path = nn.Sequential(*expand, _Conv(wide, wide, 3, stride, wide, nn.ReLU6()), _Conv(wide, outputs, 1))
        self.around = stride == 1 and inputs == outputs

    def forward(self, x: Any) -> Any:
        return x + self.path(x) if self.around else self.path(x)


def mobilenet_v2(classes: int) -> Any:
    """MobileNetV2 with logits."""
    parts: list[Any] = [_Conv(3, 32, 3, 2, act=nn.ReLU6())]
    width = 32
    for expansion, outputs, repeats, stride in _STAGES:
        for index in range(repeats):
            parts.append(_Inverted(width, outputs, expansion, stride if index == 0 else 1))
            width = outputs
    parts += [_Conv(width, 1280, 1, act=nn.ReLU6()), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1280, classes)]
    return nn.Sequential(*parts).to(memory_format=torch.channels_last)


class _Residual(nn.Module):
    """ResNet-8's block."""

    def __init__(self, inputs: int, outputs: int, stride: int):
        super().__init__()
        self.path = nn.Sequential(_Conv(inputs, outputs, 3, stride, act=nn.ReLU()), _Conv(outputs, outputs, 3))
        self.around = _Conv(inputs, outputs, 1, stride) if stride > 1 else nn.Identity()

    def forward(self, x: Any) -> Any:
        return torch.relu(self.path(x) + self.around(x))


def _batch(count: int, size: int) -> Any:
    return torch.from_numpy(images(count, size)).permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)


def _predict(count: int, size: int, calls: int = 1) -> Work:
    model, x = mobilenet_v2(1000).eval(), _batch(count, size)

    @torch.inference_mode()
    def work() -> list[Any]:
        return [model(x) for _ in range(calls)]

    return work


def _trainer(model: Any, rate: float) -> Any:
    """A function of one batch that takes an Adam step and returns the loss."""
    optimizer, loss_of = torch.optim.Adam(model.parameters(), rate, eps=1e-7), nn.CrossEntropyLoss()
    model.train()

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step


def predict_first() -> Work:
    return _predict(1, 224)


def predict_1() -> Work:
    return _predict(1, 224, 5)


def predict_32() -> Work:
    return _predict(32, PIXELS)


def finetune_step() -> Work:
    step, x, y = _trainer(mobilenet_v2(2), 1e-4), _batch(32, PIXELS), torch.from_numpy(integers(2, 32)).long()
    return lambda: step(x, y)


finetune_first = finetune_step


def resnet_8() -> Work:
    blocks = [_Residual(16, 16, 1), _Residual(16, 32, 2), _Residual(32, 64, 2)]
    head = [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)]
    model = nn.Sequential(_Conv(3, 16, 3, act=nn.ReLU()), *blocks, *head).to(memory_format=torch.channels_last)
    step, x, y = _trainer(model, 1e-3), _batch(1280, 32), torch.from_numpy(integers(10, 1280)).long()
    return lambda: [step(*batch) for batch in zip(x.split(128), y.split(128), strict=True)]
