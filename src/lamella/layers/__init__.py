"""Layers, one family a file; `Layer` is what they all are."""

from typing import TYPE_CHECKING, Any

from lamella.layers.activation import (
    ELU,
    Activation,
    LeakyReLU,
    PReLU,
    ReLU,
    Softmax,
)
from lamella.layers.attention.dot_product import (
    AdditiveAttention,
    Attention,
)
from lamella.layers.attention.grouped_query import (
    GroupQueryAttention,
)
from lamella.layers.attention.multi_head import (
    MultiHeadAttention,
)
from lamella.layers.convolution.convolution import (
    Conv1D,
    Conv2D,
    Conv3D,
    Convolution1D,
    Convolution2D,
    Convolution3D,
)
from lamella.layers.convolution.depthwise import (
    DepthwiseConv1D,
    DepthwiseConv2D,
)
from lamella.layers.convolution.separable import (
    SeparableConv1D,
    SeparableConv2D,
    SeparableConvolution1D,
    SeparableConvolution2D,
)
from lamella.layers.convolution.transpose import (
    Conv1DTranspose,
    Conv2DTranspose,
    Conv3DTranspose,
    Convolution1DTranspose,
    Convolution2DTranspose,
    Convolution3DTranspose,
)
from lamella.layers.core.dense import (
    Dense,
)
from lamella.layers.core.einsum_dense import (
    EinsumDense,
)
from lamella.layers.core.embedding import (
    Embedding,
    ReversibleEmbedding,
)
from lamella.layers.core.flax_layer import (
    FlaxLayer,
)
from lamella.layers.core.identity import (
    Identity,
    Masking,
)
from lamella.layers.core.jax_layer import (
    JaxLayer,
)
from lamella.layers.core.lambda_layer import (
    Lambda,
)
from lamella.layers.core.wrapper import (
    Wrapper,
)
from lamella.layers.input_layer import Input, InputLayer
from lamella.layers.input_spec import InputSpec
from lamella.layers.layer import Layer
from lamella.layers.lookup import deserialize, serialize
from lamella.layers.merging.concatenate import (
    Concatenate,
    concatenate,
)
from lamella.layers.merging.dot import (
    Dot,
    dot,
)
from lamella.layers.merging.elementwise import (
    Add,
    Average,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    add,
    average,
    maximum,
    minimum,
    multiply,
    subtract,
)
from lamella.layers.normalization.batch import (
    BatchNormalization,
)
from lamella.layers.normalization.sample import (
    GroupNormalization,
    LayerNormalization,
    RMSNormalization,
    UnitNormalization,
)
from lamella.layers.normalization.spectral import (
    SpectralNormalization,
)
from lamella.layers.pooling.adaptive import (
    AdaptiveAveragePooling1D,
    AdaptiveAveragePooling2D,
    AdaptiveAveragePooling3D,
    AdaptiveMaxPooling1D,
    AdaptiveMaxPooling2D,
    AdaptiveMaxPooling3D,
)
from lamella.layers.pooling.whole import (
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalAveragePooling3D,
    GlobalAvgPool1D,
    GlobalAvgPool2D,
    GlobalAvgPool3D,
    GlobalMaxPool1D,
    GlobalMaxPool2D,
    GlobalMaxPool3D,
    GlobalMaxPooling1D,
    GlobalMaxPooling2D,
    GlobalMaxPooling3D,
)
from lamella.layers.pooling.window import (
    AveragePooling1D,
    AveragePooling2D,
    AveragePooling3D,
    AvgPool1D,
    AvgPool2D,
    AvgPool3D,
    MaxPool1D,
    MaxPool2D,
    MaxPool3D,
    MaxPooling1D,
    MaxPooling2D,
    MaxPooling3D,
)
from lamella.layers.preprocessing.encoding import (
    CategoryEncoding,
    Discretization,
)
from lamella.layers.preprocessing.hashing import (
    HashedCrossing,
    Hashing,
)
from lamella.layers.preprocessing.lookup import (
    IntegerLookup,
    StringLookup,
)
from lamella.layers.preprocessing.max_boxes import (
    MaxNumBoundingBoxes,
)
from lamella.layers.preprocessing.pipeline import (
    Pipeline,
)
from lamella.layers.preprocessing.random_chains import (
    AugMix,
    RandAugment,
)
from lamella.layers.preprocessing.random_color import (
    RandomBrightness,
    RandomColorDegeneration,
    RandomContrast,
    RandomGrayscale,
    RandomHue,
    RandomInvert,
    RandomSaturation,
)
from lamella.layers.preprocessing.random_geometry import (
    RandomCrop,
    RandomFlip,
    RandomRotation,
    RandomTranslation,
    RandomZoom,
)
from lamella.layers.preprocessing.random_jitter import (
    RandomColorJitter,
)
from lamella.layers.preprocessing.random_levels import (
    RandomPosterization,
    Solarization,
)
from lamella.layers.preprocessing.random_mixing import (
    CutMix,
    MixUp,
    RandomErasing,
)
from lamella.layers.preprocessing.random_sharpness import (
    RandomGaussianBlur,
    RandomSharpness,
)
from lamella.layers.preprocessing.random_warp import (
    RandomElasticTransform,
    RandomPerspective,
    RandomShear,
)
from lamella.layers.preprocessing.resizing import (
    CenterCrop,
    Resizing,
)
from lamella.layers.preprocessing.scaling import (
    Normalization,
    Rescaling,
)
from lamella.layers.preprocessing.spectrogram import (
    MelSpectrogram,
    STFTSpectrogram,
)
from lamella.layers.preprocessing.text import (
    TextVectorization,
)
from lamella.layers.preprocessing.tone import (
    AutoContrast,
    ContrastLimitedAdaptiveHistogramEqualization,
    Equalization,
)
from lamella.layers.regularization.dropout import (
    AlphaDropout,
    Dropout,
    SpatialDropout1D,
    SpatialDropout2D,
    SpatialDropout3D,
)
from lamella.layers.regularization.noise import (
    ActivityRegularization,
    GaussianDropout,
    GaussianNoise,
)
from lamella.layers.reshaping.axes import (
    Flatten,
    Permute,
    RepeatVector,
    Reshape,
)
from lamella.layers.reshaping.borders import (
    Cropping1D,
    Cropping2D,
    Cropping3D,
    ZeroPadding1D,
    ZeroPadding2D,
    ZeroPadding3D,
)
from lamella.layers.reshaping.upsampling import (
    UpSampling1D,
    UpSampling2D,
    UpSampling3D,
)
from lamella.layers.rnn.bidirectional import (
    Bidirectional,
)
from lamella.layers.rnn.conv_lstm import (
    ConvLSTM1D,
    ConvLSTM2D,
    ConvLSTM3D,
)
from lamella.layers.rnn.gru import (
    GRU,
    GRUCell,
)
from lamella.layers.rnn.lstm import (
    LSTM,
    LSTMCell,
)
from lamella.layers.rnn.rnn import (
    RNN,
)
from lamella.layers.rnn.simple_rnn import (
    SimpleRNN,
    SimpleRNNCell,
)
from lamella.layers.rnn.stacked import (
    StackedRNNCells,
)
from lamella.layers.rnn.time_distributed import (
    TimeDistributed,
)
from lamella.missing_names import missing_name

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        raise missing_name(__name__, name)


