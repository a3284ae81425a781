import type { MaxCloud } from "@maxcloud/sdk/effect"
import { type Context, Effect } from "effect"
import type { Terminal } from "./terminal.ts"

/** Longer than a distant server takes to answer. The command itself doesn't wait for this note. */
const patience = "3 seconds"

/** Prints the server's failed checks on stderr, or nothing if the server doesn't report any. */
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
