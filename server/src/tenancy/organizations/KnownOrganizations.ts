import { SqlClient } from "@effect/sql/SqlClient"
import { Context, Duration, Effect, Layer, PubSub, Schedule, Schema, Stream } from "effect"
import { asServer } from "../../base/database/RowScope.ts"

/** The ids of this installation's organizations, in memory, to tell them from others' on the same cluster. */
export class KnownOrganizations extends Context.Tag("@maxcloud/server/KnownOrganizations")<
  KnownOrganizations,
  {
    readonly has: (organizationId: string) => boolean
    /** Told when there are others than before. */
    readonly changes: Stream.Stream<void>
  }
>() {}

/** A new organization is known so long after it was made. */
const lookMs = 5_000

const decode = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ id: Schema.String })))

export const layer = Layer.scoped(
  KnownOrganizations,
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const changed = yield* PubSub.sliding<void>(1)
    let known: ReadonlySet<string> = new Set()
    const look = Effect.gen(function* () {
      const now = new Set(decode(yield* sql`select id from organizations`).map((each) => each.id))
      const same = now.size === known.size && [...now].every((value) => known.has(value))
      known = now
      if (!same) yield* PubSub.publish(changed, undefined)
    })
    yield* look
    yield* look.pipe(
      Effect.catchAll((error) => Effect.logWarning("the organizations are not looked up", error.cause)),
      Effect.delay(Duration.millis(lookMs)),
      Effect.repeat(Schedule.forever),
      Effect.forkScoped
    )
    return KnownOrganizations.of({ has: (id) => known.has(id), changes: Stream.fromPubSub(changed) })
  }).pipe(asServer)
)
