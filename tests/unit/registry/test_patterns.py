"""Patterns of names: as `re` matches them, in linear time, and from files nothing that only `re` understands."""

import random
import re
import time

import pytest

import lamella
from lamella.errors import ConfigError
from lamella.registry import matches
from lamella.registry.patterns import MAX_STEPS, _compiled, _UnknownError, check_patterns

SIMPLE = [
    *["bias", "", "a.c", ".*", "^a", "a$", "^$", "^.*bias$", "layers/.*/kernel", "a|b", "(a|bc)*d", "(?:ab)+", "a?b"],
    *["[abc]", "[^abc]+", "[a-c]x", "[]a]", "[a-]", "[\\]a]", r"layer_\d+", r"\w+/\w+", r"a\.b", r"\s", r"\D", r"\S\W"],
    *["a{2}", "a{2,}", "a{1,3}b", "a{,2}b", "a{x}", "a{}", "(a{2}b){2}", "a*?b", "a+?", "a{2}?", "()", "(|a)b", "a||b"],
    *[
        "(a*)*",
        "(a?){3}b",
        "^(encoder|decoder)/.*(kernel|bias)$",
        "x{0}y",
        "(x{0,1})*",
        "}",
        "a}b",
        "[.]",
        "[$^]",
        "a$b",
    ],
]
TEXTS = ["", "a", "b", "ab", "aab", "aaab", "abab", "abc", "bcd", "aabaab", "bias", "dense/bias", "layers/d/kernel"]
TEXTS += [
    "a.b",
    "axb",
    "layer_12",
    "a-c",
    "]",
    "encoder/x/bias",
    "a{x}",
    "a{}",
    "a}b",
    "a b",
    "y",
    "a\n",
    "$",
    "cx",
    "-",
]
ONLY_RE = ["(?=a)", "(a)\\1", "(?i)a", "(?P<n>a)", "a++", "\\bword", "(?<!a)b", "\\Aa", "a*{2}", "[a-\\d]"]


@pytest.mark.parametrize("pattern", SIMPLE)
def test_matches_as_re_does(pattern):
    if set(pattern) & set("\\.^$*+?{}[]()|"):
        _compiled(pattern)  # by our own steps
    for text in TEXTS:
        assert matches(pattern, text) == bool(re.search(pattern, text)), text
        assert matches(pattern, text, whole=True) == bool(re.fullmatch(pattern, text)), text


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_matches_as_re_does_whatever_the_pattern():
    dice = random.Random(0)
    understood = 0
    for _ in range(3000):
        pattern = "".join(dice.choice("aab.*+?|()[]^$-{},12\\dw") for _ in range(dice.randint(1, 8)))
        try:
            _compiled(pattern)
            expected = re.compile(pattern)
        except (_UnknownError, re.error):
            continue
        understood += 1
        for text in ("", "a", "ab", "aab1", "b-a", "a{1}", "2\n"):
            assert matches(pattern, text) == bool(expected.search(text)), (pattern, text)
            assert matches(pattern, text, whole=True) == bool(expected.fullmatch(text)), (pattern, text)
    assert understood > 500


@pytest.mark.parametrize("pattern", ONLY_RE)
def test_what_only_re_understands(pattern):
    with pytest.raises(_UnknownError):
        _compiled(pattern)
    check_patterns(lamella.layers.Dense, {"exclude_layers": [pattern]})  # it matches nothing with it
    with pytest.raises(ConfigError, match="from a file is not run"):
        check_patterns(lamella.optimizers.Muon, {"exclude_layers": [pattern]})


def test_in_a_program_all_of_re_is_understood():
    assert matches("(?i)BIAS", "dense/bias") and not matches("(?=x)bias", "dense/bias")


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*$", "(.*a){20}$", "(a?){100}a{100}$", "(a*)*(a*)*(a*)*$"])
def test_time_is_linear(pattern):
    start = time.process_time()
    matches(pattern, "a" * 2000 + "b")
    assert time.process_time() - start < 5


@pytest.mark.parametrize("pattern", ["((a{100}){100}){100}", "(a{0,999}){999}", "a" * 300 + ".", "(" * 150 + ")" * 150])
def test_what_grows_is_refused(pattern):
    with pytest.raises(ConfigError, match="is not run"):
        for _ in range(20):
            check_patterns(lamella.optimizers.Muon, {"exclude_layers": [pattern + "x" * 60]})


def test_many_patterns_are_refused_and_many_names_are_not():
    many = {f"layer_{n}/.*": 1 for n in range(MAX_STEPS)}
    with pytest.raises(ConfigError, match="too many"):
        check_patterns(lamella.dtype_policies.DTypePolicyMap, {"policy_map": many})
    check_patterns(lamella.dtype_policies.DTypePolicyMap, {"policy_map": {f"layer_{n}": 1 for n in range(5000)}})


def test_a_class_of_the_users_own_is_looked_at_too():
    class Mine(lamella.optimizers.Muon):
        pass

    with pytest.raises(ConfigError, match="is not run"):
        check_patterns(Mine, {"exclude_layers": ["(?=a)"]})


def test_safe_mode_off_runs_them():
    config = lamella.saving.serialize_keras_object(lamella.optimizers.Muon(exclude_layers=["(?=a)"]))
    with pytest.raises(ConfigError, match="is not run"):
        lamella.saving.deserialize_keras_object(config)
    assert lamella.saving.deserialize_keras_object(config, safe_mode=False).exclude_layers == ["(?=a)"]
