import { describe, expect, it } from "@effect/vitest"
import { type Duration, Effect, Exit, TestClock } from "effect"
import { type Answers, fakeLists, node, pod, whole } from "../../../test/network/fakeLists.ts"
import { KubeApi } from "../kubeApi/KubeApi.ts"
import { currentRanges } from "./currentRanges.ts"

const grown: Answers = {
  ...whole,
  nodes: [
    node("172.18.0.2", ["10.244.0.0/24"]),
    node("172.18.0.3", ["10.244.1.0/24"]),
    node("172.18.0.9", ["10.244.9.0/24"])
  ],
  pods: [pod("10.244.9.5")]
}
const added = ["10.244.9.0/24", "172.18.0.9/32"]
const all = (reason: Answers[string]): Answers => Object.fromEntries(Object.keys(whole).map((name) => [name, reason]))

/** The ranges of a cluster that changes. */
const following = (start: Answers, set: ReadonlyArray<string> = []) =>
  Effect.gen(function* () {
    let answers = start
    const unknown: Array<string | undefined> = []
    const current = yield* currentRanges(set, (one) => Effect.sync(() => unknown.push(one))).pipe(
      Effect.provideService(
        KubeApi,
        fakeLists(() => answers)
      )
    )
    const after = (duration: Duration.DurationInput, next: Answers = answers) =>
      Effect.suspend(() => {
        answers = next
        return TestClock.adjust(duration)
      })
    return { after, current, unknown }
  })

describe("the cluster's ranges while a server runs", () => {
  it.scoped("include a new node within half a minute", () =>
    Effect.gen(function* () {
      const { after, current, unknown } = yield* following(whole)
      expect(current().found).not.toContain(added[0])
      yield* after("30 seconds", grown)
      expect(current().found).toEqual(expect.arrayContaining(added))
      expect(unknown).toEqual([undefined])
    })
  )

  it.scoped("stay the same while the API server is unreachable, refuses, or answers with nothing", () =>
    Effect.gen(function* () {
      const { after, current, unknown } = yield* following(grown)
      const before = current()
      for (const [reason, duration] of [
        ["unreachable", "1 minute"],
        ["forbidden", "61 minutes"],
        ["notFound", "1 minute"]
      ] as const) {
        yield* after(duration, all(reason))
        expect(current()).toEqual(before)
      }
      // As from a starting API server: the next answer is complete again.
      yield* after("30 seconds", { ...all([]), services: whole["services"] ?? [], pods: grown["pods"] ?? [] })
      expect(current()).toEqual(before)
      yield* after("2 minutes", grown)
      expect(current()).toEqual(before)
      expect(unknown).toEqual([undefined])
    })
  )

  it.scoped("lose a range that the cluster hasn't reported for an hour, and not before", () =>
    Effect.gen(function* () {
      const { after, current } = yield* following(grown)
      yield* after("59 minutes", whole)
      expect(current().found).toEqual(expect.arrayContaining(added))
      yield* after("2 minutes")
      for (const range of added) expect(current().found).not.toContain(range)
      // A node that comes and goes starts the hour again.
      yield* after("30 seconds", grown)
      yield* after("40 minutes", whole)
      yield* after("30 seconds", grown)
      yield* after("40 minutes", whole)
      expect(current().found).toEqual(expect.arrayContaining(added))
    })
  )

  it.scoped("don't become unknown because pods outlive their node for a while", () =>
    Effect.gen(function* () {
      const { after, current } = yield* following(grown)
      yield* after("5 minutes", { ...whole, pods: grown["pods"] ?? [] })
      expect(current().unknown).toBeUndefined()
    })
  )

  it.scoped("become unknown with pods outside all ranges, and known again with a node that has them", () =>
    Effect.gen(function* () {
      const { after, current, unknown } = yield* following(whole)
      const strange: Answers = { ...whole, pods: [pod("10.244.9.5")] }
      yield* after("30 seconds", strange)
      expect(current().unknown).toMatch(/^pods: no known range contains 10\.244\.9\.5/)
      // Losing sight of the pods doesn't make more known than before.
      yield* after("30 seconds", { ...strange, pods: "forbidden" })
      expect(current().unknown).toMatch(/^pods: no known range contains 10\.244\.9\.5/)
      yield* after("30 seconds", grown)
      expect(current().unknown).toBeUndefined()
      expect(unknown).toHaveLength(3)
    })
  )

  it.scoped("aren't guessed at the start", () =>
    Effect.gen(function* () {
      expect(Exit.isFailure(yield* Effect.exit(following(all("unreachable"))))).toBe(true)
      const { after, current } = yield* following({ ...whole, pods: "forbidden" })
      expect(current().unknown).toMatch(/^pods: the server isn't allowed to list pods/)
      yield* after("30 seconds", whole)
      expect(current().unknown).toBeUndefined()
    })
  )
})
