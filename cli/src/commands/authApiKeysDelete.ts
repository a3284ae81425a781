import { Effect } from "effect"
import { required } from "../args/flags.ts"
import { asId, findOne, loadApi } from "../auth/people.ts"
import { connect } from "../client.ts"
import { command, noFlags, positionals } from "../command.ts"

export default command({
  summary: "Revoke an API key",
  examples: [{ line: "maxcloud auth api-keys delete CI", does: "Revoke the key; it stops working immediately" }],
  flags: noFlags,
  positionals: positionals({ key: required("KEY", "Its id, name or prefix") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const { apiKeys } = (yield* connect(input)).auth
      const written = yield* asId((yield* loadApi).ApiKeyId, input.key)
      const id =
        written._tag === "Some"
          ? written.value
          : (yield* findOne(
              yield* apiKeys.list(),
              input.key,
              (one) => [one.name, one.prefix],
              "API key",
              "maxcloud auth api-keys list"
            )).id
      yield* apiKeys.delete(id)
      if (terminal.json) return terminal.printJson({ deleted: id })
      terminal.say(`the key ${input.key} is revoked`)
    })
})
