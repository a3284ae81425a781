import { describe, expect, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { KubeApi, KubeError } from "../kubeApi/KubeApi.ts"
import { defaultRuntimeClass } from "./runtimeClass.ts"

type Reason = KubeError["reason"]

const refused = (reason: Reason) =>
  new KubeError({ reason, status: undefined, statusReason: "", message: `it is ${reason}`, causes: [] })

/** An API server with only what the choice reads, or refusals of it. */
const fakeCluster = (runtimeClass: Reason | "there", feature: string | Reason | undefined) => {
  const dies = () => Effect.die("unused")
  return KubeApi.of({
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
      if (path === "/apis/node.k8s.io/v1/runtimeclasses/kata") return Effect.succeed({ handler: "kata" })
      if (path === "/apis/node.k8s.io/v1/runtimeclasses/gvisor") {
        return runtimeClass === "there" ? Effect.succeed({ handler: "runsc" }) : Effect.fail(refused(runtimeClass))
      }
      expect(path).toBe("/api/v1/namespaces/knative-serving/configmaps/config-features")
      if (feature === "forbidden") return Effect.fail(refused(feature))
      return Effect.succeed({ data: feature === undefined ? {} : { "kubernetes.podspec-runtimeclassname": feature } })
    }
  })
}
const chosen = (
  written: string | undefined,
  runtimeClass: Reason | "there",
  feature: string | Reason | undefined,
  former?: string
) =>
  Effect.runPromise(
    Effect.provideService(defaultRuntimeClass(written, former), KubeApi, fakeCluster(runtimeClass, feature))
  )

describe("the runtime class of organizations", () => {
  it.each([
    ["gvisor, if the cluster has it", "gvisor", undefined, "there", "enabled"],
    ["the cluster's own without gVisor", undefined, undefined, "notFound", "enabled"],
    ["the cluster's own if Knative takes no class", undefined, undefined, "there", undefined],
    ["the cluster's own if the server may not look", undefined, undefined, "forbidden", "enabled"],
    ["the cluster's own if it may not read the feature", undefined, undefined, "there", "forbidden"],
    ["the cluster's own if the operator says so", undefined, "none", "there", "enabled"],
    ["another one if the operator says so", "kata", "kata", "notFound", undefined]
  ] as const)("is %s", async (_, expected, written, runtimeClass, feature) => {
    expect(await chosen(written, runtimeClass, feature)).toEqual({ name: expected })
  })

  it.each([
    ["the class is gone", "notFound", "enabled", /no RuntimeClass gvisor/],
    ["Knative takes no class any more", "there", undefined, /podspec-runtimeclassname isn't enabled/],
    ["the server lost the right to look", "forbidden", "enabled", /may not read RuntimeClasses/]
  ] as const)("stays gVisor if %s, so that no program loses its isolation", async (_, runtimeClass, feature, why) => {
    const { missing, name } = await chosen(undefined, runtimeClass, feature, "gvisor")
    expect(name).toBe("gvisor")
    expect(missing).toMatch(why)
  })

  it("stays another class that was named before and that the cluster has", async () => {
    expect(await chosen(undefined, "notFound", "enabled", "kata")).toEqual({ name: "kata" })
    expect(await chosen(undefined, "there", "enabled", "kata")).toEqual({ name: "gvisor" })
  })

  it("goes with the operator's word, whatever was before", async () => {
    expect(await chosen("none", "notFound", "enabled", "gvisor")).toEqual({ name: undefined })
  })

  it("isn't guessed while the API server is unreachable", async () => {
    await expect(chosen(undefined, "unreachable", "enabled")).rejects.toThrow("it is unreachable")
  })
})
