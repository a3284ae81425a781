import { Deferred, Duration, Effect, type Scope } from "effect"
import { guardedBy } from "../../../base/node/guarded.ts"
import type { ImageProblem } from "../ImageProblem.ts"
import { ImagesError } from "../Images.ts"
import { PullTurns } from "./PullTurns.ts"
import { type PullLimits, pullLimits, type Queued } from "./pullQueue.ts"
import { makePullText } from "./pullText.ts"

/** The progress of a pull. Without a total, its size isn't known. */
export interface PullProgress {
  readonly step: "waiting" | "pulling" | "unpacking"
  readonly bytes: number
  readonly totalBytes?: number
  /** If the engine itself pulls, which reports no bytes: the blobs that it has started. */
  readonly blobs?: number
}

export interface PullRequest extends Queued {
  /** The image, and the organization whose permission it uses. Pulls with equal keys run once. */
  readonly key: string
  /** Called when the pull begins and about every two seconds; must be fast. */
  readonly onProgress: (line: string) => void
}

/** Does a pull. It may call `tell` with its progress as often as it likes. */
export type PullWork = (tell: (progress: PullProgress) => void) => Effect.Effect<string, ImageProblem | ImagesError>

export interface Pulls {
  /**
   * Waits for its turn, pulls, and returns the image's id. If the last caller waiting for a pull is interrupted, the
   * pull stops at once.
   */
  readonly pull: (request: PullRequest, work: PullWork) => Effect.Effect<string, ImageProblem | ImagesError>
}

interface Pull extends Queued {
  readonly done: Deferred.Deferred<string, ImageProblem | ImagesError>
  readonly told: Set<(line: string) => void>
  waiting: number
  /** Stops the pull. */
  end: Effect.Effect<void>
}

const guarded = guardedBy(() => {})

const tellEvery = Duration.seconds(2)
/** How long a pull may take, after its turn has come. */
const pullTimeLimit = Duration.minutes(30)

/** Runs a pull whose turn has come, and reports its progress to everybody who waits for it. */
const carryOut = (turns: PullTurns, pull: Pull, work: PullWork, timeLimit: Duration.DurationInput) => {
  const text = makePullText()
  let progress: PullProgress = { step: "waiting", bytes: 0 }
  let said = ""
  const say = Effect.sync(() => {
    const line = text(progress)
    if (line === said) return
    said = line
    for (const told of pull.told) told(line)
  })
  const begin = Effect.sync(() => {
    progress = { step: "pulling", bytes: 0 }
  })
  const limited = Effect.suspend(() =>
    work((one) => {
      progress = one
    })
  ).pipe(
    Effect.timeoutFail({
      duration: timeLimit,
      onTimeout: () =>
        new ImagesError({
          message: `RegistryUnreachable: ${pull.registry} hasn't sent the image within ${Duration.toMinutes(timeLimit)} minutes. Check the network to it, or make the image smaller.`
        })
    })
  )
  return Effect.raceFirst(
    turns.inTurn(pull, Effect.zipRight(Effect.zipRight(begin, say), limited)),
    // Those that begin at once don't need to report that they wait.
    Effect.zipRight(Effect.sleep(tellEvery), say).pipe(Effect.forever)
  )
}

/**
 * Pulls of images in a queue of their own, fair by organization, each image once however many ask for it. Callers may
 * leave. At the end of the scope all pulls are stopped.
 */
export const makePulls = (
  limits: PullLimits = pullLimits,
  timeLimit: Duration.DurationInput = pullTimeLimit
): Effect.Effect<Pulls, never, Scope.Scope> =>
  Effect.gen(function* () {
    const scope = yield* Effect.scope
    const turns = new PullTurns(limits)
    const pulls = new Map<string, Pull>()

    const begin = (request: PullRequest, work: PullWork): Effect.Effect<Pull> =>
      Effect.gen(function* () {
        const pull: Pull = {
          organization: request.organization,
          registry: request.registry,
          done: yield* Deferred.make<string, ImageProblem | ImagesError>(),
          told: new Set(),
          waiting: 0,
          end: Effect.void
        }
        pulls.set(request.key, pull)
        const forget = Effect.sync(() => {
          if (pulls.get(request.key) === pull) pulls.delete(request.key)
        })
        const fiber = yield* Effect.interruptible(carryOut(turns, pull, work, timeLimit)).pipe(
          Effect.onExit((exit) => Effect.zipRight(forget, Deferred.done(pull.done, exit))),
          Effect.forkIn(scope)
        )
        pull.end = Effect.zipRight(forget, Effect.asVoid(fiber.interruptAsFork(fiber.id())))
        return pull
      })

    const pullShared = (request: PullRequest, work: PullWork) => {
      // If one waiter's callback throws, the others still get the image.
      const told = guarded(request.onProgress)
      return Effect.acquireUseRelease(
        Effect.gen(function* () {
          const known = pulls.get(request.key) ?? (yield* begin(request, work))
          known.waiting++
          known.told.add(told)
          return known
        }),
        (known) => Deferred.await(known.done),
        (known) =>
          Effect.suspend(() => {
            known.waiting--
            known.told.delete(told)
            return known.waiting === 0 ? known.end : Effect.void
          })
      )
    }

    return { pull: pullShared }
  })
