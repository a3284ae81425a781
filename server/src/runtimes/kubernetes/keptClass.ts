import { SqlClient } from "@effect/sql/SqlClient"
import { Effect, Schema } from "effect"
import { asServer } from "../../base/database/RowScope.ts"
import { keepDoing } from "../../base/node/keepDoing.ts"
import { report } from "../../base/telemetry/processMetrics.ts"
import { ServerError } from "../../base/words/ServerError.ts"
import { defaultRuntimeClass, stillMissing } from "./runtimeClass.ts"

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

/**
 * Chooses the default class, and stores it for the next start. While programs can't start in it, the metric says so, and the
 * server looks each minute whether they can again.
 */
export const keptClass = (written: string | undefined) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const [row] = decode(yield* stored(sql`select runtime_class from installation`))
    const chosen = yield* defaultRuntimeClass(written, row?.runtime_class ?? undefined)
    yield* stored(sql`update installation set runtime_class = ${chosen.name ?? null}`)
    const { missing, name } = chosen
    let isMissing = missing !== undefined
    yield* report("maxcloud_runtime_class_missing", () => [{ labels: {}, value: isMissing ? 1 : 0 }])
    if (isMissing && name !== undefined) {
      yield* keepDoing(
        "the check of the runtime class",
        { every: "1 minute", after: "1 minute" },
        Effect.gen(function* () {
          if (!isMissing || (yield* stillMissing(name)) !== undefined) return
          isMissing = false
          yield* Effect.logInfo(`Programs of organizations can start in ${name} again`)
        })
      )
    }
    return name
  })
