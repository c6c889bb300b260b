// Runs the Auth0 Action once on the event given as JSON on standard input; prints what it asked Auth0 to do.
import { createRequire } from "node:module";
import { text } from "node:stream/consumers";

const action = createRequire(import.meta.url)("../../../connectors/auth0/action/post-login.js");
const calls = [];
await action.onExecutePostLogin(JSON.parse(await text(process.stdin)), {
  access: { deny: (reason) => calls.push(["access.deny", reason]) },
});
process.stdout.write(`${JSON.stringify(calls)}\n`);
