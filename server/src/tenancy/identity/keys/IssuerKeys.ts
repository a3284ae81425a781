import { Effect } from "effect"
import { createRemoteJWKSet, customFetch, type JSONWebKeySet, type JWTVerifyGetKey, jwksCache } from "jose"
import { type IssuerOptions, IssuerProblem, makeIssuerDocuments } from "./issuerDocuments.ts"

/** Issuers whose keys are kept at once. */
const maxIssuers = 1_000

/**
 * How far the wall clock is set from one moment to the next until the keys' age is counted anew. jose measures it by that clock
 * (`jwks/remote.js`): set back by an hour, new keys of an issuer would be unknown for an hour.
 */
const steppedMs = 10_000

/** The wall clock, as it is ahead of one that nobody sets. */
const wallOffsetMs = () => Date.now() - performance.now()

/** After a fetch that failed, the next waits so long: whoever sends tokens meanwhile is told the same. */
const retryMs = 5_000

/**
 * The keys of issuers, kept for a while. Only for issuers that somebody trusts: each is asked at the address that it names. While an issuer
 * is away, the keys that were fetched go on until they are too old.
 */
export const makeIssuerKeys = (options: IssuerOptions) =>
  Effect.gen(function* () {
    const documents = yield* makeIssuerDocuments(options)
    const kept = new Map<string, { readonly keys: ReturnType<typeof keysFrom>; readonly offsetMs: number }>()
    const { cacheMaxAgeMs = 600_000, cooldownMs = 30_000, timeoutMs = 5_000 } = options

    const keysFrom = (issuer: string, known?: JSONWebKeySet) => {
      let failing: { readonly since: number; readonly at: number; readonly problem: IssuerProblem } | undefined
      const fetchKeys = async (signal: AbortSignal) => {
        if (failing !== undefined && performance.now() < failing.at + Math.min(retryMs, cooldownMs))
          throw failing.problem
        try {
          const keys = await documents.keySet(issuer, signal)
          failing = undefined
          return Response.json(keys)
        } catch (error) {
          if (!(error instanceof IssuerProblem)) throw error
          const since: number = failing?.since ?? Date.now()
          const problem = new IssuerProblem({
            reason: error.reason,
            message: `the keys of the issuer ${issuer} have been unreachable since ${new Date(since).toISOString()}: ${error.message}`
          })
          failing = { since, at: performance.now(), problem }
          throw problem
        }
      }
      return createRemoteJWKSet(new URL(issuer), {
        cacheMaxAge: cacheMaxAgeMs,
        cooldownDuration: cooldownMs,
        timeoutDuration: timeoutMs,
        ...(known === undefined ? {} : { [jwksCache]: { jwks: known, uat: Date.now() } }),
        // Both documents in one fetch, so that an issuer may move its keys.
        [customFetch]: (_url, { signal }) => fetchKeys(signal)
      })
    }

    return (issuer: string): JWTVerifyGetKey => {
      const offsetMs = wallOffsetMs()
      const before = kept.get(issuer)
      const entry =
        before !== undefined && Math.abs(before.offsetMs - offsetMs) < steppedMs
          ? before
          : { keys: keysFrom(issuer, before?.keys.jwks()), offsetMs }
      kept.delete(issuer)
      kept.set(issuer, entry)
      const [eldest] = kept.keys()
      if (kept.size > maxIssuers && eldest !== undefined) kept.delete(eldest)
      return entry.keys
    }
  })
