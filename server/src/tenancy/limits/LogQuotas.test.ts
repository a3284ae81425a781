import { SqlError } from "@effect/sql/SqlError"
import { describe, expect, it } from "@effect/vitest"
import { OrganizationId } from "@maxcloud/sdk/api"
import { Effect, Layer } from "effect"
import { unlimited } from "./defaultQuotas.ts"
import { LogQuotas, layer } from "./LogQuotas.ts"
import { Quotas } from "./Quotas.ts"

const acme = OrganizationId.make(`org_${"a".repeat(32)}`)
const away = OrganizationId.make(`org_${"b".repeat(32)}`)

describe("quotas of log lines, for their writers", () => {
  it.live("are read once for many lines, and limit nothing if they can't be read", () => {
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
      expect(quotaOf(away)).toBeNull()
      while (quotaOf(acme) === null) yield* Effect.yieldNow()
      for (let line = 0; line < 1000; line++) expect(quotaOf(acme)).toBe(2 ** 20)
      expect(quotaOf(away)).toBeNull()
      expect(asked).toStrictEqual([acme, away])
    }).pipe(Effect.provide(Layer.provide(layer, quotas)))
  })
})
