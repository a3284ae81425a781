import { describe, expect, it } from "@effect/vitest"
import * as fc from "fast-check"
import type { ManagedFields } from "../cache/objects.ts"
import {
  allowedFields,
  type FieldPath,
  fieldsOf,
  foreignFields,
  keysOf,
  pointerOf,
  removable,
  removals,
  textOf,
  without
} from "./managedFields.ts"

const entry = (manager: string, operation: string, fieldsV1: unknown, subresource = ""): ManagedFields => ({
  manager,
  operation,
  subresource,
  time: "2026-01-01T00:00:00Z",
  fieldsV1
})

const name = fc.constantFrom("spec", "template", "image", "app.kubernetes.io/name", "a/b", "x~y", "0")
const step = fc.oneof(
  { weight: 5, arbitrary: name.map((value) => `f:${value}`) },
  fc.string().map((generated) => `k:${JSON.stringify({ name: generated })}`),
  fc.string().map((generated) => `v:${JSON.stringify(generated)}`)
)
const path: fc.Arbitrary<FieldPath> = fc.array(step, { minLength: 1, maxLength: 5 })
const paths = fc.array(path, { maxLength: 8 })

const treeOf = (fields: ReadonlyArray<FieldPath>): Record<string, unknown> => {
  const byFirst = new Map<string, Array<FieldPath>>()
  for (const [first, ...rest] of fields) {
    if (first === undefined) continue
    byFirst.set(first, [...(byFirst.get(first) ?? []), ...(rest.length === 0 ? [] : [rest])])
  }
  return Object.fromEntries([...byFirst].map(([first, rest]) => [first, { ".": {}, ...treeOf(rest) }]))
}

describe("fieldsOf", () => {
  it("finds the deepest fields, and `.` only for fields with nothing below", () => {
    expect(fieldsOf({ "f:spec": { ".": {}, "f:a": {}, "f:b": { ".": {} } } })).toEqual([
      ["f:spec", "f:a"],
      ["f:spec", "f:b"]
    ])
    for (const none of [undefined, null, {}, "x", 3]) expect(fieldsOf(none)).toEqual([])
  })

  it("returns the input fields, minus those that contain fields of others", () => {
    fc.assert(
      fc.property(paths, (all) => {
        const found = fieldsOf(treeOf(all)).map((value) => JSON.stringify(value))
        const deepest = all.filter(
          (a) => !all.some((b) => b.length > a.length && a.every((value, at) => b[at] === value))
        )
        expect(new Set(found)).toEqual(new Set(deepest.map((value) => JSON.stringify(value))))
      })
    )
  })
})

describe("textOf", () => {
  it("has the usual notation", () => {
    const spec = ["f:spec", "f:template", "f:spec", "f:containers"]
    expect(textOf([...spec, 'k:{"name":"user-container"}', "f:env", 'k:{"name":"DEBUG"}', "f:value"])).toBe(
      "spec.template.spec.containers[user-container].env[DEBUG].value"
    )
    expect(textOf(["f:metadata", "f:labels", "f:app.kubernetes.io/name"])).toBe(
      "metadata.labels[app.kubernetes.io/name]"
    )
    expect(textOf(["f:spec", "f:ports", 'k:{"port":80,"protocol":"TCP"}'])).toBe("spec.ports[port=80,protocol=TCP]")
    expect(textOf(["f:metadata", "f:finalizers", 'v:"x/y"'])).toBe("metadata.finalizers[x/y]")
    expect(textOf(["f:spec", "f:list", "i:3"])).toBe("spec.list[3]")
  })

  it("never throws, for any step", () => {
    fc.assert(fc.property(fc.array(fc.string()), (any) => typeof textOf(any) === "string"))
  })
})

describe("without and removable", () => {
  it("keep fields that nobody else touches, and none of the same tree", () => {
    fc.assert(
      fc.property(paths, paths, (fields, others) => {
        expect(without(fields, fields)).toEqual([])
        expect(without(fields, [])).toEqual(fields)
        const left = without(fields, others)
        expect(without(left, others)).toEqual(left)
        expect(without(others, left)).toEqual(without(others, without(left, others)))
      })
    )
  })

  it("remove everything foreign, and nothing that must stay", () => {
    fc.assert(
      fc.property(paths, paths, (fields, kept) => {
        const tops = removable(fields, kept)
        expect(without(kept, tops)).toEqual(kept)
        expect(without(without(fields, kept), tops)).toEqual([])
      })
    )
  })

  it("remove a map that is entirely foreign as a whole, but never all labels", () => {
    const kept = [["f:spec", "f:template", "f:spec", "f:containers"]]
    const selector = ["f:spec", "f:template", "f:spec", "f:nodeSelector"]
    expect(
      removable(
        [
          [...selector, "f:disk"],
          [...selector, "f:zone"]
        ],
        kept
      )
    ).toEqual([selector])
    const annotation = ["f:metadata", "f:annotations", "f:serving.knative.dev/rollout-duration"]
    expect(removable([annotation], kept)).toEqual([annotation])
  })
})