__all__ = [
    "ELU",
    "GRU",
    "LSTM",
    "RNN",
    "Activation",
    "ActivityRegularization",
    "AdaptiveAveragePooling1D",
    "AdaptiveAveragePooling2D",
    "AdaptiveAveragePooling3D",
    "AdaptiveMaxPooling1D",
    "AdaptiveMaxPooling2D",
    "AdaptiveMaxPooling3D",
    "Add",
    "AdditiveAttention",
    "AlphaDropout",
    "Attention",
    "AugMix",
    "AutoContrast",
    "Average",
    "AveragePooling1D",
    "AveragePooling2D",
    "AveragePooling3D",
    "AvgPool1D",
    "AvgPool2D",
    "AvgPool3D",
    "BatchNormalization",
    "Bidirectional",
    "CategoryEncoding",
    "CenterCrop",
    "Concatenate",
    "ContrastLimitedAdaptiveHistogramEqualization",
    "Conv1D",
    "Conv1DTranspose",
    "Conv2D",
    "Conv2DTranspose",
    "Conv3D",
    "Conv3DTranspose",
    "ConvLSTM1D",
    "ConvLSTM2D",
    "ConvLSTM3D",
    "Convolution1D",
    "Convolution1DTranspose",
    "Convolution2D",
    "Convolution2DTranspose",
    "Convolution3D",
    "Convolution3DTranspose",
    "Cropping1D",
    "Cropping2D",
    "Cropping3D",
    "CutMix",
    "Dense",
    "DepthwiseConv1D",
    "DepthwiseConv2D",
    "Discretization",
    "Dot",
    "Dropout",
    "EinsumDense",
    "Embedding",
    "Equalization",
    "Flatten",
    "FlaxLayer",
    "GRUCell",
    "GaussianDropout",
    "GaussianNoise",
    "GlobalAveragePooling1D",
    "GlobalAveragePooling2D",
    "GlobalAveragePooling3D",
    "GlobalAvgPool1D",
    "GlobalAvgPool2D",
    "GlobalAvgPool3D",
    "GlobalMaxPool1D",
    "GlobalMaxPool2D",
    "GlobalMaxPool3D",
    "GlobalMaxPooling1D",
    "GlobalMaxPooling2D",
    "GlobalMaxPooling3D",
    "GroupNormalization",
    "GroupQueryAttention",
    "HashedCrossing",
    "Hashing",
    "Identity",
    "Input",
    "InputLayer",
    "InputSpec",
    "IntegerLookup",
    "JaxLayer",
    "LSTMCell",
    "Lambda",
    "Layer",
    "LayerNormalization",
    "LeakyReLU",
    "Masking",
    "MaxNumBoundingBoxes",
    "MaxPool1D",
    "MaxPool2D",
    "MaxPool3D",
    "MaxPooling1D",
    "MaxPooling2D",
    "MaxPooling3D",
    "Maximum",
    "MelSpectrogram",
    "Minimum",
    "MixUp",
    "MultiHeadAttention",
    "Multiply",
    "Normalization",
    "PReLU",
    "Permute",
    "Pipeline",
    "RMSNormalization",
    "RandAugment",
    "RandomBrightness",
    "RandomColorDegeneration",
    "RandomColorJitter",
    "RandomContrast",
    "RandomCrop",
    "RandomElasticTransform",
    "RandomErasing",
    "RandomFlip",
    "RandomGaussianBlur",
    "RandomGrayscale",
    "RandomHue",
    "RandomInvert",
    "RandomPerspective",
    "RandomPosterization",
    "RandomRotation",
    "RandomSaturation",
    "RandomSharpness",
    "RandomShear",
    "RandomTranslation",
    "RandomZoom",
    "ReLU",
    "RepeatVector",
    "Rescaling",
    "Reshape",
    "Resizing",
    "ReversibleEmbedding",
    "STFTSpectrogram",
    "SeparableConv1D",
    "SeparableConv2D",
    "SeparableConvolution1D",
    "SeparableConvolution2D",
    "SimpleRNN",
    "SimpleRNNCell",
    "Softmax",
    "Solarization",
    "SpatialDropout1D",
    "SpatialDropout2D",
    "SpatialDropout3D",
    "SpectralNormalization",
    "StackedRNNCells",
    "StringLookup",
    "Subtract",
    "TextVectorization",
    "TimeDistributed",
    "UnitNormalization",
    "UpSampling1D",
    "UpSampling2D",
    "UpSampling3D",
    "Wrapper",
    "ZeroPadding1D",
    "ZeroPadding2D",
    "ZeroPadding3D",
    "add",
    "average",
    "concatenate",
    "deserialize",
    "dot",
    "maximum",
    "minimum",
    "multiply",
    "serialize",
    "subtract",
]
