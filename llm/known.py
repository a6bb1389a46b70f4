"""What is known about an engine until it fails: its models, and what it takes. Asks nobody."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from llm.dialect import Dialect
from llm.listing import OWN_WORKER
from llm.types import ModelInfo


@dataclass(slots=True)
class KnownEngine:
    """Its chat model and the others that it serves, whether it counts tokens, and the fields that it takes."""

    model: ModelInfo
    others: dict[str, ModelInfo] = field(default_factory=dict)
    counts: bool = True
    dialect: Dialect = field(default_factory=Dialect)

    @property
    def is_own(self) -> bool:
        """Whether it is our worker."""
        return self.model.owned_by == OWN_WORKER

    def served(self, name: str) -> ModelInfo:
        """The model of this name; what is not, or no longer, served gives way to the usual one."""
        return self.others.get(name, self.model)

    def blind(self, model: ModelInfo) -> ModelInfo:
        """It turned out that this model sees no images."""
        known = replace(model, sees=False)
        if model.id in self.others:
            self.others[model.id] = known
        else:
            self.model = known
        return known
