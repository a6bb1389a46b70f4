"""How far the reading of a model's weights has come. It knows transformers' progress bar, and no model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sized
from contextlib import contextmanager
from typing import Any

from transformers.utils import logging

OF_WEIGHTS = "Loading weights"  # the name of the bar in transformers 5.23 (core_model_loading)


@contextmanager
def weights_counted(on_share: Callable[[float], None]) -> Iterator[None]:
    """Inside the block, `on_share` hears in the loading thread what share (0 to 1) of the weights has been read."""

    def bar(factory: Callable[..., Any], arguments: tuple[Any, ...], options: dict[str, Any]) -> Any:  # noqa: ANN401
        inner = factory(*arguments, **options)
        items: object = arguments[0] if arguments else None
        if not isinstance(items, Sized) or options.get("desc") != OF_WEIGHTS:
            return inner
        return _counted(inner, len(items), on_share)

    previous = logging.set_tqdm_hook(bar)
    try:
        yield
    finally:
        logging.set_tqdm_hook(previous)


def _counted(bar: Any, total: int, on_share: Callable[[float], None]) -> Iterator[Any]:  # noqa: ANN401
    for done, item in enumerate(bar):
        on_share(done / total)
        yield item
    on_share(1.0)
