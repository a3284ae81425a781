import { HttpApiBuilder } from "@effect/platform"
import { MaxCloudApi, type RegistryKeys } from "@maxcloud/sdk/api"
import { Effect, Redacted } from "effect"
import { orUnavailable } from "../../../base/database/sqlErrors.ts"
import { masterKeyUnavailable } from "../../../base/keys/masterKeyUnavailable.ts"
import { mostScopes, refusedScopes } from "../../../stores/registry/grantScopes.ts"
import { type PublishedKey, RegistryTokens } from "../../../stores/registry/RegistryTokens.ts"
import { Audit } from "../../../tenancy/audit/Audit.ts"
import { invalidRequest } from "../../http/problems.ts"
import { currentCaller } from "./callerOf.ts"

/** A subject has at most 300 characters. */
const longestSubject = 280

/** Scopes as subjects of the audit log: in as few as they fit, so that none is left out. */
const subjectsOf = (scopes: ReadonlyArray<string>): ReadonlyArray<string> => {
  const subjects: Array<string> = []
  for (const scope of scopes.map((each) => each.slice(0, longestSubject))) {
    const last = subjects.at(-1)
    if (last === undefined || last.length + scope.length >= longestSubject) subjects.push(scope)
    else subjects[subjects.length - 1] = `${last} ${scope}`
  }
  return subjects.map((each) => `registry ${each}`)
}

const scopesOf = (written: string | ReadonlyArray<string> | undefined): ReadonlyArray<string> =>
  (typeof written === "string" ? [written] : (written ?? []))
    .flatMap((each) => each.split(" "))
    .filter((each) => each !== "")

const jwkOf = ({ certificate, id, jwk }: PublishedKey): RegistryKeys["keys"][number] => ({
  ...jwk,
  kid: id,
  alg: "ES256",
  use: "sig",
  x5c: [certificate.replace(/-----[A-Z ]+-----|\n/g, "")]
})

export const registryTokensHandlers = HttpApiBuilder.group(MaxCloudApi, "registryTokens", (handlers) =>
  Effect.gen(function* () {
    const tokens = yield* RegistryTokens
    const audit = yield* Audit
    return handlers.handle("issue", ({ urlParams: { scope, service } }) =>
      Effect.gen(function* () {
        if (service !== undefined && service !== tokens.service) {
          return yield* invalidRequest(
            `This server issues tokens for the registry "${tokens.service}", not for "${service.slice(0, 100)}". Set "service" in the registry's configuration (auth.token.service), or REGISTRY_URL of this server.`
          )
        }
        const caller = yield* currentCaller
        const scopes = scopesOf(scope)
        if (scopes.length > mostScopes) {
          return yield* invalidRequest(
            `A request may name ${mostScopes} scopes, and this one names ${scopes.length}. Request several tokens.`
          )
        }
        const issued = yield* tokens.issue(caller, scopes)
        const granted = issued.access.map(({ actions, name }) => `${name}:${actions.join(",")}`)
        const refused = refusedScopes(scopes, issued.access)
        const entries = (outcome: "succeeded" | "refused", about: ReadonlyArray<string>) =>
          subjectsOf(about).map((subject) => ({ action: "registryTokens.issue", outcome, status: 200, subject }))
        const [first, ...more] = [...entries("succeeded", granted), ...entries("refused", refused)]
        if (first !== undefined) yield* audit.append(first, ...more)
        const token = Redacted.make(issued.token)
        return {
          token,
          access_token: token,
          expires_in: issued.expiresIn,
          issued_at: new Date(issued.issuedAt * 1_000).toISOString()
        }
      }).pipe(Effect.catchTag("MasterKeyError", masterKeyUnavailable), orUnavailable)
    )
  })
)

export const registryKeysHandlers = HttpApiBuilder.group(MaxCloudApi, "registryKeys", (handlers) =>
  Effect.map(RegistryTokens, (tokens) =>
    handlers.handle("get", () =>
      Effect.map(tokens.keys, (keys) => ({ keys: keys.map(jwkOf) })).pipe(
        Effect.catchTag("MasterKeyError", masterKeyUnavailable)
      )
    )
  )
)
