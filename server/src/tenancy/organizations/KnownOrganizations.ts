import { SqlClient } from "@effect/sql/SqlClient"
import { Context, Effect, Layer, PubSub, Schema, Stream } from "effect"
import { asServer } from "../../base/database/RowScope.ts"
import { keepDoing } from "../../base/node/keepDoing.ts"

/** This installation's organizations, in memory, to distinguish them from others on the same cluster. */
export class KnownOrganizations extends Context.Tag("@maxcloud/server/KnownOrganizations")<
  KnownOrganizations,
  {
    readonly has: (organizationId: string) => boolean
    readonly hasName: (name: string) => boolean
    /** Called when the organizations have changed. */
    readonly changes: Stream.Stream<void>
  }
>() {}

/** The delay until a new organization is known. */
const lookMs = 5_000

const decode = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ id: Schema.String, name: Schema.String })))

export const layer = Layer.scoped(
  KnownOrganizations,
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const changed = yield* PubSub.sliding<void>(1)
    let known: ReadonlySet<string> = new Set()
    let names: ReadonlySet<string> = new Set()
    const look = Effect.gen(function* () {
      const found = decode(yield* sql`select id, name from organizations`)
      names = new Set(found.map(({ name }) => name))
      const now = new Set(found.map(({ id }) => id))
      const same = now.size === known.size && [...now].every((value) => known.has(value))
      known = now
      if (!same) yield* PubSub.publish(changed, undefined)
    })
    yield* look
    yield* keepDoing("known organizations", { every: lookMs, after: lookMs }, look)
    return KnownOrganizations.of({
      has: (id) => known.has(id),
      hasName: (name) => names.has(name),
      changes: Stream.fromPubSub(changed)
    })
  }).pipe(asServer)
)
