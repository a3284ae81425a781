import { SqlClient } from "@effect/sql/SqlClient"
import { type Duration, Effect, Layer, Stream } from "effect"
import { DataKeys } from "../../base/keys/DataKeys.ts"
import { keepDoing } from "../../base/node/keepDoing.ts"
import { Audit, type Happening } from "./Audit.ts"
import { appendEntries, makeOwnAppend } from "./appendEntries.ts"
import { signDue } from "./checkpoints.ts"
import { exportLines } from "./exportLines.ts"
import { pageOfEntries } from "./listEntries.ts"

export interface AuditOptions {
  /** How often to look for chains that need a signature. @default 30 seconds */
  readonly checkpointsEvery?: Duration.DurationInput
}

/** `Audit` in the tables `audit_heads`, `audit_entries`, `audit_checkpoints`. */
export const layer = ({ checkpointsEvery = "30 seconds" }: AuditOptions = {}) =>
  Layer.scoped(
    Audit,
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const keys = yield* DataKeys
      const appendOwn = makeOwnAppend(sql, yield* Effect.scope)

      yield* keepDoing(
        "checkpoints of the audit log",
        { every: checkpointsEvery, after: checkpointsEvery },
        Effect.provideService(signDue(keys), SqlClient, sql)
      )

      return {
        append: Effect.fn("Audit.append")((first: Happening, ...more: ReadonlyArray<Happening>) =>
          appendEntries(sql, keys, appendOwn, first, more)
        ),
        page: Effect.fn("Audit.page")((chain, filter, paging) =>
          Effect.provideService(pageOfEntries(sql, keys, chain, filter, paging), SqlClient, sql)
        ),
        export: (chain, options) => exportLines(keys, chain, options).pipe(Stream.provideService(SqlClient, sql))
      }
    })
  )
