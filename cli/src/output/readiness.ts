import type { MaxCloud } from "@maxcloud/sdk/effect"
import { type Context, Effect } from "effect"
import type { Terminal } from "./terminal.ts"

/** Longer than an answer from a distant server takes. The command itself doesn't wait for a note about the server. */
const patience = "3 seconds"

/** Prints the server's failed checks on stderr. If the server doesn't report any, it prints nothing. */
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
