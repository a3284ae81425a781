import { Effect } from "effect"
import { command, noFlags, noPositionals } from "../command.ts"

export default command({
  summary: "Try the network from a pod, for `net verify`",
  offline: true,
  examples: [{ line: "MAXCLOUD_PROBE='[…]' maxcloud probe", does: "Run the probes of `net verify` in its pods" }],
  notes: ["For internal use: it tries the targets that MAXCLOUD_PROBE lists, and prints one line."],
  flags: noFlags,
  positionals: noPositionals,
  run: () =>
    Effect.promise(async () => {
      const { runProbe } = await import("@maxcloud/server")
      await runProbe()
    })
})
