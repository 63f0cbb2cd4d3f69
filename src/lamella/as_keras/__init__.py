"""Makes `import keras` and `tf.keras` mean Lamella, in this process.

    lamella run script.py          # a program, untouched
    import lamella.as_keras        # the first line of a notebook, or of a conftest.py

Importing this room installs an import hook: `keras`, `keras.src` (the names that libraries use) and `tensorflow.keras`
are then answered from Lamella, whether or not Keras is installed.  Nothing else of Lamella imports it.  Read `finder`
first, then `namespace`, then `keras_src`.
"""

from lamella.as_keras.finder import install
from lamella.as_keras.namespace import KERAS_VERSION

install()

__all__ = ["KERAS_VERSION", "install"]
