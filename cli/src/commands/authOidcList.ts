import { Effect } from "effect"
import { connect } from "../client.ts"
import { command, noFlags, noPositionals } from "../command.ts"
import { age, printTable } from "../terminal.ts"

export default command({
  summary: "List trusted issuers",
  examples: [{ line: "maxcloud auth oidc list", does: "whose tokens act for the organization, and as what" }],
  flags: noFlags,
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const oidcTrusts = yield* (yield* connect(input)).auth.oidcTrusts.list
      if (terminal.json) return terminal.printJson({ oidcTrusts })
      if (oidcTrusts.length === 0) return terminal.say("none: `maxcloud auth oidc add` trusts an issuer")
      const now = Date.now()
      printTable(
        ["NAME", "ISSUER", "CLAIMS", "ROLE", "SCOPES", "LAST USED", "MADE BY", "ID"],
        oidcTrusts.map((_) => [
          _.name,
          _.issuer,
          Object.entries(_.claims)
            .map(([claim, value]) => `${claim}=${value}`)
            .join(","),
          _.effectiveRole === _.role ? _.role : `${_.role} (now ${_.effectiveRole ?? "none"})`,
          _.scopes.length === 0 ? "all" : _.scopes.join(","),
          _.lastUsedAt === null ? "never" : age(_.lastUsedAt, now),
          _.createdBy ?? "-",
          _.id
        ]),
        terminal
      )
      for (const { limitedBecause, name } of oidcTrusts) {
        if (limitedBecause !== null) terminal.say(`${name} is less than it says: ${limitedBecause}`)
      }
    })
})
