import * as fc from "fast-check"
import { expect, it } from "vitest"
import { anyCase, cutEverywhere } from "./fuzz.ts"
import { type FuzzResult, fuzz } from "./fuzzRun.ts"

const numRuns = 100_000
const inOnePart = 5_000

const print = (what: string, { broken, byStatus, cases, heap, resident }: FuzzResult) => {
  const mib = (bytes: number | undefined) => `${Math.round((bytes ?? 0) / 2 ** 20)} MiB`
  const statuses = JSON.stringify([...byStatus].sort(([a], [b]) => a - b))
  console.log(`${what}: ${cases} answers, ${broken} broken off, ${statuses}`)
  console.log(`resident ${resident.map(mib).join(" ")}, heap ${heap.map(mib).join(" ")}`)
}
const sound = { exits: 0, uncaught: [], faults: [], unanswered: [], held: [], active: 0 }

it("whatever an instance sends, the front goes on, every caller has an answer, and memory stays flat", {
  timeout: 3_600_000
}, async () => {
  const seed = Number(process.env.MAXCLOUD_FUZZ_SEED ?? Math.trunc(Math.random() * 2 ** 31))
  const cases = function* () {
    for (let part = 0; part < numRuns / inOnePart; part++)
      yield* fc.sample(anyCase, { seed: seed + part, numRuns: inOnePart })
  }
  const result = await fuzz(cases(), { workers: 64, sampleEvery: 10_000 })
  print(`seed ${seed}`, result)
  expect(result).toMatchObject({ ...sound, cases: numRuns })
  // What is under way at the moment counts too: so the least of each half is compared.
  const half = result.heap.length / 2
  expect(Math.min(...result.heap.slice(half)) - Math.min(...result.heap.slice(0, half))).toBeLessThan(32 * 2 ** 20)
})

it("an answer that breaks off after any of its bytes does no more", { timeout: 3_600_000 }, async () => {
  const result = await fuzz(cutEverywhere(), { workers: 64, sampleEvery: 2_000 })
  print("cut everywhere", result)
  expect(result).toMatchObject(sound)
})
