// jsforce against the double: made, found, changed, upserted, deleted, paged, refused, and a session that is renewed.
import jsforce from "jsforce";
import { given, told } from "./saying.mjs";

const known = given();
const renew = async () => {
  const body = new URLSearchParams({ grant_type: "client_credentials", client_id: known.client_id, client_secret: known.client_secret });
  return (await (await fetch(`${known.url}/services/oauth2/token`, { method: "POST", body })).json()).access_token;
};
let renewed = 0;
const org = new jsforce.Connection({
  instanceUrl: known.url,
  accessToken: await renew(),
  version: "64.0",
  refreshFn: async (_, done) => {
    renewed += 1;
    done(null, await renew());
  },
});
const made = await org.sobject("Contact").create({ LastName: "O'Hara", Email: "js@example.com" });
const found = await org.sobject("Contact").find({ LastName: "O'Hara" }, ["Id", "LastName"]);
const changed = await org.sobject("Contact").update({ Id: made.id, FirstName: "Maureen" });
const read = await org.sobject("Contact").retrieve(made.id);
const first = await org.sobject("Contact").upsert({ LastName: "Upserted", Auth0_Id__c: "auth0|js" }, "Auth0_Id__c");
const many = await org.sobject("Lead").create([{ LastName: "One", Company: "JavaScript" }, { Company: "JavaScript" }], { allOrNone: false });
for (let number = 0; number < 4; number += 1) await org.sobject("Lead").create({ LastName: `P${number}`, Company: "JavaScript" });
const pages = [];
let page = await org.query("SELECT Id FROM Lead WHERE Company = 'JavaScript'");
pages.push(page.records.length);
while (!page.done) {
  page = await org.queryMore(page.nextRecordsUrl);
  pages.push(page.records.length);
}
const described = (await org.sobject("Contact").describe()).fields.map((field) => field.name);
await fetch(`${known.url}/sandbox/tokens/expire`, { method: "POST", body: "{}" });
const gone = await org.sobject("Contact").destroy(made.id);
const errors = [];
for (const wrong of [() => org.sobject("Contact").retrieve(made.id), () => org.sobject("Contact").create({ FirstName: "Nobody" })]) {
  try {
    await wrong();
  } catch (error) {
    errors.push(error.errorCode ?? error.name);
  }
}
told({
  made: made.success,
  found: found.map((each) => each.LastName),
  changed: changed.success,
  read: [read.FirstName, read.Email],
  upserted: first.success,
  many: many.map((each) => each.success),
  pages,
  described: ["LastName", "Auth0_Id__c"].filter((name) => described.includes(name)),
  renewed,
  gone: gone.success,
  errors,
});
