import { stripVTControlCharacters } from "node:util"
import { type Diagnosis, type DiagnosisCode, isCaution, type Revision, type TrafficTarget } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import type { Care } from "../../../stores/sources/SourceStore.ts"
import { building, pulling } from "../../port/Runtime.ts"
import { makeServiceRoute, type ServiceRoute } from "../activator/ServiceRoute.ts"
import type { Instance, InstanceSpec } from "../instances/Instance.ts"
import type { LocalObject } from "../objects/LocalObjects.ts"
import { type RunnableRevision, type ServiceObject, storedOf } from "../objects/ServiceObject.ts"
import { changeRevision, latestCreated, revisionsOf, type ServiceRecord } from "../objects/ServiceRecord.ts"
import { diagnosisOfFailure } from "../revisions/failures.ts"
import type { LinkNetwork } from "../revisions/Links.ts"
import type { RevisionRunner, RunnerFailure } from "../revisions/RevisionRunner.ts"
import { conditionsOf, isDegraded, type Observed, stateOf } from "./conditions.ts"
import { makeRefusals } from "./refusals.ts"
import { makeScaling } from "./Scaling.ts"
import type { StartLimiter, Turn } from "./StartLimiter.ts"
import { makeSettling, type SettleBounds, type Settling, settleMsOf } from "./settling.ts"
import type { Ticker } from "./Ticker.ts"

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

export interface ControllerInput {
  readonly object: ServiceObject
  readonly ticker: Ticker
  readonly limiter: StartLimiter
  readonly settle: SettleBounds
  readonly now: () => number
  /** `care`: how closely what it runs from is looked at before its first start. */
  readonly makeRunner: (
    object: ServiceObject,
    revision: RunnableRevision,
    hooks: RunnerHooks,
    care: Care
  ) => RevisionRunner
  /** A request has woken it, and an instance was ready after so many milliseconds. */
  readonly onColdStart: (ms: number) => void
  /** Its status has changed: to be kept, and told. */
  readonly onStatus: (controller: ServiceController) => void
}

/** Runs one service: its revisions, from the newest that is on its way to the old that drain, and the way of requests to them. */
export interface ServiceController {
  readonly object: () => ServiceObject
  readonly stored: () => LocalObject
  readonly route: ServiceRoute
  readonly status: () => ControllerStatus
  readonly revisions: () => ReadonlyArray<Revision>
  /** One of its instances that run. */
  readonly instance: (id: string) => Instance | undefined
  /** Takes a changed object, and its new revision where it has one. */
  readonly update: (object: ServiceObject, created: RunnableRevision | undefined) => void
  readonly setLinkPort: (network: LinkNetwork, port: number) => void
  /** After a restart: takes up the revisions that there were. */
  readonly restore: (serving: RunnableRevision | undefined, newest: RunnableRevision | undefined) => void
  /** Tries the newest revision again, where it failed. */
  readonly retryFailed: () => void
  /** Gives the newest revision up if it isn't ready: it never takes requests unless it is tried again. */
  readonly abandon: () => void
  /** What the revision that serves runs from is damaged: starts it anew beside what runs of it, as a new one would be. */
  readonly renew: (revision: RunnableRevision) => void
  /** The revision that serves. */
  readonly serving: () => RunnableRevision | undefined
  /** For good. Resolves when all instances have ended. */
  readonly stop: (drainMs: number, reason: string) => Promise<void>
}

export interface ControllerStatus {
  readonly record: ServiceRecord
  readonly state: ReturnType<typeof stateOf>
  readonly traffic: ReadonlyArray<TrafficTarget>
  readonly instances: number
  readonly diagnosis: Diagnosis | null
}

interface Unit {
  readonly revision: RunnableRevision
  readonly runner: RevisionRunner
}

interface Candidate extends Unit {
  turn: Turn | undefined
  /** When its first failure was, by `now`. */
  failingSinceMs: number | undefined
  /** It has failed for good. */
  over: boolean
  readonly settling: Settling
  /** Epoch milliseconds until which a failed start is repeated. */
  deadlineMs: number
}

