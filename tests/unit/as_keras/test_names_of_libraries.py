"""Ways in which libraries reach Keras's names."""

STARS = """
    import types
    from keras.src.activations import *
    from keras.src.layers import *
    from keras.src.ops import *
    from keras.src.saving import *
    from keras.src.utils import *

    public = {name: value for name, value in globals().items() if name[0] != "_"}
    modules = [name for name, value in public.items() if isinstance(value, types.ModuleType)]
    print(modules, Dense.__name__, matmul.__name__, register_keras_serializable.__name__)
"""


def test_a_star_import_from_a_private_module_gives_names_and_no_modules(run):
    done = run(STARS)
    assert done.out.split() == ["['types']", "Dense", "matmul", "register_keras_serializable"], done.err


def test_every_setting_of_keras_can_be_read(run):
    text = """
        import keras
        from keras.config import floatx, image_data_format

        print(keras.config.backend(), keras.config.floatx(), keras.config.epsilon(), keras.config.dtype_policy().name)
    """
    done = run(text)
    assert done.out.split() == ["jax", "float32", "1e-07", "float32"], done.err


def test_a_module_that_is_not_in_lamella_is_imported_and_its_names_are_refused(run):
    text = """
        import keras
        import keras.distribution
        from keras import distribution

        for name in ("DeviceMesh", "set_distribution"):
            try:
                getattr(distribution, name)
            except AttributeError as error:
                print(str(error).replace("\\n", " "))
        try:
            from keras.distribution import LayoutMap
        except ImportError as error:
            print(str(error).replace("\\n", " "))
    """
    done = run(text)
    first, second, third = done.out.splitlines()
    for line, name in ((first, "DeviceMesh"), (second, "set_distribution"), (third, "LayoutMap")):
        assert f"distribution.{name} is in Keras and not in Lamella yet" in line and "jax.sharding" in line


def test_private_names_beside_the_public_ones(run):
    done = run("""
        from keras.src.random.seed_generator import global_seed_generator
        from keras.src.version import __version__
        import keras

        print(type(global_seed_generator()) is keras.random.SeedGenerator, __version__)
    """)
    assert done.out.split() == ["True", "3.15.1"], done.err
