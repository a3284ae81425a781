import type { AuthStatus } from "@maxcloud/sdk/api"
import { findCredential } from "@maxcloud/sdk/credentials"
import { Effect } from "effect"
import { apiUrlOf, connectWith, warn } from "../client.ts"
import { command, noFlags, noPositionals } from "../command.ts"
import { table, until } from "../output/terminal.ts"

/** `key CI (deploy:shop/production)`. */
const credentialText = ({ name, scopes, type }: AuthStatus["credential"]): string =>
  [
    type === "local" ? "none: the server trusts this user" : type,
    name,
    scopes === null || scopes.length === 0 ? null : `(${scopes.join(", ")})`
  ]
    .filter((value) => value !== null)
    .join(" ")

export default command({
  summary: "Show who you are signed in as",
  examples: [{ line: "maxcloud auth status", does: "Show your identity, credential and its expiry" }],
  notes: ["Exits with 4 if the server doesn't accept your credential."],
  flags: noFlags,
  positionals: noPositionals,
  run: (input, terminal) =>
    Effect.gen(function* () {
      const apiUrl = yield* apiUrlOf(input)
      const credential = yield* findCredential(apiUrl, process.env, warn)
      const status = yield* (yield* connectWith(input, credential?.token ?? "")).auth.status
      const source = credential?.source ?? null
      if (terminal.json) return terminal.printJson({ apiUrl, source, ...status })
      const { organization, organizations, role, user } = status
      const facts: ReadonlyArray<readonly [string, string | undefined]> = [
        ["server", apiUrl],
        ["organization", `${organization} (${role})`],
        ["person", user === null ? undefined : `${user.email}${user.verified ? "" : " (not confirmed)"}`],
        ["credential", credentialText(status.credential)],
        ["from", source ?? undefined],
        ["expires", status.credential.type === "local" ? undefined : until(status.credential.expiresAt, Date.now())],
        [
          "member of",
          organizations.length === 0 ? undefined : organizations.map((organization) => organization.name).join(", ")
        ]
      ]
      const rows = facts.flatMap(([name, value]) => (value === undefined ? [] : [[terminal.paint("dim", name), value]]))
      for (const line of table(rows)) terminal.print(line)
      if (user?.verified === false)
        terminal.say("your address isn't confirmed yet: `maxcloud auth resend` mails a link")
    })
})
