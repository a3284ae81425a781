import { Effect } from "effect"
import { required } from "../args/flags.ts"
import { connectWith } from "../client.ts"
import { command, noFlags, positionals } from "../command.ts"
import { UsageError } from "../errors/failure.ts"
import { printTable } from "../output/terminal.ts"

export default command({
  summary: "Show a certificate of erasure",
  examples: [
    {
      line: "maxcloud org certificate era_0123456789abcdef0123456789abcdef",
      does: "List the erased data, store by store"
    },
    {
      line: "maxcloud org certificate era_0123456789abcdef0123456789abcdef --json",
      does: "Print the certificate itself, with its signature"
    }
  ],
  notes: ["You don't have to be signed in; you need the id that `org delete` or `account delete` printed."],
  flags: noFlags,
  positionals: positionals({ id: required("ID", "Id of the certificate") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      if (!/^era_[0-9a-f]{32}$/.test(input.id)) {
        return yield* new UsageError({
          message: `"${input.id}" isn't a certificate id`,
          fix: "copy the id that `org delete` printed"
        })
      }
      const certificate = yield* (yield* connectWith(input, "")).erasures.get(input.id)
      if (terminal.json) return terminal.printJson({ certificate })
      const { erasedAt, stores, subject } = certificate
      printTable(
        ["STORE", "COUNT", "DONE"],
        stores.map((store) => [store.store, String(store.count), store.action]),
        terminal
      )
      terminal.say(
        erasedAt === null
          ? `${subject.type} ${subject.id} is not erased yet`
          : `${subject.type} ${subject.id} was erased at ${erasedAt}`
      )
    })
})
