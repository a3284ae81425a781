import { SqlClient } from "@effect/sql/SqlClient"
import { Effect, Layer, ManagedRuntime } from "effect"
import { Audit } from "../../server/src/tenancy/audit/Audit.ts"
import { layer } from "../../server/src/tenancy/audit/PostgresAudit.ts"
import { layerTest as databaseLayer } from "../../server/test/database/layerTest.ts"
import { layerTest as keysLayer } from "../../server/test/keys/layerTest.ts"
import { type Benchmark, interleaved } from "./measure.ts"

const appends = 500

/** Appending an audit entry in its own transaction, compared with a plain insert of the same row. */
export const auditBenchmark: Benchmark = {
  name: "audit",
  run: async () => {
    const runtime = ManagedRuntime.make(layer().pipe(Layer.provideMerge(keysLayer), Layer.provideMerge(databaseLayer)))
    try {
      const perSecond = (work: Effect.Effect<unknown, unknown, Audit | SqlClient>) => () =>
        runtime.runPromise(
          Effect.gen(function* () {
            const begun = performance.now()
            for (let n = 0; n < appends; n++) yield* work
            return (appends * 1000) / (performance.now() - begun)
          })
        )
      const append = Effect.flatMap(Audit, (audit) =>
        audit.append({ action: "apps.deploy", outcome: "succeeded", status: 202, subject: "shop/production" })
      )
      const row = await runtime.runPromise(
        Effect.gen(function* () {
          const sql = yield* SqlClient
          yield* append
          const [written] = yield* sql<{ sequence: string }>`select * from audit_entries where sequence = 1`
          return written
        })
      )
      let inserted = 0
      const insert = Effect.flatMap(SqlClient, (sql) =>
        sql.withTransaction(
          sql`insert into audit_entries ${sql.insert({ ...row, organization_id: "plain", sequence: ++inserted })}`
        )
      )
      const [ours = Number.NaN, plain = Number.NaN] = await interleaved(5, [perSecond(append), perSecond(insert)])
      return [
        {
          work: "entries appended to one chain of the audit log, each in its own transaction",
          ours: `${Math.round(ours)} entries/s`,
          peer: `plain insert of the same row: ${Math.round(plain)} rows/s`,
          ratio: `${(ours / plain).toFixed(2)} ×`,
          goal: "≥ 0.33 ×"
        }
      ]
    } finally {
      await runtime.dispose()
    }
  }
}
