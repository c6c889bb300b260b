// Auth0's own client against the double: made, found, changed, paged, deleted, refused. It knows https only.
import { ManagementClient, ManagementError } from "auth0";
import { given, told } from "./saying.mjs";

const known = given();
const real = globalThis.fetch;
const plain = (address) => String(address).replace(/^https:/, "http:");
globalThis.fetch = (asked, more) =>
  asked instanceof Request ? real(new Request(plain(asked.url), asked), more) : real(plain(asked), more);
const options = { domain: known.domain, clientId: known.client_id, clientSecret: known.client_secret, audience: known.audience };
const tenant = new ManagementClient(options);
const made = await tenant.users.create({ connection: "Username-Password-Authentication", email: "js@example.com", password: "a-Long-1-password" });
const read = await tenant.users.get(made.user_id);
const changed = await tenant.users.update(made.user_id, { app_metadata: { seen: true } });
const byEmail = await tenant.users.listUsersByEmail({ email: "js@example.com" });
const page = await tenant.users.list({ per_page: 5, page: 0, include_totals: true });
let roles = 0;
for await (const _ of await tenant.roles.list({ per_page: 1 })) roles += 1;
await tenant.users.delete(made.user_id);
const errors = [];
try {
  await tenant.users.get("auth0|nobody-has-this");
} catch (error) {
  errors.push([error instanceof ManagementError, error.statusCode]);
}
told({ made: made.email, read: read.email, changed: changed.app_metadata, byEmail: byEmail.length, page: page.data.length, roles, errors });
