import type { ApiKeyInfo } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { required, yesFlag } from "../args/flags.ts"
import { findOne } from "../auth/people.ts"
import { connect } from "../client.ts"
import { command, flags, positionals } from "../command.ts"
import { confirmByName } from "../input/prompt.ts"

/** The keys that a key created, the keys that those created, and so on. */
const createdBy = (key: ApiKeyInfo, all: ReadonlyArray<ApiKeyInfo>): ReadonlyArray<ApiKeyInfo> => {
  const family = new Set([key])
  for (const { id } of family) for (const each of all) if (each.createdWith === id) family.add(each)
  return [...family].slice(1)
}

export default command({
  summary: "Revoke an API key, and the keys that it created",
  examples: [
    { line: "maxcloud auth api-keys delete CI", does: "Revoke the key; it stops working immediately" },
    {
      line: "maxcloud auth api-keys delete CI --yes",
      does: "Without the question, which it asks if the key created others"
    }
  ],
  flags: flags({ yes: yesFlag }),
  positionals: positionals({ key: required("KEY", "Its id, name or prefix") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const { apiKeys } = (yield* connect(input)).auth
      const all = yield* apiKeys.list()
      const key = yield* findOne(
        all,
        input.key,
        (one) => [one.id, one.name, one.prefix],
        "API key",
        "maxcloud auth api-keys list"
      )
      const others = createdBy(key, all)
      if (others.length > 0) {
        const names = others.map(({ name }) => name).join(", ")
        const what = `the key ${key.name} will be revoked, and ${others.length} that it created: ${names}`
        yield* confirmByName(input, key.name, what, terminal)
      }
      yield* apiKeys.delete(key.id)
      if (terminal.json) return terminal.printJson({ deleted: key.id, others: others.map(({ id }) => id) })
      const more = others.length === 0 ? "" : `, and ${others.length} that it created`
      terminal.say(`the key ${input.key} is revoked${more}`)
      const successor = all.find(({ id }) => id === key.replacedBy)
      if (successor !== undefined)
        terminal.say(`it was rotated: its successor ${successor.name} (${successor.prefix}) still works`)
    })
})
