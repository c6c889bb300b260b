// Runs an Auth0 Action once: its file and its function are named, the event stands on standard input as JSON. Prints what it
// asked Auth0 to do.
import { createRequire } from "node:module";
import { text } from "node:stream/consumers";
import { recorder } from "./ground.mjs";

const [, , file, trigger] = process.argv;
const action = createRequire(import.meta.url)(file);
const entry = Object.keys(action).find((name) => name.startsWith("onExecute"));
const event = JSON.parse(await text(process.stdin));
const api = recorder(trigger, event);
await action[entry](event, api);
process.stdout.write(`${JSON.stringify(api.calls)}\n`);
