import { Effect } from "effect"
import { toggle } from "../args/flags.ts"
import { connect } from "../client.ts"
import { command, flags, noPositionals } from "../command.ts"

export default command({
  summary: "Print the public keys for the registry's configuration",
  examples: [
    { line: "maxcloud registry keys > keys.json", does: "A JWK set, for CNCF Distribution 3 (auth.token.jwks)" },
    {
      line: "maxcloud registry keys --pem > keys.pem",
      does: "Certificates, for CNCF Distribution 2.8 (auth.token.rootcertbundle)"
    }
  ],
  notes: ["The registry reads its file only at its start, so restart it after a change."],
  flags: flags({ pem: toggle("pem", { description: "Print certificates in PEM" }) }),
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const { keys } = yield* (yield* connect(input)).registry.keys
      if (!input.pem || terminal.json) return terminal.printJson({ keys })
      for (const [certificate = ""] of keys.map(({ x5c }) => x5c)) {
        terminal.print(`-----BEGIN CERTIFICATE-----\n${lines(certificate)}\n-----END CERTIFICATE-----`)
      }
    })
})

/** Lines of 64 characters (RFC 7468, 2). */
const lines = (base64: string) =>
  Array.from({ length: Math.ceil(base64.length / 64) }, (_, line) => base64.slice(line * 64, line * 64 + 64)).join("\n")
