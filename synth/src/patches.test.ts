import { describe, expect, it } from "@effect/vitest"
import {
  type AppSpec,
  allowableFields,
  type FieldSteps,
  isAllowed,
  leavesOfPatch,
  type ManifestRule,
  parseRule
} from "@maxcloud/config-schema"
import * as fc from "fast-check"
import { serviceFields } from "../../config-schema/test/serviceFields.ts"
import { specOf } from "../test/examples.ts"
import type { Manifest } from "./manifest.ts"
import { manifestProblems } from "./manifestProblems.ts"
import { objectChanges } from "./objectChanges.ts"
import { offlineTenant } from "./offlineTenant.ts"
import { fieldAt, patched } from "./patches.ts"
import { sampleApp } from "./sample.ts"
import { synth } from "./synth.ts"

const rules = (...texts: ReadonlyArray<string>): ReadonlyArray<ManifestRule> =>
  texts.map((text) => parseRule(text) ?? expect.unreachable(`not a rule: ${text}`))

const window = "spec.template.metadata.annotations[autoscaling.knative.dev/window]"

const appWith = (manifests: unknown, own?: unknown): AppSpec =>
  specOf({
    app: "shop",
    services: [{ name: "web", image: "nginx:1.27", manifests }],
    ...(own === undefined ? {} : { manifests: own })
  })

const idOf = ({ kind, metadata }: Manifest) => `${kind}/${metadata.name}`

