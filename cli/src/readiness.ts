import type { MaxCloud } from "@maxcloud/sdk/effect"
import { type Context, Effect } from "effect"
import type { Terminal } from "./terminal.ts"

/** Longer than an answer from far away takes: what was asked for doesn't wait for a word about the server itself. */
const patience = "3 seconds"

/** Says on stderr what the server can't do at present. A server that doesn't say is passed over. */
export const tellReadiness = (
  cloud: Pick<Context.Tag.Service<typeof MaxCloud>, "readiness">,
  terminal: Pick<Terminal, "paintError" | "say">
): Effect.Effect<void> =>
  Effect.gen(function* () {
    const checks = yield* Effect.orElseSucceed(Effect.timeout(cloud.readiness, patience), () => [])
    for (const { message, name, ok } of checks) {
      if (!ok) terminal.say(`${terminal.paintError("red", "The server isn't ready.")} ${message ?? name}`)
    }
  })
