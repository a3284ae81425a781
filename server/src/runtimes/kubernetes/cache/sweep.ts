import { Effect } from "effect"
import { jittered } from "../../../base/node/backoff.ts"
import { keepDoing } from "../../../base/node/keepDoing.ts"
import type { KubeApi, KubeError, WatchInput } from "../../kubeApi/KubeApi.ts"
import type { CacheChange } from "./ClusterCache.ts"
import { type CacheState, type OwnKind, takeObjects } from "./cacheMachine.ts"
import type { MetadataObject } from "./objects.ts"

export interface SweepOptions {
  /** From one check of a namespace to its next on average, if there aren't too many for `perMinute`. @default 45 s: a minute at most */
  readonly everyMillis?: number
  /** The most namespaces to check in a minute. @default 600 */
  readonly perMinute?: number
  /** Whether to check the namespaces of this organization (its id). @default all */
  readonly owns?: (organizationId: string) => boolean
}

export interface SweepParts {
  readonly api: Pick<KubeApi["Type"], "list">
  readonly state: CacheState
  /** The kinds to list. */
  readonly inputs: ReadonlyArray<readonly [OwnKind, WatchInput<MetadataObject>]>
  readonly publish: (changes: ReadonlyArray<CacheChange>) => void
  /** Our namespaces with the id of their organization. */
  readonly namespaces: () => ReadonlyArray<readonly [name: string, organizationId: string]>
}

/** The pause before each namespace of a pass over this many. */
export const pauseMillis = (
  namespaces: number,
  { everyMillis, perMinute }: Required<Pick<SweepOptions, "everyMillis" | "perMinute">>
): number => Math.max(everyMillis / Math.max(1, namespaces), 60_000 / perMinute)

/** Runs effects with the same key one after another. */
const makeTurns = () => {
  const turns = new Map<string, { readonly semaphore: Effect.Semaphore; waiting: number }>()
  return <A, E, R>(key: string, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.acquireUseRelease(
      Effect.sync(() => {
        const turn = turns.get(key) ?? { semaphore: Effect.unsafeMakeSemaphore(1), waiting: 0 }
        turn.waiting++
        turns.set(key, turn)
        return turn
      }),
      (turn) => turn.semaphore.withPermits(1)(effect),
      (turn) =>
        Effect.sync(() => {
          turn.waiting--
          if (turn.waiting === 0) turns.delete(key)
        })
    )
}

/**
 * The kinds that the server may only read in its own namespaces, such as Secrets. A watch of each namespace would occupy a
 * connection, so they are listed: on demand (`refresh`), and one namespace after another at a steady pace, in which the sweep
 * notices other people's changes.
 */
export const makeSweep = (
  { api, inputs, namespaces, publish, state }: SweepParts,
  { everyMillis = 45_000, owns = () => true, perMinute = 600 }: SweepOptions = {}
) =>
  Effect.gen(function* () {
    const inTurn = makeTurns()
    const isThere = (namespace: string) => state.objects.namespace.get("", namespace) !== undefined

    const listAll = (namespace: string) =>
      Effect.forEach(
        inputs,
        ([kind, input]) =>
          Effect.map(api.list({ ...input, namespace }), (objects) => {
            // Without its namespace, nothing would ever remove it.
            if (isThere(namespace)) publish(takeObjects(state, kind, { type: "list", objects }, namespace))
          }),
        { concurrency: "unbounded", discard: true }
      )
    /** The list begins after the call, so it contains everything written before. */
    const refresh = (namespace: string): Effect.Effect<void, KubeError> => inTurn(namespace, listAll(namespace))

    /** Namespaces in which the last pass lacked the right to list. */
    let refusedBefore = 0
    const tellRefused = (refused: ReadonlyArray<readonly [string, KubeError]>) =>
      Effect.suspend(() => {
        const [first] = refused
        const isNew = refused.length > 0 && refusedBefore === 0
        refusedBefore = refused.length
        return first === undefined || !isNew
          ? Effect.void
          : Effect.logWarning(
              `The server lacks the right to check ${inputs.map(([, { kind }]) => kind.plural).join(", ")} in ${refused.length} namespaces, such as ${first[0]}: ${first[1].message}. Run \`maxcloud cluster install\` as the cluster's administrator, then deploy the app again`
            )
      })

    const pass = Effect.gen(function* () {
      const ours = namespaces().flatMap(([name, organizationId]) => (owns(organizationId) ? [name] : []))
      const pause = pauseMillis(ours.length, { everyMillis, perMinute })
      const refused: Array<readonly [string, KubeError]> = []
      let spent = 0
      for (const name of ours) {
        // The time of a list is part of the pause, so that a busy API server doesn't delay the pass.
        yield* Effect.sleep(Math.max(jittered(pause) - spent, 0))
        spent = 0
        if (!isThere(name)) continue
        const since = performance.now()
        const outcome = yield* Effect.either(refresh(name))
        if (outcome._tag === "Left" && outcome.left.reason === "forbidden") refused.push([name, outcome.left])
        spent = performance.now() - since
      }
      yield* tellRefused(refused)
      // A first namespace may come at any time.
      if (ours.length === 0) yield* Effect.sleep(Math.min(everyMillis, 1_000))
    })

    yield* keepDoing("check of the Secrets in the cluster", 0, pass)
    return { refresh }
  })
