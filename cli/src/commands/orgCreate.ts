import { Effect } from "effect"
import { required } from "../args/flags.ts"
import { parseOrganization } from "../auth/people.ts"
import { keepSession } from "../auth/signedIn.ts"
import { connect } from "../client.ts"
import { command, noFlags, positionals } from "../command.ts"

export default command({
  summary: "Create an organization of your own",
  examples: [{ line: "maxcloud org create acme", does: "Create it and switch to it" }],
  notes: ["You own it. `maxcloud org switch` returns to another of your organizations."],
  flags: noFlags,
  positionals: positionals({ name: required("NAME", "Its name: lower-case letters, digits, hyphens") }),
  run: (input, terminal) =>
    Effect.gen(function* () {
      const name = yield* parseOrganization(input.name)
      const cloud = yield* connect(input)
      yield* keepSession(input, yield* cloud.account.createOrganization(name), terminal)
    })
})
