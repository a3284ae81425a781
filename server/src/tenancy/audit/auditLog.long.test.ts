import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { SqlClient } from "@effect/sql/SqlClient"
import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { verifyAuditExport } from "@maxcloud/sdk/effect"
import { Effect, Layer, ManagedRuntime, Stream } from "effect"
import { layerTest as databaseLayer } from "../../../test/database/layerTest.ts"
import { newOrganization } from "../../../test/deployments/testServer.ts"
import { layerTest as keysLayer } from "../../../test/keys/layerTest.ts"
import { layer as organizations } from "../organizations/Organizations.ts"
import { Audit } from "./Audit.ts"
import type { Chain } from "./chain.ts"
import { layer } from "./PostgresAudit.ts"

const services = Layer.mergeAll(keysLayer, organizations).pipe(Layer.provideMerge(databaseLayer))
const runtime = ManagedRuntime.make(Layer.provideMerge(layer(), services))
beforeAll(() => runtime.runPromise(Effect.void), 60_000)
afterAll(() => runtime.dispose())

setFlagsFromString("--expose-gc")
const collectGarbage: () => void = runInNewContext("gc")
/** Bytes still in use. */
const inUse = () => {
  collectGarbage()
  return process.memoryUsage().heapUsed
}

/** Entries by the database's own function, many per statement. */
const fill = (chain: Chain, count: number) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    for (let from = 0; from < count; from += 5000) {
      yield* sql`
        select count(public.audit_append(
          chain => ${chain}, action => 'apps.deploy', outcome => 'succeeded', status => 202, actor_type => 'user',
          actor_id => 'usr_1', credential_id => null, person_id => null, request_id => 'r', before_digest => null,
          after_digest => null, personal_key_id => null, personal => null, personal_digest => null,
          subject_key_id => null, subject => null, subject_digest => null))
        from generate_series(1, ${Math.min(5000, count - from)})`
    }
  })

describe("a long audit log", () => {
  it("is exported and verified in constant memory: 100,000 entries", { timeout: 600_000 }, () =>
    runtime.runPromise(
      Effect.gen(function* () {
        const audit = yield* Audit
        const { id } = yield* newOrganization
        yield* fill(id, 100_000)
        const before = inUse()
        let most = 0
        let lines = 0
        const verification = yield* verifyAuditExport(
          audit.export(id).pipe(
            Stream.map((line) => {
              if (++lines % 10_000 === 0) most = Math.max(most, inUse() - before)
              return `${line}\n`
            })
          )
        )
        expect(verification).toMatchObject({ ok: true, entries: 100_000 })
        // The lines alone are more than 60 MB.
        expect(most).toBeLessThan(20e6)
        console.log(`100,000 entries: ${lines} lines, heap + ${Math.round(most / 1e6)} MB at most`)
      })
    )
  )

  it("appends as fast at its end as at its beginning: 10,000 entries", { timeout: 600_000 }, () =>
    runtime.runPromise(
      Effect.gen(function* () {
        const audit = yield* Audit
        const { id } = yield* newOrganization
        const appendThousand = Effect.gen(function* () {
          const begun = performance.now()
          for (let n = 0; n < 1000; n++) {
            yield* audit.append({
              action: "apps.deploy",
              outcome: "succeeded",
              status: 202,
              subject: "shop/production",
              organizationId: id
            })
          }
          return performance.now() - begun
        })
        const times = yield* Effect.all(Array.from({ length: 10 }, () => appendThousand))
        console.log(`a thousand appends each: ${times.map((time) => Math.round(time)).join(", ")} ms`)
        const sum = (some: ReadonlyArray<number>) => some.reduce((a, b) => a + b, 0)
        expect(sum(times.slice(5))).toBeLessThan(2 * sum(times.slice(0, 5)))
        expect(yield* verifyAuditExport(Stream.map(audit.export(id), (found) => `${found}\n`))).toMatchObject({
          ok: true,
          entries: 10_000
        })
      })
    )
  )
})
