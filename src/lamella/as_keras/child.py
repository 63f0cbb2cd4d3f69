"""The main module of a process that a program under `lamella run` starts with `multiprocessing`: the program again."""

import os

from lamella.as_keras.program import VARIABLE, load

if __name__ == "__mp_main__":
    exec(load(os.environ[VARIABLE], globals()), globals())
