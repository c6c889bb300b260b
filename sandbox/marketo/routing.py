"""The addresses of the instance."""

from collections.abc import Awaitable, Callable

from starlette.responses import Response

from sandbox.marketo import assets, bulk, campaigns, describing, leads, lists
from sandbox.marketo.calls import Call
from sandbox.marketo.instance import Instance

Endpoint = Callable[[Instance, Call], Response | Awaitable[Response]]

REST, ASSET, BULK = "/rest/v1", "/rest/asset/v1", "/bulk/v1"
ID = r"(?P<id>\d+)"

ROUTES: list[tuple[str, str, Endpoint]] = [
    ("GET", rf"{REST}/leads\.json", leads.find),
    ("POST", rf"{REST}/leads\.json", leads.sync),
    ("DELETE", rf"{REST}/leads\.json", leads.delete),
    ("POST", rf"{REST}/leads/delete\.json", leads.delete),
    ("GET", rf"{REST}/lead/{ID}\.json", leads.get),
    ("GET", rf"{REST}/leads/describe\.json", describing.describe),
    ("GET", rf"{REST}/leads/describe2\.json", describing.describe2),
    ("GET", rf"{REST}/lists\.json", lists.listed),
    ("GET", rf"{REST}/lists/{ID}\.json", lists.get),
    ("GET", rf"{REST}/lists?/{ID}/leads\.json", lists.members),
    ("POST", rf"{REST}/lists?/{ID}/leads\.json", lists.add),
    ("DELETE", rf"{REST}/lists?/{ID}/leads\.json", lists.remove),
    ("GET", rf"{REST}/lists?/{ID}/leads/ismember\.json", lists.is_member),
    ("GET", rf"{REST}/campaigns\.json", campaigns.listed),
    ("GET", rf"{REST}/campaigns/{ID}\.json", campaigns.get),
    ("POST", rf"{REST}/campaigns/{ID}/trigger\.json", campaigns.trigger),
    ("GET", rf"{REST}/stats/usage\.json", describing.usage),
    ("GET", rf"{ASSET}/staticLists\.json", assets.lists),
    ("POST", rf"{ASSET}/staticLists\.json", assets.create_list),
    ("GET", rf"{ASSET}/staticList/byName\.json", assets.list_by_name),
    ("GET", rf"{ASSET}/staticList/{ID}\.json", assets.list_by_id),
    ("POST", rf"{ASSET}/staticList/{ID}/delete\.json", assets.delete_list),
    ("GET", rf"{ASSET}/folders\.json", assets.folders),
    ("POST", rf"{ASSET}/folders\.json", assets.create_folder),
    ("GET", rf"{ASSET}/folder/byName\.json", assets.folder_by_name),
    ("GET", rf"{ASSET}/folder/{ID}\.json", assets.folder_by_id),
    ("GET", rf"{ASSET}/smartCampaigns\.json", assets.smart_campaigns),
    ("GET", rf"{ASSET}/programs\.json", assets.programs),
    ("POST", rf"{BULK}/leads\.json", bulk.begin),
    ("GET", rf"{BULK}/leads/batch/{ID}\.json", bulk.status),
    ("GET", rf"{BULK}/leads/batch/{ID}/failures\.json", bulk.failures),
    ("GET", rf"{BULK}/leads/batch/{ID}/warnings\.json", bulk.warnings),
]