const deploying = { ready: "Unknown", reason: "Deploying", message: "", diagnosis: undefined } as const

/** How often, and for how long, a new revision is started in vain until it counts as failed. */
const failuresUntilFailed = 2
const patienceMs = 3_000
/** What isn't the program's doing, and passes by itself: it is tried again until the revision's deadline. */
const passing: ReadonlySet<string> = new Set<DiagnosisCode>(["RegistryUnreachable", "CannotStart"])
/** Failures in a row from which requests are refused instead of held. */
const failuresUntilRefused = 2
/**
 * Do its instances need their folder for themselves? Development servers write caches and locks into it, and refuse to start a second time. So
 * the former revision ends first; requests are held meanwhile.
 */
const isAlone = ({ template: { program } }: RunnableRevision) =>
  program.kind === "directory" && program.script !== undefined
/** How long a line of a build stands before the next one. */
const buildLineMs = 1_000
const buildLineLength = 200
const shortLine = (line: string): string =>
  stripVTControlCharacters(line)
    .replace(/[^\P{C}]/gu, " ")
    .trim()
    .slice(0, buildLineLength)
/** Services in the queue of first starts from which new ones do not stay up for their idle time. */
const crowd = 16

export const makeServiceController = (input: ControllerInput): ServiceController => {
  const { limiter, now, ticker } = input
  let object = input.object
  let record = object.record
  let serving: Unit | undefined
  let candidate: Candidate | undefined
  /** The newest revision, not yet ready, of a service that is paused. */
  let held: RunnableRevision | undefined
  let restoring: Turn | undefined
  let wokenAt: number | undefined
  let deleting = false
  let told = ""
  const leaving = new Map<RevisionRunner, Promise<void>>()
  const { key } = object
  const refusals = makeRefusals(key, now)

  /** Why the newest revision, which no older one stands in for, failed, and when it is tried again. */
  const failedFirst = (reason: string) => {
    const failure = candidate?.runner.failure()
    const again = candidate !== undefined && candidate.runner.target() > 0 && failure?.retryable === true
    return refusals.failed({ ...failure, reason }, again ? failure.retryAtMs : undefined)
  }

  /** The newest revision, which no older one stands in for, has failed repeatedly, and is tried again only later. */
  const betweenTries = () => {
    const failure = candidate?.runner.failure()
    const waits = failure !== undefined && failure.count >= failuresUntilRefused && candidate?.runner.running() === 0
    return waits ? refusals.failed(failure, failure.retryAtMs) : undefined
  }

  const route = makeServiceRoute(`${key.organization}/${key.namespace}/${key.service}`, {
    beforeHold: () => {
      if (deleting) return refusals.removed("it is being removed")
      if (object.paused) return refusals.paused()
      if (serving === undefined) {
        const newest = latestCreated(record)
        return newest?.ready === "False" ? failedFirst(newest.reason) : betweenTries()
      }
      const failure = serving.runner.failure()
      const hopeless = failure !== undefined && (failure.count >= failuresUntilRefused || !failure.retryable)
      return hopeless && serving.runner.running() === 0 && failure.retryAtMs > now()
        ? refusals.failed(failure, failure.retryAtMs)
        : undefined
    },
    onHold: () => wake(),
    explain: (waitedMs) => {
      const runner = (serving ?? candidate)?.runner
      return refusals.overdue(waitedMs, {
        failure: runner?.failure(),
        running: runner?.running() ?? 0,
        ready: runner?.ready() ?? 0
      })
    }
  })

  const wake = () => {
    if (serving === undefined) return candidate?.turn?.now()
    const { scale } = serving.revision.template
    if (serving.runner.target() === 0) {
      wokenAt = performance.now()
      serving.runner.scaleTo(Math.max(1, scale.activationScale ?? 0))
    }
    scaling.begin(serving.runner, serving.revision.template)
  }

  const scaling = makeScaling({
    ticker,
    now,
    waiting: () => route.waiting(),
    pump: () => route.pump(),
    afterBeat: () => changed()
  })

  const observed = (): Observed => ({
    ready: serving?.runner.ready() ?? 0,
    proved: serving?.runner.proved() ?? 0,
    running: serving?.runner.running() ?? 0,
    waiting: route.waiting(),
    failure: serving?.runner.failure(),
    deleting,
    paused: object.paused
  })

  /** One that has failed for good leaves, and is still the candidate. */
  const runners = () =>
    [...new Set([serving?.runner, candidate?.runner, ...leaving.keys()])].filter((_) => _ !== undefined)

  const instances = () => runners().reduce((sum, runner) => sum + runner.all(), 0)

  const instance = (id: string) =>
    runners()
      .map((_) => _.instance(id))
      .find((_) => _ !== undefined)

  const changed = () => {
    if (restoring !== undefined && serving !== undefined) {
      if (serving.runner.ready() > 0 || serving.runner.failure() !== undefined) {
        restoring.done()
        restoring = undefined
      }
    }
    keepFinding()
    const conditions = conditionsOf(key.service, record, observed(), new Date().toISOString())
    record = { ...record, conditions, active: restoring !== undefined || (serving?.runner.target() ?? 0) > 0 }
    const status = JSON.stringify([stateOf(record, observed()), record, instances(), object.generation, diagnosis()])
    if (status === told) return
    told = status
    input.onStatus(controller)
  }

  /** Keeps with the newest revision what is seen of why it isn't ready yet. */
  const keepFinding = () => {
    const newest = latestCreated(record)
    if (candidate === undefined || newest?.ready !== "Unknown" || newest.name !== candidate.revision.name) return
    const found = candidate.runner.diagnosis()
    if (JSON.stringify(found) !== JSON.stringify(newest.diagnosis))
      record = changeRevision(record, newest.name, { diagnosis: found })
  }

  /** Why it does not serve as it should; of one that serves, what would fail on a cluster. */
  const diagnosis = (): Diagnosis | null => {
    const newest = latestCreated(record)
    if (newest !== undefined && newest.ready !== "True") return newest.diagnosis ?? null
    const found = serving?.runner.diagnosis()
    return found !== undefined && (isDegraded(observed()) || isCaution(found.code)) ? found : null
  }

  /** Says in the service's status what a build does, about once a second. */
  let toldBuildAt = 0
  const tellBuild = (revision: string, line: string) => {
    const known = record.revisions.find((_) => _.name === revision)
    const isStep = line.startsWith("$ ")
    if (known?.ready !== "Unknown" || (!isStep && performance.now() - toldBuildAt < buildLineMs)) return
    toldBuildAt = performance.now()
    record = changeRevision(record, revision, { reason: building, message: shortLine(line) })
    changed()
  }

  /** Says in the service's status how far the pull of its image is. */
  const tellPull = (revision: string, line: string | undefined) => {
    const known = record.revisions.find((_) => _.name === revision)
    if (known?.ready !== "Unknown" || (line === undefined && known.reason !== pulling)) return
    record = changeRevision(record, revision, line === undefined ? deploying : { reason: pulling, message: line })
    changed()
  }

  const unitOf = (
    revision: RunnableRevision,
    hooks: (unit: Unit) => Pick<RunnerHooks, "onChange" | "onFailure">,
    care: Care
  ): Unit => {
    const own: RunnerHooks = {
      resolvedImage: () => record.revisions.find((_) => _.name === revision.name)?.resolvedImage,
      onRoom: route.pump,
      // Also if it never gets ready: the next one runs the same, whatever its tag means by then.
      onLaunched: ({ resolvedImage }) => {
        if (resolvedImage !== undefined) record = changeRevision(record, revision.name, { resolvedImage })
      },
      onChange: () => hooks(unit).onChange(),
      onFailure: () => hooks(unit).onFailure(),
      onBuild: (line) => tellBuild(revision.name, line),
      onPull: (line) => tellPull(revision.name, line),
      // A pull may take minutes, and must not hold up the starts of others.
      apart: (effect) =>
        Effect.suspend(() => {
          const turn = unit.runner === candidate?.runner ? candidate.turn : restoring
          return turn === undefined ? effect : turn.away(effect)
        })
    }
    const runner = input.makeRunner(object, revision, own, care)
    const unit: Unit = { revision, runner }
    return unit
  }

  const hooks = (unit: Unit) => ({
    onChange: () => {
      if (unit.runner === candidate?.runner) settle(candidate)
      if (wokenAt !== undefined && unit.runner === serving?.runner && unit.runner.ready() > 0) {
        input.onColdStart(performance.now() - wokenAt)
        wokenAt = undefined
      }
      changed()
    },
    onFailure: () => {
      if (unit.runner === candidate?.runner) candidateFailed(candidate)
      else if (unit.runner === serving?.runner) servingFailed(unit)
    }
  })

  const candidateOf = (revision: RunnableRevision, care: Care = "whole"): Candidate => {
    const unit: Candidate = {
      ...unitOf(revision, hooks, care),
      turn: undefined,
      failingSinceMs: undefined,
      over: false,
      settling: makeSettling(() => {
        if (unit !== candidate) return
        if (isUp(unit)) promote(unit)
        else settle(unit)
      }),
      deadlineMs: now() + revision.template.startDeadlineMs
    }
    return unit
  }

  const isUp = ({ revision, runner }: Unit) => runner.ready() >= revision.template.initialScale

  const begin = (revision: RunnableRevision, care?: Care) => {
    const unit = candidateOf(revision, care)
    candidate = unit
    if (!isAlone(revision)) return start(unit)
    if (serving !== undefined) {
      scaling.end()
      route.setTarget(undefined)
      leave(serving.runner, 0)
      serving = undefined
    }
    void Promise.all(leaving.values()).then(() => {
      if (candidate === unit) start(unit)
    })
  }

  /** Its first instances are ready, or one of them is so no more: it takes the place of what serves once they have stayed up for a while. */
  const settle = (unit: Candidate) => {
    if (!isUp(unit)) return unit.settling.end()
    // What waits for its first start is not held up, nor are requests that no older revision takes.
    unit.turn?.done()
    if (serving === undefined) route.setTarget(targetOf(unit))
    unit.settling.begin(settleMsOf(input.settle, unit.revision.template, unit.runner.launchMs()))
  }

  /** Gives the candidate up for another one, or for a pause. */
  const drop = (unit: Candidate) => {
    unit.turn?.done()
    unit.settling.end()
    if (serving === undefined) route.setTarget(undefined)
    leave(unit.runner, 0)
    candidate = undefined
  }

  const start = (unit: Candidate) => {
    unit.turn = limiter.enter(() => unit.runner.scaleTo(unit.revision.template.initialScale))
    if (serving === undefined && route.waiting() > 0) unit.turn.now()
  }

  /** Ends all instances and refuses requests. What is in flight may end. */
  const pause = () => {
    scaling.end()
    wokenAt = undefined
    restoring?.done()
    restoring = undefined
    route.setTarget(undefined)
    route.refuseAll(refusals.paused())
    serving?.runner.scaleTo(0)
    if (candidate === undefined) return
    held = candidate.revision
    drop(candidate)
  }

  const resume = () => {
    if (serving !== undefined) {
      serve(serving)
      const { template } = serving.revision
      if (template.min > 0) {
        serving.runner.scaleTo(template.min)
        scaling.begin(serving.runner, template)
      }
    }
    if (held === undefined) return
    // To be resumed is no deployment: what has failed stays so.
    if (latestCreated(record)?.ready === "False") candidate = candidateOf(held)
    else begin(held)
    held = undefined
  }

  const targetOf = ({ revision, runner }: Unit) => {
    const { protocol, timeoutMs } = revision.template
    return { pool: runner.pool, protocol, timeoutMs }
  }

  const serve = (unit: Unit) => {
    serving = unit
    route.setTarget(targetOf(unit))
  }

  const promote = (unit: Candidate) => {
    const old = serving
    candidate = undefined
    // Its first tries failed. It has stayed up since, and isn't in a crash loop.
    unit.runner.forgive()
    record = {
      ...changeRevision(record, unit.revision.name, { ready: "True", reason: "", message: "", diagnosis: undefined }),
      latestReady: unit.revision.name
    }
    scaling.end()
    wokenAt = undefined
    const next = { revision: unit.revision, runner: unit.runner }
    serve(next)
    scaling.begin(next.runner, next.revision.template)
    if (old !== undefined) leave(old.runner, old.revision.template.timeoutMs)
    const crowded = limiter.waiting() > crowd && unit.revision.template.min === 0
    if (crowded && unit.runner.pool.stats.inFlight() === 0) {
      scaling.end()
      unit.runner.scaleTo(0)
    }
    unit.turn?.done()
  }

  const leave = (runner: RevisionRunner, drainMs: number) => {
    const left = runner.stop(drainMs).then(() => {
      leaving.delete(runner)
      changed()
    })
    leaving.set(runner, left)
  }

  /** It is over for the newest revision: only a deployment tries it again. */
  const failForGood = (unit: Candidate, why: Parameters<typeof changeRevision>[2]) => {
    unit.over = true
    unit.turn?.done()
    unit.settling.end()
    if (serving === undefined) route.setTarget(undefined)
    leave(unit.runner, 0)
    record = changeRevision(record, unit.revision.name, { ...why, ready: "False" })
    if (serving === undefined) route.refuseAll(failedFirst(why.reason ?? ""))
  }

  const isHopeless = (unit: Candidate, failure: RunnerFailure) => {
    if (!failure.retryable || failure.retryAtMs > unit.deadlineMs) return true
    if (passing.has(failure.reason) || failure.count < failuresUntilFailed) return false
    return now() - (unit.failingSinceMs ?? now()) >= patienceMs
  }

  const candidateFailed = (unit: Candidate) => {
    unit.settling.end()
    const failure = unit.runner.failure()
    if (failure === undefined || unit.over) return
    unit.failingSinceMs ??= now()
    const { message, reason } = failure
    const why = { reason, message, diagnosis: diagnosisOfFailure(failure) }
    if (unit.revision.template.program.kind === "directory") inPlaceFailed(unit, failure, why)
    else if (isHopeless(unit, failure)) failForGood(unit, why)
    else if (serving === undefined) {
      const refusal = betweenTries()
      if (refusal !== undefined) route.refuseAll(refusal)
    }
    changed()
  }

  /** Whoever edits it watches it: it is tried again and again, and shown as soon as it works. */
  const inPlaceFailed = (unit: Candidate, failure: RunnerFailure, why: Parameters<typeof changeRevision>[2]) => {
    const isOver = !failure.retryable || failure.retryAtMs > unit.deadlineMs
    if (isOver) unit.runner.scaleTo(0)
    if (!isOver && failure.count < failuresUntilFailed) return
    unit.turn?.done()
    record = changeRevision(record, unit.revision.name, { ...why, ready: "False" })
    if (serving === undefined) route.refuseAll(failedFirst(failure.reason))
  }

  const servingFailed = (unit: Unit) => {
    const failure = unit.runner.failure()
    if (failure !== undefined && unit.runner.ready() === 0 && unit.runner.running() === 0) {
      if (failure.count >= failuresUntilRefused || !failure.retryable) {
        route.refuseAll(refusals.failed(failure, failure.retryAtMs))
      }
    }
    changed()
  }

  const controller: ServiceController = {
    object: () => ({ ...object, record }),
    stored: () => storedOf({ ...object, record }),
    route,
    instance,
    status: () => {
      changed()
      return {
        record,
        state: stateOf(record, observed()),
        traffic: record.latestReady === null ? [] : [{ revision: record.latestReady, percent: 100 }],
        instances: instances(),
        diagnosis: diagnosis()
      }
    },
    revisions: () => {
      const all = runners()
      return revisionsOf(key.service, record, (name) => all.find((_) => _.revision === name)?.all() ?? 0)
    },
    update: (next, created) => {
      const wasPaused = object.paused
      object = next
      record = next.record
      if (created !== undefined) {
        const older = candidate?.revision ?? held
        if (candidate !== undefined) drop(candidate)
        if (older !== undefined) {
          record = changeRevision(record, older.name, {
            reason: "Superseded",
            message: "A newer revision was created before this one was ready"
          })
        }
        held = created
      }
      if (object.paused) {
        if (!wasPaused || created !== undefined) pause()
      } else if (wasPaused) resume()
      else if (held !== undefined) {
        begin(held)
        held = undefined
      }
      changed()
    },
    setLinkPort: (network, port) => {
      record = { ...record, linkPorts: { ...record.linkPorts, [network]: port } }
      changed()
    },
    restore: (old, newest) => {
      const { active } = record
      if (old !== undefined) {
        const unit = unitOf(old, hooks, "quick")
        if (object.paused) serving = unit
        else serve(unit)
        const wanted = object.paused ? 0 : Math.max(old.template.min, active ? 1 : 0)
        if (wanted > 0) {
          restoring = limiter.enter(() => {
            unit.runner.scaleTo(Math.max(unit.runner.target(), wanted))
            scaling.begin(unit.runner, unit.revision.template)
          })
        }
      }
      const { ready } = latestCreated(record) ?? {}
      // One that serves may have been renewed.
      if (newest !== undefined && (newest.name !== old?.name || ready !== "True")) {
        const failed = ready === "False"
        if (object.paused) held = newest
        else if (!failed) begin(newest)
        else candidate = candidateOf(newest)
      }
      changed()
    },
    retryFailed: () => {
      if (object.paused || candidate === undefined || latestCreated(record)?.ready !== "False") return
      const { revision, runner } = candidate
      record = changeRevision(record, revision.name, deploying)
      if (candidate.over || runner.target() === 0) {
        drop(candidate)
        begin(revision, "fresh")
      } else {
        candidate.deadlineMs = now() + revision.template.startDeadlineMs
        runner.retry()
        start(candidate)
      }
      changed()
    },
    abandon: () => {
      const newest = latestCreated(record)
      const isInPlace = candidate?.revision.template.program.kind === "directory"
      if (newest === undefined || newest.ready !== "Unknown" || isInPlace) return
      const why = {
        reason: "ProgressDeadlineExceeded",
        message: newest.diagnosis?.message ?? "It wasn't ready in time.",
        diagnosis: newest.diagnosis
      } as const
      if (candidate?.revision.name === newest.name) failForGood(candidate, why)
      else record = changeRevision(record, newest.name, { ...why, ready: "False" })
      changed()
    },
    serving: () => (object.paused || deleting ? undefined : serving?.revision),
    renew: (revision) => {
      const isNewest = latestCreated(record)?.name === revision.name
      if (object.paused || deleting || candidate !== undefined || serving?.revision !== revision || !isNewest) return
      record = changeRevision(record, revision.name, deploying)
      begin(revision)
      changed()
    },
    stop: async (drainMs, reason) => {
      deleting = true
      candidate?.turn?.done()
      candidate?.settling.end()
      restoring?.done()
      scaling.end()
      route.refuseAll(refusals.removed(reason))
      changed()
      await Promise.all(runners().map((_) => _.stop(drainMs)))
    }
  }
  return controller
}
