"""`lamella run` starts a program as Python does."""

LOOK = """
    import os, sys
    here = os.path.dirname(os.path.abspath(__file__))
    print(__name__, os.path.basename(__file__), sys.argv, sys.path[0] == here, __package__, __spec__, __doc__)
    print(sys.modules["__main__"].__dict__ is globals())
"""


def test_names_arguments_and_path_are_those_that_python_gives(run):
    ours, pythons = run(LOOK, "a", "--b=1", "-m"), run(LOOK, "a", "--b=1", "-m", by=())
    assert ours.out == pythons.out
    assert ours.code == pythons.code == 0


def test_a_traceback_is_what_python_prints(run):
    text = """
        def divide():
            return 1 / 0

        try:
            divide()
        except ZeroDivisionError as error:
            raise ValueError("second") from error
    """
    ours, pythons = run(text), run(text, by=())
    assert (ours.code, ours.err) == (pythons.code, pythons.err)
    assert ours.code == 1


def test_a_syntax_error_is_what_python_prints(run):
    ours, pythons = run("def f(:\n"), run("def f(:\n", by=())
    assert (ours.code, ours.err) == (pythons.code, pythons.err)


def test_exit_codes(run):
    for text, code in (("import sys; sys.exit(3)", 3), ("raise SystemExit('no')", 1), ("import sys; sys.exit()", 0)):
        ours, pythons = run(text), run(text, by=())
        assert (ours.code, ours.err) == (pythons.code, pythons.err)
        assert ours.code == code


def test_a_module_runs_as_with_python(run):
    package = run.folder / "package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "part.py").write_text("value = 7")
    (package / "__main__.py").write_text(
        "import sys\nfrom . import part\nprint(__name__, __package__, __spec__.name, part.value, sys.argv)"
    )
    ours = run.command("-m", "lamella", "run", "-m", "package", "--x")
    pythons = run.command("-m", "package", "--x")
    assert ours.out == pythons.out
    assert "7" in ours.out


def test_a_folder_with_a_main_file_runs(run):
    (run.folder / "__main__.py").write_text("import beside\nprint(beside.value, __package__ == '')")
    (run.folder / "beside.py").write_text("value = 5")
    ours, pythons = run.command("-m", "lamella", "run", "."), run.command(".")
    assert ours.out == pythons.out == "5 True\n"


def test_what_is_not_there_is_refused(run):
    for words in (["none.py"], ["-m", "no_such_module"], [], ["-x"], ["-m"]):
        done = run.command("-m", "lamella", "run", *words)
        assert done.code == 2, words
        assert "lamella run" in done.err
        assert "Traceback" not in done.err


def test_help_is_printed(run):
    done = run.command("-m", "lamella", "run", "--help")
    assert done.code == 0
    assert "lamella run FILE" in done.out


def test_processes_of_the_program_mean_lamella_too(run):
    text = """
        import multiprocessing, sys
        import keras

        def kind(_):
            import keras
            return keras.layers.Dense.__module__.split(".")[0], keras.__version__

        if __name__ == "__main__":
            for method in ("spawn", "fork") if sys.platform == "linux" else ("spawn",):
                with multiprocessing.get_context(method).Pool(1) as pool:
                    print(pool.map(kind, [0]))
    """
    done = run(text, env={"PYTHONWARNINGS": "ignore"})
    assert done.code == 0, done.err
    lines = set(done.out.splitlines())
    assert lines == {"[('lamella', '3.15.1')]"}


def test_another_script_is_a_process_of_its_own(run):
    (run.folder / "other.py").write_text("import sys; print([type(f).__name__ for f in sys.meta_path])")
    done = run("import subprocess, sys; subprocess.run([sys.executable, 'other.py'])")
    assert "KerasFinder" not in done.out
