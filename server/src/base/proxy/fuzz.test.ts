import { expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import { anyCase } from "../../../test/proxy/fuzz.ts"
import { fuzz } from "../../../test/proxy/fuzzTesting.ts"

const numRuns = 2_000

it("the front keeps running and every caller gets an answer, whatever an instance sends", {
  timeout: 300_000
}, async () => {
  const seed = Number(process.env.MAXCLOUD_FUZZ_SEED ?? Math.trunc(Math.random() * 2 ** 31))
  const result = await fuzz(fc.sample(anyCase, { seed, numRuns }), { workers: 16, batch: numRuns })
  const { byStatus, broken, cases } = result
  console.log(
    `seed ${seed}: ${cases} answers, ${broken} broken off, ${JSON.stringify([...byStatus].sort(([a], [b]) => a - b))}`
  )
  expect(result).toMatchObject({
    cases: numRuns,
    exits: 0,
    uncaught: [],
    faults: [],
    unanswered: [],
    held: [],
    active: 0
  })
})
