import { SqlClient } from "@effect/sql/SqlClient"
import { Effect, Layer, ManagedRuntime } from "effect"
import { Audit } from "../../server/src/tenancy/audit/Audit.ts"
import { layer } from "../../server/src/tenancy/audit/PostgresAudit.ts"
import { databaseTest, madeDataDir } from "../../server/test/database/layerTest.ts"
import { makePlainTable } from "../../server/test/database/plainTable.ts"
import { layerTest as keysLayer } from "../../server/test/keys/layerTest.ts"
import { type Benchmark, inRounds, median, times } from "./measure.ts"

const appends = 320
const atOnce = 32
const rounds = 5

/** Appending audit entries without a transaction of the caller's own, compared with a plain insert of the same row. */
export const auditBenchmark: Benchmark = {
  name: "audit",
  rows: /^entries appended to one chain/,
  run: async () => {
    let dataDir = ""
    const database = Layer.unwrapScoped(
      Effect.map(madeDataDir, (folder) => {
        dataDir = folder
        return databaseTest({ dataDir: folder })
      })
    )
    const runtime = ManagedRuntime.make(layer().pipe(Layer.provideMerge(keysLayer), Layer.provideMerge(database)))
    try {
      const perSecond = (work: Effect.Effect<unknown, unknown, Audit | SqlClient>, concurrency: number) => () =>
        runtime.runPromise(
          Effect.suspend(() => {
            const begun = performance.now()
            return Effect.forEach(Array.from({ length: appends }), () => work, { concurrency, discard: true }).pipe(
              Effect.map(() => (appends * 1000) / (performance.now() - begun))
            )
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
      await makePlainTable(dataDir)
      let inserted = 0
      const insert = Effect.flatMap(SqlClient, (sql) =>
        sql.withTransaction(
          sql`insert into plain_entries ${sql.insert({ ...row, organization_id: "plain", sequence: ++inserted })}`
        )
      )
      const measured = async (concurrency: number, how: string, goal: string) => {
        await perSecond(append, concurrency)()
        await perSecond(insert, concurrency)()
        const results = await inRounds(rounds, perSecond(append, concurrency), perSecond(insert, concurrency))
        const rate = (of: (pair: (typeof results)[number]) => number) => Math.round(median(results.map(of)))
        return {
          work: `entries appended to one chain of the audit log, ${how}`,
          ours: `${rate((pair) => pair.ours)} entries/s`,
          peer: `plain insert of the same row, each in its own transaction: ${rate((pair) => pair.peer)} rows/s`,
          ratio: times(median(results.map((pair) => pair.ours / pair.peer))),
          goal
        }
      }
      return [
        await measured(atOnce, `by ${atOnce} requests at a time`, "≥ 0.8 ×"),
        await measured(1, "one after another", "")
      ]
    } finally {
      await runtime.dispose()
    }
  }
}
