// A hook that only parses the call and answers: what a Node hook costs before it does anything.
import { readFileSync } from "node:fs";

const call = JSON.parse(readFileSync(0, "utf8"));
if (call.hook_event_name === "PreToolUse") {
  console.log(JSON.stringify({ hookSpecificOutput: { hookEventName: "PreToolUse", permissionDecision: "allow" } }));
}
