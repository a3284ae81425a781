import { Effect } from "effect"
import type { Care } from "../../../stores/sources/SourceStore.ts"
import type { Instance, InstanceSpec } from "../instances/Instance.ts"
import type { RevisionRunner } from "../revisions/RevisionRunner.ts"
import type { StartLimiter, Turn } from "./StartLimiter.ts"
import type { Seen, ServiceEffect, ServiceEvent, ServiceState, Unit, UnitId } from "./serviceMachine.ts"
import { unitsOf } from "./serviceMachine.ts"
import { makeSettling, type Settling } from "./settling.ts"

export interface RunnerHooks {
  /** The image that the revision's first instance ran. */
  readonly resolvedImage: () => string | undefined
  readonly onRoom: () => void
  readonly onLaunched: (instance: Instance) => void
  readonly onChange: () => void
  readonly onFailure: () => void
  readonly onBuild: (line: string) => void
  readonly onPull: (line: string | undefined) => void
  readonly apart: NonNullable<InstanceSpec["apart"]>
}

export interface ServiceRunnersInput {
  readonly limiter: StartLimiter
  readonly state: () => ServiceState
  readonly handle: (event: ServiceEvent) => void
  readonly onRoom: () => void
  readonly makeRunner: (revision: Unit["revision"], hooks: RunnerHooks, care: Care) => RevisionRunner
}

type UnitEffect = Extract<ServiceEffect, { readonly unit: UnitId }>

/** The runners of one service, by their units. */
export interface ServiceRunners {
  readonly make: (unit: Unit, care: Care) => void
  readonly run: (effect: UnitEffect) => void
  readonly of: (unit: Unit | undefined) => RevisionRunner | undefined
  readonly all: () => ReadonlyArray<RevisionRunner>
  readonly seen: () => ReadonlyMap<UnitId, Seen>
}

/** A runner with its pending work. */
interface Live {
  readonly runner: RevisionRunner
  readonly settling: Settling
  turn: Turn | undefined
}

const seenOfRunner = (runner: RevisionRunner): Seen => ({
  target: runner.target(),
  running: runner.running(),
  ready: runner.ready(),
  proved: runner.proved(),
  all: runner.all(),
  launchMs: runner.launchMs(),
  inFlight: runner.pool.stats.inFlight(),
  failure: runner.failure(),
  diagnosis: runner.diagnosis()
})

export const makeServiceRunners = (input: ServiceRunnersInput): ServiceRunners => {
  const { handle, limiter, state } = input
  const lives = new Map<UnitId, Live>()

  const leave = ({ runner, settling, turn }: Live, { drainMs, unit }: Extract<UnitEffect, { type: "leave" }>) => {
    turn?.done()
    settling.end()
    void runner.stop(drainMs).then(() => {
      handle({ type: "left", unit })
      if (!unitsOf(state()).has(unit)) lives.delete(unit)
    })
  }

  const enter = (live: Live, unit: UnitId) => {
    live.turn = limiter.enter(() => handle({ type: "turnCame", unit }))
  }

  const runOn = (live: Live, effect: UnitEffect): void => {
    const { runner, settling, turn } = live
    if (effect.type === "enter") enter(live, effect.unit)
    else if (effect.type === "hurry") turn?.now()
    else if (effect.type === "giveTurn") turn?.done()
    else if (effect.type === "scaleTo") runner.scaleTo(effect.instances)
    else if (effect.type === "retry") runner.retry()
    else if (effect.type === "forgive") runner.forgive()
    else if (effect.type === "settle") settling.begin(effect.ms)
    else if (effect.type === "unsettle") settling.end()
    else leave(live, effect)
  }

  const hooksOf = ({ id: unit, revision: { name: revision } }: Unit): RunnerHooks => ({
    resolvedImage: () => state().object.record.revisions.find((each) => each.name === revision)?.resolvedImage,
    onRoom: input.onRoom,
    onLaunched: ({ resolvedImage }) => {
      if (resolvedImage !== undefined) handle({ type: "launched", revision, resolvedImage })
    },
    onChange: () => handle({ type: "runnerChanged", unit }),
    onFailure: () => handle({ type: "runnerFailed", unit }),
    onBuild: (line) => handle({ type: "buildLine", revision, line }),
    onPull: (line) => handle({ type: "pullLine", revision, line }),
    // A pull may take minutes, and must not block the starts of others.
    apart: (effect) => Effect.suspend(() => lives.get(unit)?.turn?.away(effect) ?? effect)
  })

  return {
    make: (unit, care) => {
      lives.set(unit.id, {
        runner: input.makeRunner(unit.revision, hooksOf(unit), care),
        settling: makeSettling(() => handle({ type: "settled", unit: unit.id })),
        turn: undefined
      })
    },
    run: (effect) => {
      const live = lives.get(effect.unit)
      if (live !== undefined) runOn(live, effect)
    },
    of: (unit) => (unit === undefined ? undefined : lives.get(unit.id)?.runner),
    all: () => [...lives.values()].map((live) => live.runner),
    seen: () => new Map([...lives].map(([id, { runner }]) => [id, seenOfRunner(runner)]))
  }
}
