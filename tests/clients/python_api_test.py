"""The Python client as its users' editors and type checkers see it: one shape for both clients, docstrings, annotations."""
import ast
import inspect
import pathlib
import re
import unittest

import proctor
import proctor.aio
import proctor.v1
from proctor.v1 import (environment_service_pb2, evaluation_service_pb2, job_pb2, job_service_pb2, reward_service_pb2, task_pb2,
                        task_service_pb2, trajectory_service_pb2)

PACKAGE = pathlib.Path(__file__).resolve().parents[2] / "clients" / "python" / "proctor"


def public(kind):
    return {name for name in dir(kind) if not name.startswith("_")}


def shape(function):
    """Names, kinds and defaults of the parameters."""
    return [(p.name, p.kind, p.default) for p in inspect.signature(function).parameters.values()]


class BothClientsTest(unittest.TestCase):
    def test_they_have_the_same_names(self):
        for name in ("Client", "Env", "Recording", "RewardStream"):
            with self.subTest(name):
                self.assertEqual(public(getattr(proctor, name)), public(getattr(proctor.aio, name)))

    def test_what_is_called_takes_the_same(self):
        for name in ("Client", "Env", "Recording", "RewardStream"):
            sync, awaited = getattr(proctor, name), getattr(proctor.aio, name)
            self.assertEqual(shape(sync), shape(awaited))
            for method in sorted(public(sync)):
                if callable(getattr(sync, method)):
                    with self.subTest(f"{name}.{method}"):
                        self.assertEqual(shape(getattr(sync, method)), shape(getattr(awaited, method)))
                        self.assertEqual(inspect.signature(getattr(sync, method)).return_annotation.removeprefix("Iterator"),
                                         inspect.signature(getattr(awaited, method)).return_annotation.removeprefix("AsyncIterator"))


class EveryRpcTest(unittest.TestCase):
    #: What Client's docstring names: other words, and the one that is no method.
    OTHERWISE = {"EvaluateTrajectory": "evaluate", "LabelTrajectory": "label", "WatchJob": "wait_job", "Act": None}

    def test_it_has_its_method(self):
        found = {}
        for module in (environment_service_pb2, evaluation_service_pb2, job_service_pb2, reward_service_pb2, task_service_pb2,
                       trajectory_service_pb2):
            for service in module.DESCRIPTOR.services_by_name.values():
                for rpc in service.methods_by_name:
                    found[rpc] = self.OTHERWISE.get(rpc, re.sub(r"(?<!^)(?=[A-Z])", "_", rpc).lower())
        self.assertGreater(len(found), 50)
        self.assertEqual([], sorted(rpc for rpc, method in found.items() if method and method not in public(proctor.Client)))
        for rpc in self.OTHERWISE:
            self.assertIn(rpc, found)
            self.assertIn(rpc, proctor.Client.__doc__)


def missing(tree, module):
    """What lacks a docstring (public names, the module itself) or an annotation (every function but lambdas)."""
    found = [] if ast.get_docstring(tree) else [f"{module}: docstring"]

    def visit(node, path, is_public):
        for child in ast.iter_child_nodes(node):
            inner, inner_public = path, False
            if isinstance(child, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                inner = f"{path}.{child.name}"
                inner_public = is_public and not child.name.startswith("_")
                if inner_public and not ast.get_docstring(child):
                    found.append(f"{inner}: docstring")
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
                found.extend(f"{inner}: {what}" for what in unannotated(child, isinstance(node, ast.ClassDef)))
                inner_public = False  # What is inside is nobody else's.
            visit(child, inner, inner_public)

    visit(tree, module, True)
    return found


def unannotated(function, is_method):
    given = function.args
    named = [*given.posonlyargs, *given.args]
    static = any(isinstance(d, ast.Name) and d.id == "staticmethod" for d in function.decorator_list)
    if is_method and not static:
        named = named[1:]
    every = [*named, *given.kwonlyargs, *filter(None, (given.vararg, given.kwarg))]
    for argument in every:
        if argument.annotation is None:
            yield argument.arg
    if function.returns is None and function.name != "__init__":
        yield "return"


class SourceTest(unittest.TestCase):
    maxDiff = None

    def test_everything_public_is_explained_and_every_function_typed(self):
        modules = sorted(PACKAGE.rglob("*.py"))
        self.assertGreater(len(modules), 10)
        found = []
        for path in modules:
            found.extend(missing(ast.parse(path.read_text()), str(path.relative_to(PACKAGE))))
        self.assertEqual([], found)

    def test_the_check_sees_what_is_missing(self):
        source = '"""M."""\nclass A:\n    def b(self, c, *d: int, e: int = 1): return 1\n    def _f(self) -> None: pass\n'
        self.assertEqual(["m.A: docstring", "m.A.b: docstring", "m.A.b: c", "m.A.b: return"], missing(ast.parse(source), "m"))
        self.assertEqual(["m: docstring"], missing(ast.parse("x = 1"), "m"))
        self.assertEqual(["m.f.g: return"], missing(ast.parse('"""M."""\ndef f() -> None:\n    """F."""\n    def g(): pass\n'), "m"))


class GeneratedTest(unittest.TestCase):
    def test_every_message_and_enum_has_its_type(self):
        folder = pathlib.Path(proctor.v1.__file__).parent
        modules = sorted(folder.glob("*_pb2.py"))
        self.assertGreater(len(modules), 10)
        self.assertEqual([path.stem for path in modules], sorted(path.stem for path in folder.glob("*_pb2.pyi")))
        for module in (environment_service_pb2, job_pb2, task_pb2):
            path = pathlib.Path(module.__file__).with_suffix(".pyi")
            typed = {node.name: node for node in ast.parse(path.read_text()).body if isinstance(node, ast.ClassDef)}
            file = module.DESCRIPTOR
            self.assertEqual({*file.message_types_by_name, *file.enum_types_by_name}, set(typed), path)
            for name, message in file.message_types_by_name.items():
                fields = {node.target.id for node in typed[name].body if isinstance(node, ast.AnnAssign)}
                self.assertLessEqual({field.name for field in message.fields}, fields, name)

    def test_type_checkers_are_told_that_there_are_types(self):
        self.assertTrue((PACKAGE / "py.typed").exists())


if __name__ == "__main__":
    unittest.main()
