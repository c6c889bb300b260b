// Slack's own client against the double: posted, changed, found, paged, uploaded, refused, and told to wait.
import { ErrorCode, WebClient } from "@slack/web-api";
import { given, told } from "./saying.mjs";

const known = given();
const web = new WebClient(known.bot_token, { slackApiUrl: known.api, retryConfig: { retries: 1, minTimeout: 10 } });
const me = await web.auth.test();
const channel = known.channels.security;
const posted = await web.chat.postMessage({ channel, text: "From the other client" });
const changed = await web.chat.update({ channel, ts: posted.ts, text: "Changed" });
const replied = await web.chat.postMessage({ channel, text: "Under it", thread_ts: posted.ts });
const user = await web.users.lookupByEmail({ email: "analyst@example.com" });
const pages = [];
for await (const page of web.paginate("users.list", { limit: 2 })) pages.push(page.members.length);
const file = await web.filesUploadV2({ channel_id: channel, file: Buffer.from("a,b\n1,2\n"), filename: "table.csv" });
const gone = await web.chat.delete({ channel, ts: replied.ts });
const errors = [];
try {
  await web.chat.postMessage({ channel: "C0NOTHING1", text: "Nowhere" });
} catch (error) {
  errors.push([error.code === ErrorCode.PlatformError, error.data.error]);
}
try {
  await new WebClient("xoxb-wrong", { slackApiUrl: known.api }).auth.test();
} catch (error) {
  errors.push([error.code === ErrorCode.PlatformError, error.data.error]);
}
told({ me: me.ok, changed: changed.text, user: user.user.name, pages, file: file.ok, gone: gone.ok, errors });
