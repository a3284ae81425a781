import { Effect } from "effect"
import { connect } from "../client.ts"
import { command, noFlags, noPositionals } from "../command.ts"
import { authorText } from "../output/authorText.ts"
import { age, printTable } from "../output/terminal.ts"

export default command({
  summary: "List trusted issuers",
  examples: [{ line: "maxcloud auth oidc list", does: "List trusts, their issuers and roles" }],
  flags: noFlags,
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const oidcTrusts = yield* (yield* connect(input)).auth.oidcTrusts.list()
      if (terminal.json) return terminal.printJson({ oidcTrusts })
      if (oidcTrusts.length === 0) return terminal.say("no trusts: `maxcloud auth oidc add` adds one")
      const now = Date.now()
      printTable(
        ["NAME", "ISSUER", "CLAIMS", "ROLE", "SCOPES", "LAST USED", "MADE BY", "ID"],
        oidcTrusts.map((oidcTrust) => [
          oidcTrust.name,
          oidcTrust.issuer,
          Object.entries(oidcTrust.claims)
            .map(([claim, value]) => `${claim}=${value}`)
            .join(","),
          oidcTrust.effectiveRole === oidcTrust.role
            ? oidcTrust.role
            : `${oidcTrust.role} (now ${oidcTrust.effectiveRole ?? "none"})`,
          oidcTrust.scopes.length === 0 ? "all" : oidcTrust.scopes.join(","),
          oidcTrust.lastUsedAt === null ? "never" : age(oidcTrust.lastUsedAt, now),
          authorText(oidcTrust.createdBy),
          oidcTrust.id
        ]),
        terminal
      )
      for (const { limitedBecause, name } of oidcTrusts) {
        if (limitedBecause !== null) terminal.say(`${name} has less than its role: ${limitedBecause}`)
      }
    })
})
