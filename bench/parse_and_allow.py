"""A hook that only parses the call and answers: what a Python hook costs before it does anything."""
import json
import sys

call = json.load(sys.stdin)
if call["hook_event_name"] == "PreToolUse":
    print(json.dumps({"hookSpecificOutput": {"hookEventName": "PreToolUse", "permissionDecision": "allow"}}))