/** Every field of an object with its value, named as in `leavesOfPatch`. Lists without names are one value. */
const fieldsOf = (value: unknown, steps: FieldSteps = []): ReadonlyArray<readonly [string, string]> => {
  const names: Readonly<Record<string, string>> = { containers: "name", volumes: "name", volumeMounts: "mountPath" }
  const key = names[steps.at(-1) ?? ""]
  if (Array.isArray(value) && key !== undefined) {
    return value.flatMap((element: Readonly<Record<string, unknown>>) => {
      const at = [...steps, String(element[key])]
      return steps.at(-1) === "containers"
        ? fieldsOf(element, at)
        : [[JSON.stringify(at), JSON.stringify(element)] as const]
    })
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    return [[JSON.stringify(steps), JSON.stringify(value)]]
  return Object.entries(value).flatMap(([name, inner]) => fieldsOf(inner, [...steps, name]))
}

const patches = serviceFields({ self: "web", others: [] }).manifests
const someRules = fc
  .subarray([
    window,
    "spec.template.metadata.annotations[example.com/a]",
    "spec.template.spec.nodeSelector[disktype]",
    "spec.template.spec.volumes",
    "spec.template.spec.containers[user-container].workingDir",
    "spec.template.spec.containers[user-container].securityContext",
    "spec.template.spec.containers[user-container].resources.limits[nvidia.com/gpu]"
  ])
  .map((fields) => rules(...fields.map((field) => `Service:${field}`)))

describe("patches", () => {
  it("change only the fields that the operator allows", () => {
    fc.assert(
      fc.property(patches, someRules, (manifests, allowed) => {
        const spec = appWith(manifests)
        const plain = synth(appWith([]), offlineTenant(spec))
        const made = synth(spec, { ...offlineTenant(spec), manifestRules: allowed })
        expect(made.map(idOf)).toEqual(plain.map(idOf))
        const wanted: ReadonlyMap<string, string> = new Map(
          (spec.services[0]?.manifests ?? []).flatMap((patch) =>
            leavesOfPatch(patch)
              .filter(({ steps }) => isAllowed(allowed, patch.patch, steps))
              .map(({ steps, value }) => [`${patch.patch} ${JSON.stringify(steps)}`, JSON.stringify(value)] as const)
          )
        )
        made.forEach((manifest, index) => {
          const before = new Map(fieldsOf(plain[index]))
          const after = new Map(fieldsOf(manifest))
          for (const [field, value] of after) {
            const set = wanted.get(`${manifest.kind} ${field}`)
            expect([field, value]).toEqual([field, set ?? before.get(field)])
          }
          for (const field of before.keys()) expect(after.has(field)).toBe(true)
        })
      })
    )
  })

  it("are idempotent", () => {
    fc.assert(
      fc.property(patches, (manifests) => {
        const spec = appWith(manifests)
        const own = spec.services[0]?.manifests ?? []
        for (const manifest of synth(spec, offlineTenant(spec))) expect(patched(manifest, own, "all")).toEqual(manifest)
      })
    )
  })

  it("change nothing if nothing is allowed, or the tenant has no rules", () => {
    fc.assert(
      fc.property(patches, (manifests) => {
        const spec = appWith(manifests)
        const plain = synth(appWith([]), offlineTenant(spec))
        const { manifestRules: _, ...without } = offlineTenant(spec)
        expect(synth(spec, without)).toEqual(plain)
        expect(synth(spec, { ...without, manifestRules: [] })).toEqual(plain)
      })
    )
  })

  it("are applied completely, or reported as a problem", () => {
    fc.assert(
      fc.property(patches, someRules, (manifests, allowed) => {
        const spec = appWith(manifests)
        const tenant = offlineTenant(spec)
        const whole = synth(spec, tenant)
        const made = synth(spec, { ...tenant, manifestRules: allowed })
        const isWhole = JSON.stringify(made) === JSON.stringify(whole)
        const isFine = manifestProblems(spec, allowed).length === 0
        if (isFine) expect(isWhole).toBe(true)
      })
    )
  })

  it("merge lists by their keys, so the volume of secrets and its mounts stay", () => {
    const spec = specOf(sampleApp)
    const service = synth(spec, offlineTenant(spec)).find(
      (each) => each.kind === "Service" && each.metadata.name === "web"
    )
    const pod = ["spec", "template", "spec"]
    const container = [...pod, "containers", "user-container"]
    const fields = service ?? expect.unreachable("no service")
    expect(fieldAt(fields, [...pod, "volumes", "settings"])).toEqual({
      name: "settings",
      configMap: { name: "settings" }
    })
    expect(fieldAt(fields, [...pod, "volumes", "secrets"])).toMatchObject({ secret: {} })
    expect(fieldAt(fields, [...container, "volumeMounts", "/etc/settings"])).toEqual({
      name: "settings",
      mountPath: "/etc/settings"
    })
    expect(fieldAt(fields, [...container, "volumeMounts", "/etc/sample/key.pem"])).toMatchObject({ name: "secrets" })
    expect(fieldAt(fields, [...container, "securityContext"])).toMatchObject({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true
    })
    expect(fieldAt(fields, [...pod, "containers"])).toHaveLength(1)
  })
})

describe("an app's own objects", () => {
  const settings = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "settings" }, data: { a: "1" } }

  it("get the app's namespace and the platform's labels, whatever their names", () => {
    const spec = appWith([], [{ ...settings, metadata: { name: "web", labels: { team: "a" } } }])
    const tenant = offlineTenant(spec)
    const [object] = synth(spec, tenant).filter((manifest) => manifest.kind === "ConfigMap")
    expect(object).toEqual({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: {
        name: "web",
        namespace: "shop--local",
        labels: {
          team: "a",
          "app.kubernetes.io/managed-by": "maxcloud",
          "app.kubernetes.io/part-of": "shop",
          "maxcloud.dev/organization": "local",
          "maxcloud.dev/app": "shop",
          "maxcloud.dev/stage": "production"
        }
      },
      data: { a: "1" }
    })
  })

  it("are omitted if their kind or one of their fields isn't allowed", () => {
    const kindsOf = (own: object, ...texts: ReadonlyArray<string>) => {
      const spec = appWith([], [own])
      return synth(spec, { ...offlineTenant(spec), manifestRules: rules(...texts) }).map((each) => each.kind)
    }
    const labelled = { ...settings, metadata: { name: "settings", labels: { team: "a" } } }
    expect(kindsOf(settings)).not.toContain("ConfigMap")
    expect(kindsOf(settings, "PodDisruptionBudget")).not.toContain("ConfigMap")
    expect(kindsOf(settings, "ConfigMap:binaryData")).not.toContain("ConfigMap")
    expect(kindsOf(settings, "ConfigMap:data")).toContain("ConfigMap")
    expect(kindsOf(labelled, "ConfigMap")).not.toContain("ConfigMap")
    expect(kindsOf(labelled, "ConfigMap", "ConfigMap:metadata.labels[team]")).toContain("ConfigMap")
  })

  it("are removed with the last service", () => {
    const spec = { ...appWith([], [settings]), services: [] }
    expect(synth(spec, offlineTenant(spec))).toEqual([])
  })
})

