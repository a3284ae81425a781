import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import type { WatchEvent } from "../../kubeApi/KubeApi.ts"
import type { CacheChange } from "./ClusterCache.ts"
import { type CacheState, emptyCache, takeObjects, takeWarnings } from "./cacheMachine.ts"
import { keyOf } from "./ObjectIndex.ts"
import type { EventObject, MetadataObject } from "./objects.ts"

const object = (
  name: string,
  version: number,
  rest: { namespace?: string; service?: string } = {}
): MetadataObject => ({
  metadata: {
    name,
    namespace: rest.namespace ?? "acme",
    uid: `uid of ${name}`,
    resourceVersion: String(version),
    generation: 1,
    creationTimestamp: "2026-01-01T00:00:00Z",
    labels: rest.service === undefined ? {} : { "maxcloud.dev/service": rest.service },
    annotations: {},
    finalizers: [],
    managedFields: [],
    ownerReferences: []
  }
})
const namespace = (name: string, version = 1) => object(name, version, { namespace: "" })

const warning = (name: string, involved: string, of = "acme"): EventObject => ({
  ...object(name, 1, { namespace: of }),
  involvedObject: { kind: "Pod", namespace: of, name: involved, uid: "", fieldPath: "" },
  type: "Warning",
  reason: "BackOff",
  message: "",
  count: 1,
  lastTimestamp: "2026-01-01T00:00:00Z",
  eventTime: null
})

const words = (changes: ReadonlyArray<CacheChange>) =>
  changes.map(({ deleted, name }) => `${deleted ? "gone" : "told"} ${name}`)

describe("the cluster's objects", () => {
  it("are found by name and by the service in their label", () => {
    const state = emptyCache()
    expect(takeObjects(state, "route", { type: "put", object: object("web", 1, { service: "web" }) })).toMatchObject([
      { kind: "route", namespace: "acme", name: "web", service: "web", deleted: false }
    ])
    expect(state.objects.route.get("acme", "web")?.metadata.resourceVersion).toBe("1")
    expect(state.objects.route.ofService("acme", "web")).toHaveLength(1)
    takeObjects(state, "route", { type: "put", object: object("web", 2) })
    expect(state.objects.route.ofService("acme", "web")).toHaveLength(0)
  })

  it("publish only the differences of a new list, and what it lacks", () => {
    const state = emptyCache()
    takeObjects(state, "route", { type: "list", objects: [object("same", 1), object("old", 1), object("gone", 1)] })
    const effects = takeObjects(state, "route", { type: "list", objects: [object("same", 1), object("old", 2)] })
    expect(words(effects)).toEqual(["told old", "gone gone"])
  })

  it("from one namespace don't replace those of others", () => {
    const state = emptyCache()
    takeObjects(state, "secret", { type: "list", objects: [object("key", 1)] }, "acme")
    takeObjects(state, "secret", { type: "list", objects: [object("key", 1, { namespace: "blue" })] }, "blue")
    takeObjects(state, "secret", { type: "list", objects: [] }, "blue")
    expect(state.objects.secret.get("acme", "key")).toBeDefined()
    expect(state.objects.secret.get("blue", "key")).toBeUndefined()
  })

  it("forget a namespace's Secrets with the namespace", () => {
    const state = emptyCache()
    takeObjects(state, "namespace", { type: "list", objects: [namespace("acme"), namespace("blue")] })
    takeObjects(state, "secret", { type: "list", objects: [object("key", 1)] }, "acme")
    takeObjects(state, "secret", { type: "list", objects: [object("own", 1, { namespace: "blue" })] }, "blue")
    expect(words(takeObjects(state, "namespace", { type: "list", objects: [namespace("blue")] }))).toEqual([
      "gone key",
      "gone acme"
    ])
    expect(state.objects.secret.size).toBe(1)
  })

  it("publish a warning once its namespace is known, and forget it with the namespace", () => {
    const state = emptyCache()
    expect(takeWarnings(state, { type: "put", object: warning("pulling", "web-1") })).toEqual([])
    expect(words(takeObjects(state, "namespace", { type: "put", object: namespace("acme") }))).toEqual([
      "told web-1",
      "told acme"
    ])
    expect(state.warnings.size).toBe(1)
    takeObjects(state, "namespace", { type: "delete", object: namespace("acme") })
    expect(state.warnings.size).toBe(0)
  })
})

