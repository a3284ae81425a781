import type { LoadedConfig } from "@maxcloud/sdk/effect"
import { Effect } from "effect"
import { locatedErrors, locatedLines } from "../client.ts"
import { CommandFailed } from "../errors/failure.ts"
import type { Terminal } from "../output/terminal.ts"

const say = (loaded: LoadedConfig, issues: LoadedConfig["policies"]["warnings"], terminal: Terminal) =>
  Effect.map(locatedLines(loaded, issues), (lines) => {
    for (const line of lines) terminal.say(`${terminal.paintError("yellow", "warning:")} ${line}`)
  })

/** Prints the warnings of the config's policies. */
export const tellWarnings = (loaded: LoadedConfig, terminal: Terminal) =>
  say(loaded, loaded.policies.warnings, terminal)

/** Prints all findings of the config's policies. In `dev` none of them stops a deploy. */
export const onlyWarned = (loaded: LoadedConfig, terminal: Terminal) => {
  const { problems, warnings } = loaded.policies
  const quiet: LoadedConfig = { ...loaded, policies: { problems: [], warnings } }
  return Effect.as(say(loaded, [...problems, ...warnings], terminal), quiet)
}

/** Fails if the app breaks one of its policies. */
export const refuseBroken = (loaded: LoadedConfig) =>
  Effect.gen(function* () {
    const { problems } = loaded.policies
    if (problems.length === 0) return
    return yield* new CommandFailed({
      tag: "ConfigInvalid",
      exit: 2,
      message: "this app breaks a policy of its config",
      ...(yield* locatedErrors(loaded, problems))
    })
  })