describe("a field that the operator doesn't allow", () => {
  const spec = appWith(
    [
      {
        patch: "Service",
        fields: { spec: { template: { metadata: { annotations: { "autoscaling.knative.dev/window": "10s" } } } } }
      }
    ],
    [{ apiVersion: "v1", kind: "ConfigMap", metadata: { name: "settings", labels: { team: "a" } }, data: {} }]
  )

  it("is reported with its path and the rule that would allow it", () => {
    const [patch, object] = manifestProblems(spec, [])
    expect(patch).toEqual({
      path: [
        "services",
        0,
        "manifests",
        0,
        "fields",
        "spec",
        "template",
        "metadata",
        "annotations",
        "autoscaling.knative.dev/window"
      ],
      message: `The operator of this server doesn't allow "Service:${window}" in manifests. Remove the field, or ask the operator to add Service:${window} to MAXCLOUD_MANIFESTS.`
    })
    expect(object?.path).toEqual(["manifests", 0, "kind"])
    const [label, ...rest] = manifestProblems(spec, rules(`Service:${window}`, "ConfigMap"))
    expect(label?.message).toContain("ConfigMap:metadata.labels[team]")
    expect(rest).toEqual([])
    expect(manifestProblems(spec, rules(`Service:${window}`, "ConfigMap", "ConfigMap:metadata.labels[team]"))).toEqual(
      []
    )
  })

  it("is any field without Kubernetes", () => {
    expect(manifestProblems(spec, undefined).map((issue) => issue.path)).toEqual([
      ["services", 0, "manifests", 0],
      ["manifests", 0]
    ])
    expect(manifestProblems(spec, undefined)[0]?.message).toContain('"kubernetes"')
  })
})

it("shows a plan's patched fields with max-cloud's values, and created, changed and deleted objects", () => {
  const before = specOf({
    app: "shop",
    services: [{ name: "web", image: "nginx" }],
    manifests: [
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "kept" }, data: { a: "1" } },
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "old" } }
    ]
  })
  const spec = appWith(
    [
      {
        patch: "Service",
        fields: {
          spec: {
            template: { metadata: { annotations: { "autoscaling.knative.dev/window": "10s", "example.com/a": "b" } } }
          }
        }
      }
    ],
    [
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "kept" }, data: { a: "2" } },
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "new" }, data: { b: "1" } }
    ]
  )
  expect(objectChanges(spec, offlineTenant(spec), before.manifests ?? [])).toEqual([
    {
      kind: "Service",
      name: "web",
      action: "patch",
      fields: [
        { path: window, before: '"60s"', after: '"10s"' },
        { path: "spec.template.metadata.annotations[example.com/a]", before: null, after: '"b"' }
      ]
    },
    { kind: "ConfigMap", name: "kept", action: "update", fields: [{ path: "data.a", before: '"1"', after: '"2"' }] },
    { kind: "ConfigMap", name: "new", action: "create", fields: [{ path: "data.b", before: null, after: '"1"' }] },
    { kind: "ConfigMap", name: "old", action: "delete", fields: [] }
  ])
  expect(objectChanges(before, offlineTenant(before), before.manifests ?? [])).toEqual([])
})

it("includes everything that could take over a host, an account, an image or a quota", () => {
  const all = (["Service", "ServiceAccount", "ConfigMap", "PodDisruptionBudget"] as const).flatMap((kind) =>
    allowableFields(kind).map(({ field }) => `${kind}:${field}`)
  )
  expect(
    all.filter((field) =>
      /traffic|host|account(?!:)|image|secret(?!Co)|namespace|owner|finalizer|replicas|cpu|memory/i.test(
        field.replace(/^ServiceAccount/, "")
      )
    )
  ).toEqual([])
})
