"""Says of a proposed task whether it is right and has one answer, by what make_wiki.py knows, not by what was crawled."""
from __future__ import annotations

import json
import re
from typing import Any

QUOTED = re.compile(r'"([^"]*)"')


class Truth:
    """`truth` is make_wiki.py's truth.json."""

    def __init__(self, truth: dict[str, Any]):
        self.pages: dict[str, list[str]] = {}
        self.facts: dict[str, dict[str, str]] = {}
        self.tables: dict[str, dict[str, Any]] = {}
        for identifier, page in truth["pages"].items():
            self.pages.setdefault(page["title"], []).append(identifier)
            self.facts[page["title"]] = page["facts"]
            if identifier in truth["tables"]:
                self.tables[page["title"]] = truth["tables"][identifier]

    def problem(self, task: Any) -> str:
        """Empty if the task is right and unique. Reads the goal's own words, as an agent would."""
        names = QUOTED.findall(task.goal)
        answer = task.solution[-1].answer
        if task.kind == "reach_page":
            return self._page_problem(names, task)
        if task.kind in ("find_fact", "search_fact"):
            return self._fact_problem(names, answer)
        if task.kind == "compare":
            return self._comparison_problem(names, answer)
        return self._list_problem(names, answer)

    def _one_page(self, title: str) -> str:
        count = len(self.pages.get(title, ()))
        return "" if count == 1 else f"{count} pages are called {title!r}"

    def _page_problem(self, names: list[str], task: Any) -> str:
        problem = self._one_page(names[0])
        if problem:
            return problem
        wanted = self.pages[names[0]][0]
        accepted = task.oracle.url.urls
        return "" if all(url.endswith("id=" + wanted) for url in accepted) else f"{list(accepted)} is not {wanted}"

    def _fact_problem(self, names: list[str], answer: str) -> str:
        for title, attribute in (names[:2], names[1::-1]):
            if title in self.facts and attribute in self.facts[title]:
                value = self.facts[title][attribute]
                return self._one_page(title) or ("" if same(value, answer) else f"it is {value!r}, not {answer!r}")
        # A row of a section's table: the package's own page says the same.
        return f"nothing is known of {names}"

    def _comparison_problem(self, names: list[str], answer: str) -> str:
        titles = [name for name in names if name in self.facts]
        attributes = [name for name in names if name not in titles]
        if len(titles) != 2 or len(attributes) != 1:
            return f"not two pages and an attribute: {names}"
        values = [self.facts[title].get(attributes[0], "") for title in titles]
        numbers = [number(value) for value in values]
        if numbers[0] == numbers[1]:
            return f"both have {values[0]!r}"
        larger = values[0] if numbers[0] > numbers[1] else values[1]
        return "" if same(larger, answer) else f"it is {larger!r}, not {answer!r}"

    def _list_problem(self, names: list[str], answer: str) -> str:
        title = next((name for name in names if name in self.tables), "")
        if not title:
            return f"no table on any of {names}"
        table = self.tables[title]
        wanted = {entry.strip() for entry in answer.split(",")}
        columns = [name for name in names if name in table["columns"]]
        for column in columns:
            for value in names:
                index = table["columns"].index(column)
                if {row[0] for row in table["rows"] if row[index] == value} == wanted:
                    return ""
        return f"no column and value of {title!r} gives {sorted(wanted)}"


def same(one: str, other: str) -> bool:
    return " ".join(one.split()).casefold() == " ".join(other.split()).casefold()


def number(value: str) -> float:
    match = re.match(r"-?[\d,]*\.?\d+", value)
    return float(match.group().replace(",", "")) if match else float("nan")


def parameters(task: Any) -> dict[str, Any]:
    """What the task was made from."""
    return json.loads(task.lineage.parameters_json)