/** Events of the cluster's objects; `unseen` while the watch is disconnected, until it lists again. */
const happening = fc.record({
  what: fc.constantFrom<"put" | "delete" | "list">("put", "delete", "list"),
  name: fc.constantFrom("a", "b", "c", "d"),
  namespace: fc.constantFrom("acme", "blue"),
  service: fc.constantFrom("web", "api", undefined),
  unseen: fc.boolean()
})

const idOf = ({ metadata }: MetadataObject) => keyOf(metadata.namespace, metadata.name)
const kept = ({ objects }: CacheState) => new Map([...objects.route.all()].map((value) => [idOf(value), value]))

describe("the cluster's objects, after any order of events, lists and gaps", () => {
  it("match the cluster by name and service, and so do the published changes", () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 60 }), (happenings) => {
        const state = emptyCache()
        const cluster = new Map<string, MetadataObject>()
        const heard = new Map<string, CacheChange>()
        const take = (event: WatchEvent<MetadataObject>) => {
          for (const change of takeObjects(state, "route", event))
            heard.set(keyOf(change.namespace, change.name), change)
        }
        const relist = () => take({ type: "list", objects: [...cluster.values()] })
        const same = () => {
          expect(kept(state)).toEqual(cluster)
          for (const of of ["acme", "blue"]) {
            for (const service of ["web", "api"]) {
              const theirs = [...cluster.values()].filter(
                ({ metadata }) => metadata.namespace === of && metadata.labels["maxcloud.dev/service"] === service
              )
              expect(new Set(state.objects.route.ofService(of, service))).toEqual(new Set(theirs))
            }
          }
          for (const [id, { deleted, metadata }] of heard) {
            expect(deleted ? undefined : metadata).toEqual(cluster.get(id)?.metadata)
          }
          expect([...cluster.keys()].filter((name) => !heard.has(name))).toEqual([])
        }
        let missed = false
        for (const [version, { name, namespace: of, service, unseen, what }] of happenings.entries()) {
          const now = object(name, version, { namespace: of, ...(service === undefined ? {} : { service }) })
          if (what === "list") {
            relist()
            missed = false
          } else {
            const before = cluster.get(idOf(now))
            if (what === "put") cluster.set(idOf(now), now)
            else cluster.delete(idOf(now))
            // A watch that missed something reports nothing until it has listed again.
            missed ||= unseen
            if (!missed && what === "put") take({ type: "put", object: now })
            if (!missed && what === "delete" && before !== undefined) take({ type: "delete", object: before })
          }
          if (!missed) same()
        }
        relist()
        same()
      }),
      { numRuns: 500 }
    )
  })

  it("contain the Secrets of exactly the existing namespaces", () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 40 }), (happenings) => {
        const state = emptyCache()
        for (const [version, { name, namespace: of, unseen, what }] of happenings.entries()) {
          const named = [...state.objects.namespace.all()].map((one) => one.metadata.name)
          const listed = [object("key", version, { namespace: name }), object("token", version, { namespace: name })]
          if (what === "list") {
            takeObjects(state, "namespace", { type: "list", objects: unseen ? [] : [namespace(name), namespace(of)] })
          } else if (what === "delete") takeObjects(state, "namespace", { type: "delete", object: namespace(name) })
          else if (named.includes(name)) takeObjects(state, "secret", { type: "list", objects: listed }, name)
          else takeObjects(state, "namespace", { type: "put", object: namespace(name, version) })
          const now = new Set([...state.objects.namespace.all()].map((one) => one.metadata.name))
          const secrets = [...state.objects.secret.all()].map((one) => one.metadata.namespace)
          expect(secrets.filter((one) => !now.has(one))).toEqual([])
          for (const one of now) {
            expect(state.objects.secret.inNamespace(one)).toHaveLength(secrets.filter((each) => each === one).length)
          }
        }
      }),
      { numRuns: 500 }
    )
  })
})
