import { describe, expect, it } from "@effect/vitest"
import { isBroken, isPassing, stateOf } from "./sqlState.ts"

const coded = (code?: string) => Object.assign(new Error("no"), code === undefined ? {} : { code })

describe("the outcome of a statement", () => {
  it("is a broken connection if the database didn't answer, or said that it's stopping or starting", () => {
    for (const code of [undefined, "EPIPE", "ECONNRESET", "ETIMEDOUT", "ENOENT", "08006", "57P01", "57P03", "53300"]) {
      expect(isBroken(coded(code)), code).toBe(true)
      expect(isPassing(coded(code)), code).toBe(true)
    }
  })

  it("is a temporary fault, or else a bug", () => {
    for (const code of ["53100", "58030", "40P01", "57014", "55P03", "25006"]) {
      expect([isBroken(coded(code)), isPassing(coded(code))], code).toStrictEqual([false, true])
    }
    for (const code of ["23505", "42501", "42P01", "25P02", "XX000", "P0001"]) {
      expect([stateOf(coded(code)), isPassing(coded(code))], code).toStrictEqual([code, false])
    }
  })
})
