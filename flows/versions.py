"""Versions: what a flow was, and how it becomes that again."""

from collections.abc import Mapping, Sequence

from connectors.base import Catalog
from flows import check
from flows.exports import templates_of, wrong_settings
from flows.language import Template
from flows.problems import Problem
from flows.store import SetUp, Store
from flows.tables import FlowVersion


async def version_of(store: Store, name: str, version: int) -> FlowVersion | None:
    """Return one version of a flow."""
    return next((one for one in await store.versions(name) if one.version == version), None)


async def restore(
    store: Store,
    name: str,
    version: int,
    *,
    by: str,
    now: float,
    catalog: Catalog,
    connections: Mapping[str, Sequence[str]],
) -> SetUp | list[Problem]:
    """Keep what a flow was in an earlier version as its next one. It stays on, off or paused as it is.

    Returns the Problems instead if that cannot be carried out any more: then nothing is changed.
    """
    flows = await store.flows()
    flow = next((one for one in flows if one.name == name), None)
    old = await version_of(store, name, version)
    if flow is None or old is None:
        what = f"there is no version {version} of {name}" if flow else f"there is no flow {name}"
        return [Problem(path="document", message=what)]
    template = check.read(old.document)
    if not isinstance(template, Template):
        return template
    problems = check.check(template, catalog, flows=templates_of(flows), name=name)
    problems += wrong_settings(template, old.settings, connections, "settings")
    if problems:
        return problems
    return await store.set_up(
        name,
        template=template.template,
        document=old.document,
        settings=old.settings,
        by=by,
        now=now,
        enabled=flow.enabled,
        tables=template.tables,
    )
