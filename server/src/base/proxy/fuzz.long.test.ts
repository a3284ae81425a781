import { expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import { anyCase, cutEverywhere } from "../../../test/proxy/fuzz.ts"
import { type FuzzResult, fuzz } from "../../../test/proxy/fuzzTesting.ts"

const numRuns = 100_000
const inOnePart = 5_000
const batch = 10_000
/** For each batch, after the first: 100 bytes per case. */
const maxGrowthBytes = 1_000_000

const print = (what: string, { broken, byStatus, cases, resident, used }: FuzzResult) => {
  const mib = (bytes: number | undefined) => `${Math.round((bytes ?? 0) / 2 ** 20)} MiB`
  const statuses = JSON.stringify([...byStatus].sort(([a], [b]) => a - b))
  console.log(`${what}: ${cases} answers, ${broken} broken off, ${statuses}`)
  console.log(`resident ${resident.map(mib).join(" ")}, used ${used.map(mib).join(" ")}`)
}
const sound = { exits: 0, uncaught: [], faults: [], unanswered: [], held: [], active: 0 }

it("the front keeps running, every caller gets an answer, and memory stays flat, whatever an instance sends", {
  timeout: 3_600_000
}, async () => {
  const seed = Number(process.env.MAXCLOUD_FUZZ_SEED ?? Math.trunc(Math.random() * 2 ** 31))
  const cases = function* () {
    for (let part = 0; part < numRuns / inOnePart; part++)
      yield* fc.sample(anyCase, { seed: seed + part, numRuns: inOnePart })
  }
  const result = await fuzz(cases(), { workers: 24, batch })
  print(`seed ${seed}`, result)
  expect(result).toMatchObject({ ...sound, cases: numRuns })
  // The first batch fills pools, caches and compiled code.
  const [first = 0, ...later] = result.used
  expect(((later.at(-1) ?? 0) - first) / later.length).toBeLessThan(maxGrowthBytes)
})

it("an answer that is cut off after any of its bytes does no more", { timeout: 3_600_000 }, async () => {
  const result = await fuzz(cutEverywhere(), { workers: 64, batch: 2_000 })
  print("cut everywhere", result)
  expect(result).toMatchObject(sound)
})
