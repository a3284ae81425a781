import { Effect } from "effect"
import { parseDuration } from "../args/duration.ts"
import { text } from "../args/flags.ts"
import { command, flags, noPositionals } from "../command.ts"
import { clusterFlags, loadCluster, succeed } from "../operator/cluster.ts"

const standard = "24h"

export default command({
  summary: "Print a kubeconfig with the server's own rights",
  offline: true,
  examples: [
    { line: "maxcloud cluster kubeconfig > maxcloud.kubeconfig", does: "For a server outside of the cluster" },
    { line: "maxcloud cluster kubeconfig --duration 720h", does: "With a token for 30 days" }
  ],
  notes: [
    "It contains a token with the server's rights, not yours. Treat it like a password: run `umask 077` first.",
    "The API server may issue a shorter lifetime than you request: the expiry is printed to stderr. A server in the cluster needs no kubeconfig."
  ],
  flags: flags({
    ...clusterFlags,
    duration: text("duration", "DURATION", { description: `Lifetime of the token [${standard}]` })
  }),
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const milliseconds = yield* parseDuration("--duration", input.duration ?? standard)
      const cluster = yield* loadCluster
      const result = yield* Effect.promise(() => cluster.kubeconfig(input, Math.round(milliseconds / 1000)))
      const { expiresAt, text: file } = yield* succeed(result)
      terminal.print(file.trimEnd())
      terminal.say(`the token expires at ${expiresAt.toISOString()}`)
    })
})
