import { expect, it } from "@effect/vitest"
import { Effect, Stream, TestClock } from "effect"
import { renderProcessMetrics } from "../../base/telemetry/processMetrics.ts"
import { KubeApi, KubeError } from "../kubeApi/KubeApi.ts"
import { watchClass } from "./keptClass.ts"

type Answer = "there" | "notFound" | "forbidden"

const refused = (reason: KubeError["reason"]) =>
  new KubeError({ reason, status: undefined, statusReason: "", message: `it is ${reason}`, causes: [] })

/** An API server whose answer about the class changes. */
const makeCluster = () => {
  const dies = () => Effect.die("unused")
  const cluster: { answer: Answer } = { answer: "there" }
  const api = KubeApi.of({
    server: "https://cluster.example.com",
    unreachableSince: Effect.succeedNone,
    unreachable: Effect.succeedNone,
    check: Effect.succeedNone,
    awayMillis: Effect.succeed(0),
    awaySince: () => 0,
    watches: Effect.succeed([]),
    list: dies,
    answer: dies,
    stream: () => Stream.die("unused"),
    socket: dies,
    watch: () => Stream.die("unused"),
    request: ({ path }) => {
      if (path.endsWith("/config-features"))
        return Effect.succeed({ data: { "kubernetes.podspec-runtimeclassname": "enabled" } })
      return cluster.answer === "there" ? Effect.succeed({ handler: "runsc" }) : Effect.fail(refused(cluster.answer))
    }
  })
  return { api, cluster }
}

const minuteLater = Effect.zipRight(
  TestClock.adjust("1 minute"),
  Effect.map(Effect.promise(renderProcessMetrics), (text) => /^maxcloud_runtime_class_missing (\d)$/m.exec(text)?.[1])
)

it.scoped("says each minute whether the class is there, also if it was there at the start", () => {
  const { api, cluster } = makeCluster()
  return Effect.gen(function* () {
    yield* watchClass({ name: "gvisor" })
    expect(yield* minuteLater).toBe("0")
    cluster.answer = "notFound"
    expect(yield* minuteLater).toBe("1")
    cluster.answer = "there"
    expect(yield* minuteLater).toBe("0")
    cluster.answer = "forbidden"
    expect(yield* minuteLater).toBe("1")
  }).pipe(Effect.provideService(KubeApi, api))
})

it.scoped("takes no missing right for the loss of a class that the server may never look for", () => {
  const { api, cluster } = makeCluster()
  return Effect.gen(function* () {
    yield* watchClass({ name: "kata" })
    cluster.answer = "forbidden"
    expect(yield* minuteLater).toBe("0")
    cluster.answer = "notFound"
    expect(yield* minuteLater).toBe("1")
  }).pipe(Effect.provideService(KubeApi, api))
})
