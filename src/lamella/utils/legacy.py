"""`keras.utils.legacy`: the same as `keras.legacy.saving`."""

from lamella.legacy import saving

deserialize_keras_object = saving.deserialize_keras_object
serialize_keras_object = saving.serialize_keras_object

__all__ = ["deserialize_keras_object", "serialize_keras_object"]
