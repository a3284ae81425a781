import { Effect } from "effect"
import { command, noFlags, noPositionals } from "../command.ts"

export default command({
  examples: [],
  flags: noFlags,
  positionals: noPositionals,
  run: () => Effect.void
})
