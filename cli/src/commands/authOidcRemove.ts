import { Effect } from "effect"
import { required } from "../args/flags.ts"
import { findOne } from "../auth/people.ts"
import { connect } from "../client.ts"
import { command, noFlags, positionals } from "../command.ts"

export default command({
  summary: "Remove a trust",
  examples: [{ line: "maxcloud auth oidc remove ci", does: "Remove the trust; its tokens stop working immediately" }],
  flags: noFlags,
  positionals: positionals({ trust: required("TRUST", "Its id or name") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const { oidcTrusts } = (yield* connect(input)).auth
      const all = yield* oidcTrusts.list()
      const { id, name } = yield* findOne(all, input.trust, (one) => [one.name], "trust", "maxcloud auth oidc list")
      yield* oidcTrusts.delete(id)
      if (terminal.json) return terminal.printJson({ deleted: id })
      terminal.say(`tokens of ${name} are no longer trusted`)
    })
})
