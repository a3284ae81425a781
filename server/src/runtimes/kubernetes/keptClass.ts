import { SqlClient } from "@effect/sql/SqlClient"
import { Effect, Schema } from "effect"
import { asServer } from "../../base/database/RowScope.ts"
import { keepDoing } from "../../base/node/keepDoing.ts"
import { report } from "../../base/telemetry/processMetrics.ts"
import { ServerError } from "../../base/words/ServerError.ts"
import { type ChosenClass, defaultRuntimeClass, stillMissing } from "./runtimeClass.ts"

const decode = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ runtime_class: Schema.NullOr(Schema.String) })))

const stored = <A, E, R>(statement: Effect.Effect<A, E & { readonly message: string }, R>) =>
  asServer(
    Effect.mapError(
      statement,
      (cause) =>
        new ServerError({
          reason: "database",
          message: `Couldn't read or store the installation's runtime class in the database: ${cause.message}. Check that the database is reachable, and start again`,
          cause
        })
    )
  )

/** Looks each minute whether programs can start in the class. While they can't, or may not, the metric says so. */
export const watchClass = ({ missing, name }: ChosenClass) =>
  Effect.gen(function* () {
    let isMissing = missing !== undefined
    yield* report("maxcloud_runtime_class_missing", () => [{ labels: {}, value: isMissing ? 1 : 0 }])
    if (name === undefined) return
    yield* keepDoing(
      "the check of the runtime class",
      { every: "1 minute", after: "1 minute" },
      Effect.gen(function* () {
        const why = yield* stillMissing(name)
        const wasMissing = isMissing
        isMissing = why !== undefined
        if (why !== undefined && !wasMissing)
          yield* Effect.logError(`Programs of organizations may not start in ${name}: ${why}`)
        if (why === undefined && wasMissing)
          yield* Effect.logInfo(`Programs of organizations can start in ${name} again`)
      })
    )
  })

/** Chooses the default class, stores it for the next start, and watches it. */
export const keptClass = (written: string | undefined) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const [row] = decode(yield* stored(sql`select runtime_class from installation`))
    const chosen = yield* defaultRuntimeClass(written, row?.runtime_class ?? undefined)
    yield* stored(sql`update installation set runtime_class = ${chosen.name ?? null}`)
    yield* watchClass(chosen)
    return chosen.name
  })
