import { Effect, Option, type ParseResult, Schema } from "effect"
import type { KubeError, KubeRequest } from "./KubeApi.ts"

const pageSize = 500

const List = Schema.Struct({
  metadata: Schema.Struct({
    resourceVersion: Schema.String,
    continue: Schema.optionalWith(Schema.String, { default: () => "" })
  }),
  // `null` if the API server has no items.
  items: Schema.optionalWith(Schema.NullOr(Schema.Array(Schema.Unknown)), { default: () => [] })
})
const decodeList = Schema.decodeUnknown(List)

/**
 * All objects of a path, read page by page, and the version to start watching from. `read` reduces each object to what is kept:
 * whole objects of a large cluster never are in memory all at once.
 */
export const listPages = <A>(
  request: (request: KubeRequest) => Effect.Effect<unknown, KubeError>,
  asked: KubeRequest,
  read: (item: unknown) => Effect.Effect<Option.Option<A>>
): Effect.Effect<{ readonly items: ReadonlyArray<A>; readonly version: string }, KubeError | ParseResult.ParseError> =>
  Effect.gen(function* () {
    const all: Array<A> = []
    for (let next = ""; ; ) {
      const query = { ...asked.query, limit: String(pageSize), ...(next === "" ? {} : { continue: next }) }
      const { items, metadata } = yield* decodeList(yield* request({ ...asked, query }))
      for (const item of items ?? []) {
        const kept = yield* read(item)
        if (Option.isSome(kept)) all.push(kept.value)
      }
      if (metadata.continue === "") return { items: all, version: metadata.resourceVersion }
      next = metadata.continue
    }
  })
