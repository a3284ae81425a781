import { Effect, Option, type ParseResult, Schema } from "effect"
import type { KubeError, KubeRequest } from "./KubeApi.ts"

const pageSize = 250

const List = Schema.Struct({
  metadata: Schema.Struct({
    resourceVersion: Schema.String,
    continue: Schema.optionalWith(Schema.String, { default: () => "" })
  }),
  // `null` if the API server has no items.
  items: Schema.optionalWith(Schema.NullOr(Schema.Array(Schema.Unknown)), { default: () => [] })
})
const decodeList = Schema.decodeUnknown(List)

/** How many pages of this process are read at once: all kinds are listed at the start, and each page is parsed as a whole. */
const pages = Effect.unsafeMakeSemaphore(2)

/**
 * All objects of a path, read page by page, and the version to start watching from. `read` reduces each object to what is kept:
 * whole objects of a large cluster never are in memory all at once.
 */
export const listPages = <A>(
  request: (request: KubeRequest) => Effect.Effect<unknown, KubeError>,
  asked: KubeRequest,
  read: (item: unknown) => Option.Option<A>
): Effect.Effect<
  { readonly items: ReadonlyArray<A>; readonly version: string; readonly unreadable: number },
  KubeError | ParseResult.ParseError
> =>
  Effect.gen(function* () {
    const all: Array<A> = []
    let unreadable = 0
    const page = (query: Readonly<Record<string, string>>) =>
      Effect.map(Effect.flatMap(request({ ...asked, query }), decodeList), ({ items, metadata }) => {
        for (const item of items ?? []) {
          const kept = read(item)
          if (Option.isSome(kept)) all.push(kept.value)
          else unreadable++
        }
        return metadata
      }).pipe(pages.withPermits(1))
    for (let next = ""; ; ) {
      const metadata = yield* page({
        ...asked.query,
        limit: String(pageSize),
        ...(next === "" ? {} : { continue: next })
      })
      if (metadata.continue === "") return { items: all, version: metadata.resourceVersion, unreadable }
      next = metadata.continue
    }
  })
