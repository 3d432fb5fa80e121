// Writ inside OpenCode: every tool call is asked about before it runs, and runs only after a plain yes.
//
// Made by `writ`; edits are lost. OpenCode skips a plugin that fails to load, so under `writ run` its configuration
// names no usable model provider until `config` below has run: no plugin, no model, no call.

const WRIT = "__WRIT_SETTINGS__"

const LIMIT_BYTES = 8 * 1024 * 1024
const FORWARDED = new Set(["session.created", "session.idle", "session.deleted", "session.error", "session.compacted"])

export const Writ = async ({ directory }) => {
  // Sessions of subagents, each with the session it serves in the end.
  const roots = new Map()
  const refused = new Set()
  let servers = []
  let model

  const rootOf = (session) => roots.get(session) ?? session
  const subagentOf = (session) => (roots.has(session) ? session : undefined)

  const ask = async (event, body) => {
    const session = body.session
    const message = JSON.stringify({
      hook_event_name: event,
      directory,
      model,
      mcp_servers: servers,
      ...body,
      session: rootOf(session),
      subagent: subagentOf(session),
    })
    const bytes = new TextEncoder().encode(message)
    if (bytes.length > LIMIT_BYTES) throw new Error("Writ denied this (input-too-large): the event is too large")
    const hook = Bun.spawn({
      cmd: [WRIT.program, "hook", "opencode", event, ...WRIT.arguments],
      stdin: bytes,
      stdout: "pipe",
      stderr: "pipe",
    })
    const watchdog = setTimeout(() => hook.kill(9), WRIT.deadline_millis)
    try {
      const [stdout, stderr, exit] = await Promise.all([
        new Response(hook.stdout).text(),
        new Response(hook.stderr).text(),
        hook.exited,
      ])
      return { exit, stdout, stderr }
    } finally {
      clearTimeout(watchdog)
    }
  }

  // Anything but exit code 0 and the word `allow` is a no.
  const demand = async (event, body) => {
    const { exit, stdout, stderr } = await ask(event, body)
    let answer
    try {
      answer = JSON.parse(stdout)
    } catch {
      answer = undefined
    }
    if (exit === 0 && answer?.decision === "allow") return
    throw new Error(answer?.reason || stderr.trim() || "Writ denied this (hook-failed): the hook gave no answer")
  }

  // What was decided must be what runs: plugins after this one cannot change it any more.
  const frozen = (value) => {
    if (value && typeof value === "object" && !Object.isFrozen(value)) {
      Object.freeze(value)
      Object.values(value).forEach(frozen)
    }
    return value
  }

  return {
    config: async (config) => {
      if (WRIT.lift_providers) {
        if (WRIT.enabled_providers) config.enabled_providers = WRIT.enabled_providers
        else delete config.enabled_providers
      }
      servers = Object.keys(config.mcp ?? {})
    },
    event: async ({ event }) => {
      const properties = event.properties ?? {}
      const info = properties.info ?? {}
      const session = properties.sessionID ?? info.sessionID ?? info.id
      if (event.type === "session.created" && info.parentID) roots.set(info.id, rootOf(info.parentID))
      const part = properties.part
      if (event.type === "message.part.updated" && part?.type === "tool" && part.state?.status === "error") {
        if (refused.delete(part.callID)) return
        await ask("tool.failed", {
          session: part.sessionID,
          input: { tool: part.tool, callID: part.callID, args: part.state.input },
          error: part.state.error,
        }).catch(() => {})
        return
      }
      if (!FORWARDED.has(event.type) || !session) return
      await ask(event.type, { session }).catch(() => {})
    },
    "chat.message": async (input, output) => {
      if (input.model) model = `${input.model.providerID}/${input.model.modelID}`
      const prompt = (output.parts ?? []).map((part) => part.text ?? "").join("\n")
      const { exit, stderr } = await ask("chat.message", { session: input.sessionID, prompt })
      if (exit !== 0) throw new Error(stderr.trim() || "Writ denied this (hook-failed): the hook gave no answer")
    },
    "tool.execute.before": async (input, output) => {
      const { tool, sessionID, callID } = input
      try {
        // OpenCode runs the very object that stands here, so that object is frozen and not a copy.
        const args = frozen(output.args)
        Object.freeze(output)
        await demand("tool.execute.before", { session: sessionID, input: { tool, callID }, output: { args } })
      } catch (error) {
        refused.add(callID)
        throw error
      }
    },
    "tool.execute.after": async (input, output) => {
      const { tool, sessionID, callID, args } = input
      await ask("tool.execute.after", { session: sessionID, input: { tool, callID, args }, output }).catch(() => {})
    },
  }
}
