import { Effect } from "effect"
import { connect } from "../client.ts"
import { command, noFlags, noPositionals } from "../command.ts"

export default command({
  summary: "Print who you are",
  examples: [{ line: "maxcloud whoami", does: "Print, for example, ada@example.com acme owner" }],
  notes: ["`maxcloud auth status` shows more."],
  flags: noFlags,
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const { credential, organization, role, user } = yield* (yield* connect(input)).auth.status
      if (terminal.json) return terminal.printJson({ organization, role, credential, user })
      const who =
        credential.type === "session" && user !== null ? user.email : (credential.name ?? credential.id ?? "local")
      terminal.print([who, organization, role].join(" "))
    })
})
