import { describe, expect, it } from "@effect/vitest"
import { Deferred, Effect, Option, Schema } from "effect"
import { KubeError, type WatchInput } from "../../kubeApi/KubeApi.ts"
import { kinds } from "../../kubeApi/kinds.ts"
import type { CacheChange } from "./ClusterCache.ts"
import { emptyCache, takeObjects } from "./cacheMachine.ts"
import { MetadataObject } from "./objects.ts"
import { makeSweep, pauseMillis, type SweepOptions } from "./sweep.ts"

const object = (name: string, namespace: string, version = 1): MetadataObject => ({
  metadata: {
    name,
    namespace,
    uid: name,
    resourceVersion: String(version),
    generation: 1,
    creationTimestamp: "2026-01-01T00:00:00Z",
    labels: {},
    annotations: {},
    finalizers: [],
    managedFields: [],
    ownerReferences: []
  }
})
const forbidden = new KubeError({ reason: "forbidden", status: 403, statusReason: "", message: "no", causes: [] })

/** A fake API server that only lists Secrets, and the sweep of these namespaces. */
const sweeping = (names: ReadonlyArray<string>, options: SweepOptions = { everyMillis: 20, perMinute: 60_000 }) =>
  Effect.gen(function* () {
    const state = emptyCache()
    for (const name of names) takeObjects(state, "namespace", { type: "put", object: object(name, "") })
    const secrets = new Map(names.map((name) => [name, [object("key", name)]]))
    const lists: Array<string> = []
    const changes: Array<CacheChange> = []
    const waiting = new Set<() => void>()
    let before: (namespace: string) => Effect.Effect<void, KubeError> = () => Effect.void
    const list = ({ namespace = "" }: { readonly namespace?: string }) =>
      Effect.gen(function* () {
        const found = secrets.get(namespace) ?? []
        yield* before(namespace)
        lists.push(namespace)
        for (const check of waiting) check()
        return found
      })
    const { refresh } = yield* makeSweep(
      {
        api: {
          list: <A>(asked: WatchInput<A>) =>
            Effect.map(list(asked), (found) => found.flatMap((one) => Option.toArray(asked.decode(one))))
        },
        state,
        inputs: [["secret", { kind: kinds.secret, decode: Schema.decodeUnknownOption(MetadataObject) }]],
        publish: (some) => {
          changes.push(...some)
          for (const check of waiting) check()
        },
        namespaces: () =>
          [...state.objects.namespace.all()].map(({ metadata }) => [metadata.name, `org of ${metadata.name}`] as const)
      },
      options
    )
    const until = (wanted: () => boolean) =>
      Effect.async<void>((resume) => {
        const check = () => {
          if (!wanted()) return
          waiting.delete(check)
          resume(Effect.void)
        }
        waiting.add(check)
        check()
      })
    return {
      state,
      secrets,
      lists,
      changes,
      refresh,
      until,
      first: (hook: typeof before) => {
        before = hook
      }
    }
  })

describe("the sweep of Secrets", () => {
  it("takes a minute for up to 600 namespaces, and then a minute for each 600", () => {
    const pace = { everyMillis: 60_000, perMinute: 600 }
    expect(pauseMillis(1, pace)).toBe(60_000)
    expect(pauseMillis(600, pace) * 600).toBe(60_000)
    expect(pauseMillis(2_000, pace) * 2_000).toBe(200_000)
  })

  it.scopedLive("notices a changed and a deleted Secret in any namespace", () =>
    Effect.gen(function* () {
      const { changes, secrets, until } = yield* sweeping(["a", "b", "c"])
      yield* until(() => changes.length === 3)
      secrets.set("b", [object("key", "b", 2)])
      yield* until(() => changes.some((change) => change.namespace === "b" && change.metadata.resourceVersion === "2"))
      secrets.set("c", [])
      yield* until(() => changes.some((change) => change.namespace === "c" && change.deleted))
      expect(changes).toHaveLength(5)
    })
  )

  it.scopedLive("lists one namespace at a time, and none of other installations", () =>
    Effect.gen(function* () {
      const owns = (id: string) => id !== "org of foreign"
      const { first, lists, until } = yield* sweeping(["a", "foreign", "b"], {
        everyMillis: 4,
        perMinute: 600_000,
        owns
      })
      let now = 0
      let most = 0
      first(() =>
        Effect.sync(() => ++now).pipe(
          Effect.tap((count) => Effect.sync(() => (most = Math.max(most, count)))),
          Effect.zipRight(Effect.yieldNow()),
          Effect.zipRight(Effect.sync(() => void now--))
        )
      )
      yield* until(() => lists.length >= 20)
      expect(most).toBe(1)
      expect(new Set(lists)).toEqual(new Set(["a", "b"]))
    })
  )

  it.scopedLive("goes on if it lacks the right to a namespace, or the API server is unreachable", () =>
    Effect.gen(function* () {
      const { changes, first, lists, until } = yield* sweeping(["a", "b"])
      first((namespace) => (namespace === "a" ? forbidden : Effect.void))
      yield* until(() => lists.filter((name) => name === "b").length >= 2)
      expect(changes.map((change) => change.namespace)).toEqual(["b"])
      first(() => Effect.void)
      yield* until(() => changes.some((change) => change.namespace === "a"))
    })
  )

  it.scopedLive("keeps what a refresh found after the sweep's older list has arrived", () =>
    Effect.gen(function* () {
      const { first, refresh, secrets, state } = yield* sweeping(["a"])
      const reached = yield* Deferred.make<void>()
      const held = yield* Deferred.make<void>()
      first(() => Effect.zipRight(Deferred.succeed(reached, undefined), Deferred.await(held)))
      yield* Deferred.await(reached)
      const refreshed = yield* Effect.fork(refresh("a"))
      secrets.set("a", [object("key", "a", 2)])
      yield* Deferred.succeed(held, undefined)
      yield* refreshed
      expect(state.objects.secret.get("a", "key")?.metadata.resourceVersion).toBe("2")
    })
  )

  it.scopedLive("keeps nothing of a namespace that was deleted while it was listed", () =>
    Effect.gen(function* () {
      const { first, refresh, state } = yield* sweeping(["a"], { everyMillis: 60_000 })
      first(() => Effect.sync(() => void takeObjects(state, "namespace", { type: "delete", object: object("a", "") })))
      yield* refresh("a")
      expect(state.objects.secret.size).toBe(0)
    })
  )
})
