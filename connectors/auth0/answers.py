"""What the Management API answers, turned into values of our own."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Protocol, TypeVar

from pydantic import BaseModel

PAGE: Final = 100
"""The most that Auth0 gives at once."""
MOST: Final = 1000
"""The most that Auth0 gives page by page, however one asks."""

V = TypeVar("V", bound=BaseModel)
T_co = TypeVar("T_co", covariant=True)


class Page(Protocol[T_co]):
    """One page of a list, as the library gives it."""

    @property
    def items(self) -> Sequence[T_co] | None:
        """What is on the page."""


def picked(model: type[V], answer: BaseModel | Mapping[str, Any], **own: Any) -> V:
    """Pick what we know from an answer; nulls and absent fields are the same. `own` values go before its."""
    data = answer.model_dump(mode="json") if isinstance(answer, BaseModel) else answer
    known = {name: data[name] for name in model.model_fields if data.get(name) is not None}
    return model.model_validate(known | own)


async def listed(page: Callable[[int], Awaitable[Page[T_co]]]) -> tuple[list[T_co], bool]:
    """Read a list page by page, up to the first thousand; tell whether that was all of it."""
    found: list[T_co] = []
    for number in range(MOST // PAGE):
        some = (await page(number)).items or []
        found += some
        if len(some) < PAGE:
            return found, True
    return found, False
