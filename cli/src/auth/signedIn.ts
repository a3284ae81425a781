import type { SessionGrant } from "@maxcloud/sdk/api"
import { type Kept, sourceOfEnvironment } from "@maxcloud/sdk/credentials"
import { Effect, Redacted } from "effect"
import { apiUrlOf, connectWith, type Reached, warn, writtenOrganization } from "../client.ts"
import type { Terminal } from "../output/terminal.ts"
import { makeCredentials } from "./credentials.ts"

export const credentials = () => makeCredentials(process.env, warn)

/** Stores a credential for the server, and ends the session that it replaces. */
export const keep = (input: Reached, kept: Kept) =>
  Effect.gen(function* () {
    const apiUrl = yield* apiUrlOf(input)
    const { file, find, keep } = credentials()
    const former = yield* find(apiUrl)
    yield* keep(apiUrl, kept)
    if (former?.type === "session" && Redacted.value(former.token) !== Redacted.value(kept.token)) {
      const cloud = yield* connectWith(input, former.token)
      yield* Effect.ignore(Effect.timeout(cloud.auth.signOut, "5 seconds"))
    }
    return { apiUrl, file }
  })

/** Stores a session, and prints the user and organization. */
export const keepSession = (input: Reached, session: SessionGrant, terminal: Terminal) =>
  Effect.gen(function* () {
    const { expiresAt, organization, role, token, user } = session
    const { apiUrl, file } = yield* keep(input, { token, type: "session", organization, email: user.email, expiresAt })
    if (terminal.json) terminal.printJson({ apiUrl, organization, role, user, expiresAt, file }, "line")
    else terminal.say(`signed in to ${apiUrl} as ${user.email}, organization ${organization} (${role})`)
    sayOverridden(terminal)
  })

/** Warns that the environment overrides the stored credential or its organization. */
export const sayOverridden = (terminal: Terminal): void => {
  const organization = writtenOrganization({ org: undefined })
  if (organization !== undefined && organization !== "-" && !terminal.json) {
    terminal.say(`note: commands act for ${organization}, because MAXCLOUD_ORG is set`)
  }
  const source = sourceOfEnvironment(process.env)
  if (source !== undefined && !terminal.json) {
    terminal.say(`note: commands use ${source} instead of the stored credential`)
  }
}
