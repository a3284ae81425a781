import { afterAll, beforeAll, describe, expect, it } from "@effect/vitest"
import { OrganizationId } from "@maxcloud/sdk/api"
import { Effect, type Layer, ManagedRuntime, Stream } from "effect"
import fc from "fast-check"
import {
  type HistoryKey,
  type HistoryOptions,
  type HistoryQuery,
  LogHistory
} from "../../src/stores/logs/LogHistory.ts"
import { compareLines, type LogLine, timeOf } from "../../src/stores/logs/LogLine.ts"

export const keyOf = (letter: string, service = "api"): HistoryKey => ({
  organizationId: OrganizationId.make(`org_${letter.repeat(32)}`),
  namespace: "shop",
  service
})

export interface Backend {
  readonly layer: (options: HistoryOptions) => Layer.Layer<LogHistory>
  readonly end: () => Promise<void>
}

export interface HistoryPlace {
  readonly name: string
  readonly open: () => Promise<Backend>
  /** How many generated histories to try. */
  readonly runs: number
  /** Why it can't be tested here. */
  readonly left?: boolean
  /** The expected `count` for two services with a write each, and the positions of one. */
  readonly objects?: number
  /** Does max-cloud itself remove old lines? */
  readonly ownRetention?: boolean
  /** Do removed lines disappear at once, or may it take minutes, so that another test covers it? @default at once */
  readonly removal?: "atOnce" | "later"
}

export const line = (t: string, n: number, pod: string, text: string, revision = "api-00001"): LogLine => ({
  t,
  n,
  uid: `uid-${pod}`,
  instance: pod,
  revision,
  line: text,
  truncated: false
})
const day = 86_400_000
/** A day that every store still keeps. */
export const noon = Math.trunc(Date.now() / day) * day - 2.5 * day
export const numbered = (from: number, to: number, start = noon, pod = "a") =>
  Array.from({ length: to - from }, (_, i) => line(timeOf(start + (from + i) * 1000), 0, pod, `line ${from + i}`))

