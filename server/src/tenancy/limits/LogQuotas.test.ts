import { SqlError } from "@effect/sql/SqlError"
import { assert, describe, it } from "@effect/vitest"
import { OrganizationId } from "@maxcloud/sdk/api"
import { Effect, Layer } from "effect"
import { unlimited } from "./defaultQuotas.ts"
import { LogQuotas, layer } from "./LogQuotas.ts"
import { Quotas } from "./Quotas.ts"

const acme = OrganizationId.make(`org_${"a".repeat(32)}`)
const away = OrganizationId.make(`org_${"b".repeat(32)}`)

describe("quotas of log lines, for those who write them", () => {
  it.live("are read once for many lines, and bound nothing where they can't be read", () => {
    const asked: Array<OrganizationId> = []
    const quotas = Layer.mock(Quotas, {
      of: (id) => {
        asked.push(id)
        return id === away
          ? Effect.fail(new SqlError({ cause: new Error("away") }))
          : Effect.succeed({ ...unlimited, logBytes: 2 ** 20 })
      }
    })
    return Effect.gen(function* () {
      const quotaOf = yield* LogQuotas
      quotaOf(acme)
      assert.isNull(quotaOf(away))
      while (quotaOf(acme) === null) yield* Effect.yieldNow()
      for (let line = 0; line < 1000; line++) assert.strictEqual(quotaOf(acme), 2 ** 20)
      assert.isNull(quotaOf(away))
      assert.deepStrictEqual(asked, [acme, away])
    }).pipe(Effect.provide(Layer.provide(layer, quotas)))
  })
})
