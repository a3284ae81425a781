import { Effect } from "effect"
import { createRemoteJWKSet, customFetch, type JSONWebKeySet, type JWTVerifyGetKey, jwksCache } from "jose"
import { type IssuerOptions, IssuerProblem, makeIssuerDocuments } from "./issuerDocuments.ts"

/** How many issuers' keys are cached at once. */
const maxIssuers = 1_000

/**
 * How far the wall clock may jump between two moments before the keys' age is counted anew. jose measures it by that
 * clock (`jwks/remote.js`). If somebody set it back by an hour, an issuer's new keys would be unknown for an hour.
 */
const steppedMs = 10_000

/** How far the wall clock is ahead of a monotonic one. */
const wallOffsetMs = () => Date.now() - performance.now()

/** How long to wait after a failed fetch before the next. Tokens get the same error meanwhile. */
const retryMs = 5_000

/**
 * The keys of issuers, cached. Only for trusted issuers: each is asked at the address in its URL. While an issuer is
 * unreachable, its cached keys stay valid until they're too old.
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