/** The contract of every log store. `open` returns one to test. */
export const describeHistory = ({
  left = false,
  name,
  objects = 3,
  open,
  ownRetention = true,
  removal = "atOnce",
  runs
}: HistoryPlace) => {
  describe.skipIf(left)(`lines kept in ${name}`, () => {
    let backend: Backend
    beforeAll(async () => {
      backend = await open()
    })
    afterAll(() => backend.end())

    const using = async <A>(
      options: HistoryOptions,
      use: (history: LogHistory["Type"]) => Effect.Effect<A, unknown>
    ) => {
      const runtime = ManagedRuntime.make(backend.layer(options))
      try {
        return await runtime.runPromise(Effect.flatMap(LogHistory, use))
      } finally {
        await runtime.dispose()
      }
    }
    const read = (history: LogHistory["Type"], key: HistoryKey, query: HistoryQuery = {}) =>
      Effect.map(Stream.runCollect(history.read(key, query)), (parts) => [...parts].flat())

    it("returns every line once and in order, however they were cut into chunks, and the last of them with tail", async () => {
      let turn = 0
      const drawn = fc.array(
        fc.record({
          t: fc.integer({ min: 0, max: 40 }).map((generated) => timeOf(noon + generated * 3_600_000)),
          n: fc.integer({ min: 0, max: 2 }),
          pod: fc.constantFrom("a", "b", "c"),
          chunks: fc.array(fc.integer({ min: 0, max: 5 }), { minLength: 1, maxLength: 3 })
        }),
        { maxLength: 40 }
      )
      await using({}, (history) =>
        Effect.promise(() =>
          fc.assert(
            fc.asyncProperty(drawn, fc.nat(45), async (lines, tail) => {
              const key = keyOf("a", `turn-${turn++}`)
              const of = new Map<string, LogLine>()
              const chunks: Array<Array<LogLine>> = Array.from({ length: 6 }, () => [])
              for (const { chunks: places, n, pod, t } of lines) {
                const one = line(t, n, pod, `${pod} ${t} ${n} ü\n"\u0000`, `api-${pod}`)
                of.set(one.line, one)
                for (const place of places) chunks[place]?.push(one)
              }
              const all = [...of.values()].sort(compareLines)
              for (const chunk of chunks) await Effect.runPromise(history.write(key, chunk))
              expect(await Effect.runPromise(read(history, key))).toEqual(all)
              expect(await Effect.runPromise(read(history, key, { tail }))).toEqual(tail === 0 ? [] : all.slice(-tail))
              const since = all[Math.trunc(all.length / 2)]?.t ?? timeOf(noon)
              const query = { since, revision: "api-b" }
              const wanted = all.filter(({ revision, t }) => t >= since && revision === "api-b")
              expect(await Effect.runPromise(read(history, key, query))).toEqual(wanted)
            }),
            { numRuns: runs }
          )
        )
      )
    })

    it("stores positions, and separates organizations", async () => {
      const key = keyOf("b")
      await using({}, (history) =>
        Effect.gen(function* () {
          yield* history.write(key, numbered(0, 10))
          yield* history.savePositions(key, new Map([["uid-a", { t: timeOf(noon), n: 3 }]]))
        })
      )
      await using({}, (history) =>
        Effect.gen(function* () {
          expect(yield* history.positions(key)).toEqual(new Map([["uid-a", { t: timeOf(noon), n: 3 }]]))
          expect(yield* history.positions(keyOf("c"))).toEqual(new Map())
          expect(yield* read(history, keyOf("c"))).toEqual([])
          expect(yield* read(history, key)).toEqual(numbered(0, 10))
          for (const name of ["..", "../shop", "a/b", ""]) {
            const failed = yield* Effect.flip(history.write({ ...key, service: name }, numbered(0, 1)))
            expect(failed.message).toContain("can't be the name")
          }
          if (removal === "later") return
          yield* history.remove(key)
          expect(yield* read(history, key)).toEqual([])
        })
      )
    })

    it("deletes an organization with everything stored about it, and no other", async () => {
      const organizations = [keyOf("1"), keyOf("2")]
      await using({}, (history) =>
        Effect.gen(function* () {
          for (const key of organizations) {
            yield* history.write(key, numbered(0, 10))
            yield* history.write({ ...key, service: "web" }, numbered(0, 10))
            yield* history.savePositions(key, new Map([["uid-a", { t: timeOf(noon), n: 3 }]]))
          }
          const [own, other] = [organizations[0] ?? keyOf("1"), organizations[1] ?? keyOf("2")]
          expect(yield* history.count(own.organizationId)).toBe(objects)
          expect((yield* history.services(own.organizationId)).map((service) => service.service)).toEqual([
            "api",
            "web"
          ])
          if (removal === "later") return
          yield* history.removeAll(own.organizationId)
          expect(yield* history.count(own.organizationId)).toBe(0)
          expect(yield* history.services(own.organizationId)).toEqual([])
          expect(yield* history.count(other.organizationId)).toBe(objects)
          yield* history.removeAll(own.organizationId)
        })
      )
    })

    it.skipIf(!ownRetention)(
      "removes lines that are too old or too many, oldest first, only of organizations it owns, and reports it",
      async () => {
        const old = keyOf("d")
        const large = keyOf("e")
        const foreign = keyOf("f")
        const now = Date.now()
        await using({ retention: { days: 7, bytesPerOrganization: 2 ** 20 } }, (history) =>
          Effect.gen(function* () {
            for (const key of [old, foreign]) {
              yield* history.write(key, numbered(0, 100, now - 9 * day))
              yield* history.write(key, numbered(0, 100, now - day))
            }
            yield* history.retain((id) => id === old.organizationId)
            expect(yield* read(history, old)).toEqual(numbered(0, 100, now - day))
            expect((yield* read(history, foreign)).length).toBe(200)
            expect(yield* history.cut(foreign)).toBeUndefined()
            const cut = yield* history.cut(old)
            expect(cut?.reason).toBe("days")
            expect((cut?.before ?? "") > timeOf(now - 9 * day + 99_000)).toBe(true)
            expect((cut?.before ?? "") < timeOf(now - day)).toBe(true)
          })
        )
        await using({ retention: { days: 7, bytesPerOrganization: 800 } }, (history) =>
          Effect.gen(function* () {
            for (let i = 0; i < 5; i++) yield* history.write(large, numbered(i * 100, i * 100 + 100, now - day))
            yield* history.retain((id) => id === large.organizationId)
            const left = yield* read(history, large)
            expect(left.length).toBeGreaterThan(0)
            expect(left.length).toBeLessThan(500)
            expect(left).toEqual(numbered(500 - left.length, 500, now - day))
            expect((yield* history.cut(large))?.reason).toBe("bytes")
          })
        )
      }
    )
  })
}
