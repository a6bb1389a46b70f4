"""The figures, the dashboard and the page that explains them name the same things; and the figures are right."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from llm.worker.metrics import Metrics
from tests.conftest import REPOSITORY
from tests.llm.worker.running import Worker

DASHBOARD: dict[str, Any] = json.loads((REPOSITORY / "docs/grafana/steward.json").read_text())
PAGE = (REPOSITORY / "docs/metrics.md").read_text()
NAME = re.compile(r"\b(?:steward|process)_[a-z_]+")
OTHERS = {"process_cpu_seconds_total", "process_max_fds", "process_open_fds", "process_virtual_memory_bytes"}
"""prometheus-client's own, which the page mentions in one line."""


def figures(text: str) -> dict[str, str]:
    """Metric name as one asks for it → its kind."""
    families = text_string_to_metric_families(text)
    named = {f"{family.name}_total" if family.type == "counter" else family.name: family.type for family in families}
    return {name: kind for name, kind in named.items() if not name.endswith("_created")}


def value(worker: Worker, name: str, **labels: str) -> float:
    """The sum of a sample over all other labels, now."""
    families = text_string_to_metric_families(worker.client.get("/metrics").text)
    samples = [sample for family in families for sample in family.samples if sample.name == name]
    return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())


def expressions() -> list[str]:
    return [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", [])]


def asked_for(text: str) -> set[str]:
    """Metric names in a text; a histogram's parts count as the histogram."""
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in NAME.findall(text)}


def test_dashboard_page_and_worker_name_the_same_metrics() -> None:
    served = set(figures(Metrics().text().decode())) - OTHERS
    assert asked_for(" ".join(expressions())) == served
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| \S", PAGE, re.MULTILINE)
    assert dict(rows) == {name: kind for name, kind in figures(Metrics().text().decode()).items() if name in served}


def test_names_follow_prometheus_conventions() -> None:
    for name, kind in figures(Metrics().text().decode()).items():
        assert re.fullmatch(r"[a-z][a-z_]*[a-z]", name)
        assert name.endswith("_total") == (kind == "counter"), name
        assert not re.search(r"_(ms|millis|kb|mib|percent)\b", name), name


def test_the_dashboard_can_be_imported_anywhere() -> None:
    variables = {variable["name"]: variable for variable in DASHBOARD["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    panels = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
    sources = {json.dumps(part["datasource"]) for panel in panels for part in (panel, *panel["targets"])}
    assert sources == {json.dumps({"type": "prometheus", "uid": "${datasource}"})}
    assert all(panel["title"] and panel["description"] for panel in panels)
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    assert "id" not in DASHBOARD and DASHBOARD["uid"] and DASHBOARD["schemaVersion"] >= 36
    cells = [(x, y) for panel in DASHBOARD["panels"] for x, y in _cells(panel["gridPos"])]
    assert len(cells) == len(set(cells)), "two panels lie on one another"


def _cells(place: dict[str, int]) -> list[tuple[int, int]]:
    columns, rows = range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"])
    return [(x, y) for x in columns for y in rows]


@pytest.mark.parametrize("expression", expressions(), ids=lambda text: text[:60])
def test_every_expression_is_balanced_and_follows_the_chosen_worker(expression: str) -> None:
    for opening, closing in ("()", "{}", "[]"):
        assert expression.count(opening) == expression.count(closing)
    assert len(NAME.findall(expression)) == expression.count('{instance=~"$instance"}')


def test_what_a_request_leaves_in_the_figures(bytes_worker: Worker) -> None:
    names = ("computed", "reused")
    before = [value(bytes_worker, f"steward_prompt_tokens_{name}_total") for name in names]
    answered = value(bytes_worker, "steward_answer_tokens_total")
    steps = value(bytes_worker, "steward_batch_size_count")
    ended = value(bytes_worker, "steward_requests_finished_total", reason="length")
    queued = value(bytes_worker, "steward_queue_seconds_count", priority="command")
    usages = [bytes_worker.ask(say="m" * 200, max_tokens=4, priority="command").json()["usage"] for _ in range(2)]
    prompt = usages[0]["prompt_tokens"]
    cached = sum(usage["prompt_tokens_details"]["cached_tokens"] for usage in usages)
    assert cached > 0  # the second one found the first one's pages
    after = [value(bytes_worker, f"steward_prompt_tokens_{name}_total") for name in names]
    assert [b - a for a, b in zip(before, after, strict=True)] == [2 * prompt - cached, cached]
    assert value(bytes_worker, "steward_answer_tokens_total") - answered == 8
    assert value(bytes_worker, "steward_batch_size_count") - steps >= 8
    assert value(bytes_worker, "steward_requests_finished_total", reason="length") - ended == 2
    assert value(bytes_worker, "steward_queue_seconds_count", priority="command") - queued == 2
    assert value(bytes_worker, "steward_ready") == 1
    assert value(bytes_worker, "steward_cache_capacity_tokens") > 0


def test_a_refusal_is_counted_with_its_code(bytes_worker: Worker) -> None:
    before = value(bytes_worker, "steward_requests_refused_total", status="404", code="model_not_found")
    bytes_worker.client.post("/v1/chat/completions", json={**bytes_worker.body(), "model": "gpt-7"})
    assert value(bytes_worker, "steward_requests_refused_total", status="404", code="model_not_found") == before + 1
