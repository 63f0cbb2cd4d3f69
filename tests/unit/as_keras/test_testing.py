"""What tests of libraries use of Keras's private rooms: `keras.src.testing`, helpers of image models."""


def test_a_layer_is_checked_as_libraries_do(run):
    done = run(
        """
        import unittest
        import keras
        from keras.src import testing
        from keras.src.testing.test_utils import named_product

        @keras.saving.register_keras_serializable()
        class Scale(keras.layers.Layer):
            def __init__(self, factor=2.0, **kwargs):
                super().__init__(**kwargs)
                self.factor = factor
            def build(self, input_shape):
                self.w = self.add_weight(shape=(input_shape[-1],), initializer="ones")
                self.built = True
            def call(self, x):
                return x * self.w * self.factor
            def get_config(self):
                return {**super().get_config(), "factor": self.factor}

        class Test(testing.TestCase):
            def test_right(self):
                self.run_layer_test(Scale, {"factor": 3.0}, input_shape=(2, 4), expected_output_shape=(2, 4),
                    expected_num_trainable_weights=1, expected_num_non_trainable_weights=0,
                    expected_num_seed_generators=0, expected_num_losses=0, supports_masking=False,
                    run_mixed_precision_check=False)
            def test_wrong_shape(self):
                with self.assertRaises(AssertionError):
                    self.run_layer_test(Scale, {}, input_shape=(2, 4), expected_output_shape=(2, 5))
            def test_wrong_count(self):
                with self.assertRaises(AssertionError):
                    self.run_layer_test(Scale, {}, input_shape=(2, 4), expected_num_trainable_weights=2)
            def test_structures(self):
                self.run_layer_test(keras.layers.Add, {}, input_shape=[(2, 3), (2, 3)], expected_output_shape=(2, 3))
                self.run_layer_test(keras.layers.Dropout, {"rate": 0.5}, input_shape=(2, 3),
                    expected_num_seed_generators=1)
                self.run_layer_test(keras.layers.Embedding, {"input_dim": 3, "output_dim": 4}, input_shape=(2, 5),
                    input_dtype="int32", expected_output_shape=(2, 5, 4), expected_output_dtype="float32",
                    run_mixed_precision_check=False)

        names = [one["testcase_name"] for one in named_product([{"testcase_name": "a", "x": 1}], kind=[int, float])]
        assert names == ["a_int", "a_float"], names
        unittest.main(argv=["tests"])
        """
    )
    assert done.code == 0 and "Ran 4 tests" in done.err, done.err


def test_helpers_of_image_models(run):
    done = run(
        """
        import keras, numpy as np
        from keras.src.applications.imagenet_utils import correct_pad, obtain_input_shape
        shape = lambda given, **options: obtain_input_shape(given, **{**dict(default_size=224, min_size=32,
            data_format="channels_last", require_flatten=False), **options})
        assert shape(None) == (None, None, 3) and shape(None, require_flatten=True) == (224, 224, 3)
        assert shape((64, 48, 1)) == (64, 48, 1) and shape(None, data_format="channels_first") == (3, None, None)
        for given, options in (((8, 8, 3), {}), ((64, 64), {}), ((64, 64, 1), {"weights": "imagenet"}),
                               ((None, None, 3), {"require_flatten": True}),
                               ((64, 64, 3), {"data_format": "channels_lost"})):
            try:
                shape(given, **options)
            except ValueError:
                pass
            else:
                raise AssertionError(given)
        assert correct_pad(np.ones((1, 7, 8, 3)), 3) == ((1, 1), (0, 1))
        """
    )
    assert done.code == 0, done.err
