import { type OrganizationId, TooManyRequests } from "@maxcloud/sdk/api"
import { Context, Effect, type Scope } from "effect"

/** How many streaming answers (events, logs, exports) can be open at once on this server. */
export interface StreamLimits {
  readonly perKey: number
  readonly perAddress: number
}

/** The owner of a stream. */
export interface StreamOwner {
  /** The credential; undefined if none is needed. */
  readonly key: string | undefined
  readonly address: string
  readonly organization: OrganizationId | undefined
  /** The organization's quota; null: no limit. */
  readonly quota: number | null
}

/** How many streams an organization has open on this server. null: they aren't counted here. */
export class OpenStreamsOf extends Context.Reference<OpenStreamsOf>()("@maxcloud/server/OpenStreamsOf", {
  defaultValue: (): ((organization: OrganizationId) => number | null) => () => null
}) {}

const retryAfterSeconds = 5

const tooMany = (whose: string, limit: number) =>
  new TooManyRequests({
    detail: `Too many open streams: the limit is ${limit} at once for each ${whose}. Close one, such as a \`maxcloud logs --follow\` that nobody reads.`,
    retryAfterSeconds,
    limit: { name: `streams-per-${whose.replace(" ", "-")}`, quota: limit, windowSeconds: retryAfterSeconds }
  })

/** Counts streams by credential, network address and organization, and refuses one that exceeds any limit. */
export const makeOpenStreams = (limits: StreamLimits) => {
  const open = new Map<string, number>()
  const add = (name: string, change: 1 | -1) => {
    const left = (open.get(name) ?? 0) + change
    if (left > 0) open.set(name, left)
    else open.delete(name)
  }
  const namesOf = ({ address, key, organization, quota }: StreamOwner) => [
    ...(key === undefined ? [] : [{ name: `key ${key}`, whose: "credential", limit: limits.perKey }]),
    { name: `address ${address}`, whose: "network address", limit: limits.perAddress },
    // Counted without a quota too: it may be set while these are open.
    ...(organization === undefined
      ? []
      : [{ name: `organization ${organization}`, whose: "organization", limit: quota ?? Number.POSITIVE_INFINITY }])
  ]

  /** Takes a place until the scope closes, when the answer has ended. */
  const take = (owner: StreamOwner): Effect.Effect<void, TooManyRequests, Scope.Scope> =>
    Effect.acquireRelease(
      Effect.suspend(() => {
        const names = namesOf(owner)
        const over = names.find(({ limit, name }) => (open.get(name) ?? 0) >= limit)
        if (over !== undefined) return Effect.fail(tooMany(over.whose, over.limit))
        for (const { name } of names) add(name, 1)
        return Effect.succeed(names)
      }),
      (names) =>
        Effect.sync(() => {
          for (const { name } of names) add(name, -1)
        })
    ).pipe(Effect.asVoid)

  const of = (organization: OrganizationId) => open.get(`organization ${organization}`) ?? 0

  return { take, of, open: () => open.size }
}