describe("foreignFields", () => {
  const own = entry("maxcloud", "Apply", {
    "f:metadata": { "f:labels": { "f:a": {} } },
    "f:spec": { "f:template": {} }
  })
  const fieldsIn = (kind: string, other: ManagedFields, ours = own) =>
    foreignFields(kind, [ours, other]).map(({ fields, manager }) => [manager, ...fields.map(textOf)])

  it("are the fields that others own besides us", () => {
    const traffic = { "f:spec": { "f:traffic": {}, "f:template": { "f:x": {} } } }
    expect(fieldsIn("Service", entry("kn", "Update", traffic))).toEqual([["kn", "spec.traffic"]])
    expect(fieldsIn("Service", entry("kn", "Apply", { "f:spec": { "f:template": {} } }))).toEqual([])
  })

  it("depend on operation and subresource, not on a name that anyone may use", () => {
    const traffic = { "f:spec": { "f:traffic": {} } }
    for (const manager of ["knative-controller", "kube-controller-manager", "controller", "maxcloud"]) {
      expect(fieldsIn("Service", entry(manager, "Update", traffic))).toEqual([[manager, "spec.traffic"]])
      expect(fieldsIn("Service", entry(manager, "Update", traffic, "status"))).toEqual([])
    }
  })

  it("leave irrelevant labels and annotations to others", () => {
    const marks = (key: string) => ({ "f:metadata": { "f:annotations": { [`f:${key}`]: {} } } })
    const marked = (key: string, kind = "Service") => fieldsIn(kind, entry("kubectl", "Update", marks(key))).length
    for (const key of ["team", "example.com/x", "serving.knative.dev/creator", "serving.knative.dev/lastModifier"]) {
      expect(marked(key)).toBe(0)
    }
    for (const key of ["serving.knative.dev/rollout-duration", "maxcloud.dev/app", "networking.knative.dev/x"]) {
      expect(marked(key)).toBe(1)
    }
    expect(marked("pod-security.kubernetes.io/enforce-version", "Namespace")).toBe(1)
    expect(fieldsIn("ServiceAccount", entry("openshift", "Update", { "f:imagePullSecrets": {} }))).toEqual([])
    expect(fieldsIn("Secret", entry("kubectl", "Update", { "f:data": { "f:x": {} } }))).toEqual([["kubectl", "data.x"]])
  })
})

describe("removals", () => {
  const object = {
    metadata: { labels: { "a/b": "1", "x~y": "2" } },
    spec: { list: [{ name: "a" }, { name: "b" }, { name: "c" }], set: ["x", "y"] }
  }

  it("points to fields by RFC 6901", () => {
    expect(pointerOf(object, ["f:metadata", "f:labels", "f:a/b"])).toBe("/metadata/labels/a~1b")
    expect(pointerOf(object, ["f:metadata", "f:labels", "f:x~y"])).toBe("/metadata/labels/x~0y")
    expect(pointerOf(object, ["f:spec", "f:list", 'k:{"name":"b"}', "f:name"])).toBe("/spec/list/1/name")
    expect(pointerOf(object, ["f:spec", "f:set", 'v:"y"'])).toBe("/spec/set/1")
    for (const none of [["f:toString"], ["f:spec", "f:list", "f:length"], ["f:spec", "f:set", "i:2"]]) {
      expect(pointerOf(object, none)).toBeUndefined()
    }
    expect(keysOf("k:not json")).toEqual({})
  })

  it("removes later elements first, and only from the version it has read", () => {
    const fields = ["a", "c"].map((name) => ["f:spec", "f:list", `k:${JSON.stringify({ name: name })}`])
    expect(removals(object, "7", fields)).toEqual([
      { op: "test", path: "/metadata/resourceVersion", value: "7" },
      { op: "remove", path: "/spec/list/2" },
      { op: "remove", path: "/spec/list/0" }
    ])
  })
})

describe("allowedFields", () => {
  const annotated = {
    "f:metadata": { "f:annotations": { "f:example.com/owner": {}, "f:serving.knative.dev/creator": {} } }
  }
  const edit = entry("kubectl-edit", "Update", {
    "f:metadata": { ...annotated["f:metadata"], "f:labels": { "f:maxcloud.dev/app": {}, "f:team": {} } },
    "f:spec": { "f:traffic": {} }
  })
  const told = (kind: string, ...entries: ReadonlyArray<ManagedFields>) =>
    allowedFields(kind, entries).map(({ fields, manager }) => [manager, fields.map(textOf).sort()])

  it("are those of others that aren't drift, without what Knative writes in their name", () => {
    const ours = entry("maxcloud", "Apply", { "f:metadata": { "f:labels": { "f:maxcloud.dev/app": {} } } })
    expect(told("Service", ours, edit)).toEqual([
      ["kubectl-edit", ["metadata.annotations[example.com/owner]", "metadata.labels.team"]]
    ])
  })

  it("leave out our own, subresources and the cluster's controllers, but not an update in our name", () => {
    const own = { "f:metadata": { "f:annotations": { "f:mine": {} } } }
    expect(
      told(
        "Namespace",
        entry("maxcloud", "Apply", own),
        entry("kubelet", "Update", annotated),
        entry("kubectl-edit", "Update", annotated, "status"),
        entry("maxcloud", "Update", { "f:metadata": { "f:annotations": { "f:mine": {}, "f:borrowed": {} } } })
      )
    ).toEqual([["maxcloud", ["metadata.annotations.borrowed"]]])
  })

  it("and foreign fields together are all fields of others, each once", () => {
    fc.assert(
      fc.property(paths, fc.constantFrom("Service", "ServiceAccount", "Namespace"), (all, kind) => {
        const other = entry("x", "Update", treeOf(all))
        const found = [...foreignFields(kind, [other]), ...allowedFields(kind, [other])].flatMap(({ fields }) => fields)
        const outside = fieldsOf(other.fieldsV1).filter(([first]) => first !== "f:status")
        expect(found.map((path) => JSON.stringify(path)).sort()).toEqual(
          outside.map((path) => JSON.stringify(path)).sort()
        )
      })
    )
  })
})
