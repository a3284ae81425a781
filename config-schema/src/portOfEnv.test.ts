import { describe, expect, it } from "@effect/vitest"
import { Either } from "effect"
import * as fc from "fast-check"
import { encodeAppSpec, parseAppSpec } from "./appSpec.ts"

const serviceOf = (fields: object) =>
  Either.map(parseAppSpec({ app: "shop", services: [{ name: "web", image: "nginx:1.27", ...fields }] }), (spec) => {
    const [service] = encodeAppSpec(spec).services
    return { env: service?.env ?? {}, port: service?.port }
  })

describe("PORT in env", () => {
  it("means the service's port, in every notation", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 65_535 }), (port) => {
        const meant = serviceOf({ port, env: { A: "1" } })
        expect(Either.isRight(meant)).toBe(true)
        for (const PORT of [port, String(port)]) {
          for (const beside of [{}, { port: "auto" }, { port }]) {
            expect(serviceOf({ env: { PORT, A: "1" }, ...beside })).toStrictEqual(meant)
          }
        }
      })
    )
  })

  it("is refused beside a different port, and if it isn't a valid port", () => {
    const codes = (fields: object) =>
      Either.match(serviceOf(fields), {
        onLeft: (issues) => issues.map(({ code, path }) => [path.join("."), code]),
        onRight: () => []
      })
    expect(codes({ env: { PORT: 80 }, port: 81 })).toStrictEqual([["services.0.env.PORT", "conflict"]])
    for (const PORT of ["", "0", "080", "65536", "8080 ", 1.5, -1, true, null, { secret: "P" }, [80]]) {
      expect(codes({ env: { PORT } }), JSON.stringify(PORT)).toStrictEqual([["services.0.env.PORT", "invalid_value"]])
    }
  })
})
