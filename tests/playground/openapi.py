"""Holds requests and answers against Discord's own OpenAPI document. It knows nothing about the playground."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from jsonschema import Draft202012Validator, ValidationError
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

Json = Any
"""Decoded JSON."""

DOCUMENT = "urn:discord"
RATE_LIMIT_HEADERS = ("limit", "remaining", "reset", "reset-after", "bucket")


@dataclass(frozen=True)
class Operation:
    method: str
    template: str
    spec: Mapping[str, Any] = field(compare=False, repr=False)
    parameters: Mapping[str, Any] = field(compare=False, repr=False)

    def __str__(self) -> str:
        return f"{self.method} {self.template}"


@dataclass(frozen=True)
class Exchange:
    """One request and its answer, bodies decoded from JSON (None when empty)."""

    method: str
    path: str
    query: str
    request: Any
    status: int
    headers: Mapping[str, str]
    answer: Any


class Specification:
    """Finds the operation of a path and lists what is wrong with an exchange."""

    def __init__(self, path: Path) -> None:
        self._document = json.loads(path.read_text())
        resource: Resource[Any] = Resource.from_contents(self._document, default_specification=DRAFT202012)
        self._registry: Registry[Any] = Registry().with_resource(DOCUMENT, resource)
        self._validators: dict[str, Draft202012Validator] = {}
        templates = sorted(self._document["paths"], key=lambda one: one.count("{"))
        self._templates = [(re.compile(re.sub(r"\{[^}]+\}", "[^/]+", one) + "$"), one) for one in templates]

    def operation(self, method: str, path: str) -> Operation | None:
        """The operation of a path below /api/v10; literal paths win over those with parameters."""
        for pattern, template in self._templates:
            item = self._document["paths"][template]
            if pattern.match(path) and method.lower() in item:
                spec = item[method.lower()]
                listed = [*item.get("parameters", []), *spec.get("parameters", [])]
                return Operation(method, template, spec, {one["name"]: one for one in listed if one["in"] == "query"})
        return None

    def problems(self, operation: Operation, exchange: Exchange) -> Iterator[str]:
        """Every way in which the exchange differs from the document. What was refused may have been asked wrongly."""
        if exchange.status < 400:
            yield from self._query_problems(operation, exchange.query)
            yield from self._request_problems(operation, exchange.request)
        yield from self._answer_problems(operation, exchange)
        for name in RATE_LIMIT_HEADERS:
            if f"x-ratelimit-{name}" not in exchange.headers:
                yield f"{operation}: no X-RateLimit-{name} in the answer"

    def against_schema(self, name: str, body: Json) -> list[str]:
        """What is wrong with one object, by the name of its schema."""
        return list(self._against(f"components/schemas/{name}", body, name))

    def _query_problems(self, operation: Operation, query: str) -> Iterator[str]:
        for name, value in parse_qsl(query, keep_blank_values=True):
            parameter = operation.parameters.get(name)
            if parameter is None:
                yield f"{operation}: unknown query parameter {name}"
            elif not _fits(parameter["schema"].get("type"), value):
                yield f"{operation}: query {name}={value} does not fit {parameter['schema']}"

    def _request_problems(self, operation: Operation, body: Json) -> Iterator[str]:
        content = operation.spec.get("requestBody", {}).get("content", {})
        if not content:
            if body not in (None, {}):
                yield f"{operation}: a request body where none belongs"
            return
        if body is None:
            if operation.spec["requestBody"].get("required", True):
                yield f"{operation}: the request body is missing"
            return
        yield from self._differences(operation, "requestBody/content/application~1json/schema", body, "request")

    def _answer_problems(self, operation: Operation, exchange: Exchange) -> Iterator[str]:
        responses = operation.spec["responses"]
        status = str(exchange.status)
        key = status if status in responses else f"{status[0]}XX"
        if key not in responses:
            yield f"{operation}: {status} is not among {sorted(responses)}"
        elif "$ref" in responses[key]:
            name = responses[key]["$ref"].removeprefix("#/")
            yield from self._against(f"{name}/content/application~1json/schema", exchange.answer, f"{operation} {key}")
        elif "content" not in responses[key]:
            if exchange.answer is not None:
                yield f"{operation}: {status} has a body"
        else:
            where = f"responses/{key}/content/application~1json/schema"
            yield from self._differences(operation, where, exchange.answer, f"answer {status}")

    def _differences(self, operation: Operation, where: str, body: Json, what: str) -> Iterator[str]:
        path = operation.template.replace("~", "~0").replace("/", "~1")
        yield from self._against(f"paths/{path}/{operation.method.lower()}/{where}", body, f"{operation} {what}")

    def _against(self, pointer: str, body: Json, label: str) -> Iterator[str]:
        validator = self._validators.get(pointer)
        if validator is None:
            validator = Draft202012Validator({"$ref": f"{DOCUMENT}#/{pointer}"}, registry=self._registry)
            self._validators[pointer] = validator
        for error in validator.iter_errors(body):
            yield f"{label}: {_innermost(error)}"


def _fits(kind: str | None, value: str) -> bool:
    if kind == "integer":
        return value.lstrip("-").isdigit()
    return kind != "boolean" or value.lower() in ("0", "1", "true", "false")


def _innermost(error: ValidationError) -> str:
    """The most telling part of a failed choice: the branch that came furthest."""
    while error.context:
        error = max(error.context, key=lambda one: len(list(one.absolute_path)))
    return f"at {error.json_path}: {error.message[:300]}"
