import { Effect } from "effect"
import { createRemoteJWKSet, customFetch, type JWTVerifyGetKey } from "jose"
import { type IssuerOptions, IssuerProblem, makeIssuerDocuments } from "./issuerDocuments.ts"

/** Issuers whose keys are kept at once. */
const maxIssuers = 1_000

/** After a fetch that failed, the next waits so long: whoever sends tokens meanwhile is told the same. */
const retryMs = 5_000

/**
 * The keys of issuers, kept for a while. Only for issuers that somebody trusts: each is asked at the address that it names. While an issuer
 * is away, the keys that were fetched go on until they are too old.
 */
export const makeIssuerKeys = (options: IssuerOptions) =>
  Effect.gen(function* () {
    const documents = yield* makeIssuerDocuments(options)
    const kept = new Map<string, JWTVerifyGetKey>()
    const { cacheMaxAgeMs = 600_000, cooldownMs = 30_000, timeoutMs = 5_000 } = options

    const keysFrom = (issuer: string) => {
      let failing: { readonly since: number; readonly at: number; readonly problem: IssuerProblem } | undefined
      const fetchKeys = async (signal: AbortSignal) => {
        if (failing !== undefined && Date.now() < failing.at + Math.min(retryMs, cooldownMs)) throw failing.problem
        try {
          const keys = await documents.keySet(issuer, signal)
          failing = undefined
          return Response.json(keys)
        } catch (error) {
          if (!(error instanceof IssuerProblem)) throw error
          const since: number = failing?.since ?? Date.now()
          const problem = new IssuerProblem({
            reason: error.reason,
            message: `the keys of the issuer ${issuer} cannot be had since ${new Date(since).toISOString()}: ${error.message}`
          })
          failing = { since, at: Date.now(), problem }
          throw problem
        }
      }
      return createRemoteJWKSet(new URL(issuer), {
        cacheMaxAge: cacheMaxAgeMs,
        cooldownDuration: cooldownMs,
        timeoutDuration: timeoutMs,
        // Both documents in one fetch, so that an issuer may move its keys.
        [customFetch]: (_url, { signal }) => fetchKeys(signal)
      })
    }

    return (issuer: string): JWTVerifyGetKey => {
      const keys = kept.get(issuer) ?? keysFrom(issuer)
      kept.delete(issuer)
      kept.set(issuer, keys)
      const [eldest] = kept.keys()
      if (kept.size > maxIssuers && eldest !== undefined) kept.delete(eldest)
      return keys
    }
  })
