import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import {
  nextMove,
  unlisted,
  type WatchEffect,
  type WatchHappening,
  type WatchState,
  watchStep
} from "./watchMachine.ts"

const after = (...happenings: ReadonlyArray<WatchHappening>) => {
  const effects: Array<WatchEffect> = []
  const state = happenings.reduce<WatchState>((before, happening) => {
    const step = watchStep(before, happening)
    effects.push(...step.effects)
    return step.state
  }, unlisted)
  return { state, effects, move: nextMove(state) }
}
const cut: WatchHappening = { type: "failed", why: "the connection was cut", refused: false }
const forbidden: WatchHappening = { type: "failed", why: "forbidden", refused: true }

describe("a watch", () => {
  it("lists, connects from the list's version, and receives", () => {
    expect(nextMove(unlisted)).toEqual({ type: "list" })
    expect(after({ type: "listed", version: "7" }).move).toEqual({ type: "connect", version: "7" })
    expect(after({ type: "listed", version: "7" }, { type: "connected" }).move).toEqual({ type: "receive" })
  })

  it("resumes from its last seen version when its connection ends", () => {
    const { effects, move } = after(
      { type: "listed", version: "7" },
      { type: "connected" },
      { type: "received", version: "9" },
      { type: "lost", how: "ended", afterMillis: 300_000 }
    )
    expect(effects).toEqual([{ type: "close" }])
    expect(move).toEqual({ type: "connect", version: "9" })
  })

  it("lists again when its version has expired, at the connection or later", () => {
    expect(after({ type: "listed", version: "7" }, { type: "expired" }).move).toEqual({ type: "list" })
    const { effects, move } = after(
      { type: "listed", version: "7" },
      { type: "connected" },
      { type: "lost", how: "gone", afterMillis: 300_000 }
    )
    expect(effects).toEqual([{ type: "close" }, { type: "wait", longestMillis: 500 }])
    expect(move).toEqual({ type: "list" })
  })

  it("lists less and less often if each version has expired at once, until something arrives", () => {
    const cycle = (first: WatchHappening): ReadonlyArray<WatchHappening> => [{ type: "listed", version: "7" }, first]
    const rounds = (first: WatchHappening) => Array.from({ length: 9 }, () => cycle(first)).flat()
    const waits = (...happenings: ReadonlyArray<WatchHappening>) =>
      after(...happenings).effects.flatMap((effect) => (effect.type === "wait" ? [effect.longestMillis] : []))
    const growing = [500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000]
    expect(waits(...rounds({ type: "expired" }))).toEqual(growing)
    expect(waits(...rounds({ type: "lost", how: "gone", afterMillis: 1 }))).toEqual(growing)
    const received: WatchHappening = { type: "received", version: "8" }
    expect(waits(...rounds({ type: "expired" }), received, { type: "expired" }).at(-1)).toBe(500)
  })

  it("waits before reopening a connection that ended at once", () => {
    const { effects } = after(
      { type: "listed", version: "7" },
      { type: "connected" },
      { type: "lost", how: "ended", afterMillis: 20 }
    )
    expect(effects).toEqual([{ type: "close" }, { type: "wait", longestMillis: 250 }])
  })

  it("waits longer after each failure, up to five seconds, or half a minute after a refusal", () => {
    const waits = (happening: WatchHappening) =>
      after(...Array.from({ length: 12 }, () => happening)).effects.flatMap((effect) =>
        effect.type === "wait" ? [effect.longestMillis] : []
      )
    expect(waits(cut).slice(0, 7)).toEqual([250, 500, 1_000, 2_000, 4_000, 5_000, 5_000])
    expect(waits(forbidden).slice(5, 9)).toEqual([8_000, 16_000, 30_000, 30_000])
  })

  it("reports an outage once, but not at the first failures, and its end once", () => {
    const said = (...happenings: ReadonlyArray<WatchHappening>) =>
      after(...happenings).effects.filter((effect) => effect.type === "sayAway" || effect.type === "sayBack")
    expect(said(cut, cut, cut, { type: "listed", version: "7" })).toEqual([])
    expect(said(cut, cut, cut, cut, cut, { type: "listed", version: "7" }, { type: "connected" })).toEqual([
      { type: "sayAway", why: "the connection was cut" },
      { type: "sayBack" }
    ])
  })

  it("never receives without a connection, closes each, and waits after each failure, for any order of events", () => {
    const version = fc.nat().map(String)
    fc.assert(
      fc.property(fc.infiniteStream(fc.record({ dice: fc.nat({ max: 99 }), version })), (fates) => {
        let state = unlisted
        let open = 0
        const fate = () => {
          const { value } = fates.next()
          return value
        }
        for (let moves = 0; moves < 60; moves++) {
          const { dice, version: at } = fate()
          const move = nextMove(state)
          expect(open).toBe(move.type === "receive" || (move.type === "list" && state.connected) ? 1 : 0)
          const happening: WatchHappening =
            move.type === "list"
              ? dice < 60
                ? { type: "listed", version: at }
                : dice < 70
                  ? { type: "expired" }
                  : cut
              : move.type === "connect"
                ? dice < 60
                  ? { type: "connected" }
                  : dice < 80
                    ? { type: "expired" }
                    : forbidden
                : dice < 60
                  ? { type: "received", version: at }
                  : { type: "lost", how: dice < 80 ? "ended" : "gone", afterMillis: dice * 20 }
          if (happening.type === "connected") open++
          const step = watchStep(state, happening)
          open -= step.effects.filter((effect) => effect.type === "close").length
          if (happening.type === "failed" || happening.type === "expired")
            expect(step.effects.at(-1)?.type).toBe("wait")
          state = step.state
        }
      }),
      { numRuns: 300 }
    )
  })
})
