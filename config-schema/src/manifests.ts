import { Schema } from "effect"
import { bounds, listUpTo, mapUpTo, quoted, textUpTo } from "./bounds.ts"
import { optional, required, withDefault } from "./field.ts"
import { keyProblem, Labels, LabelValue } from "./labels.ts"
import type { SpecIssue } from "./specIssues.ts"

/**
 * The fields of Kubernetes that a config may set by `manifests`: a closed set. Whatever isn't a field here can't be written, and so can't
 * be allowed by an operator either. So no patch changes names, owners, hosts, images, accounts, quotas, or the isolation of a service.
 */

const text = textUpTo(bounds.manifestTextLength, "The text")

/** A map whose keys need a rule: a key like `__proto__` is none of them. */
const entries = <A extends string, I>(
  keyOf: (key: string) => string | undefined,
  value: Schema.Schema<A, I>,
  example: string
) =>
  mapUpTo(
    textUpTo(bounds.labelKeyLength, "The key").pipe(
      Schema.filter((key) => keyOf(key) ?? true, { arbitrary: () => (fc) => fc.constant(example) })
    ),
    value,
    bounds.annotations,
    "The map"
  )

const fileName = mapUpTo(
  textUpTo(bounds.manifestKeyLength, "The key").pipe(
    Schema.filter(
      (key) =>
        (/^[A-Za-z0-9.-][A-Za-z0-9._-]*$/.test(key) && key !== "." && !key.startsWith("..")) ||
        `${quoted(key)} isn't a valid key of a ConfigMap. Use letters, digits, "-", "_" and ".", such as "app.conf".`,
      { arbitrary: () => (fc) => fc.constant("app.conf") }
    )
  ),
  text,
  bounds.annotations,
  "The map"
)

/** Annotations of Knative that change how fast a service scales, and neither how far nor how it is reached. */
const tuning: ReadonlySet<string> = new Set(
  [
    "metric",
    "panic-threshold-percentage",
    "panic-window-percentage",
    "scale-down-delay",
    "scale-to-zero-pod-retention-period",
    "target",
    "target-burst-capacity",
    "target-utilization-percentage",
    "window"
  ].map((name) => `autoscaling.knative.dev/${name}`)
)
const rollout = "serving.knative.dev/rollout-duration"

const Annotations = entries((key) => keyProblem(key, "annotation"), text, "example.com/owner")
const ServiceAnnotations = entries(
  (key) => (key === rollout ? undefined : keyProblem(key, "annotation")),
  text,
  rollout
)
const TemplateAnnotations = entries(
  (key) => {
    if (tuning.has(key)) return undefined
    if (/^autoscaling\.knative\.dev\/(min|max|initial|activation)-scale$/.test(key))
      return `${quoted(key)} would change how many instances there are, which quotas count. Use the service's \`scale\`.`
    return keyProblem(key, "annotation")
  },
  text,
  "autoscaling.knative.dev/window"
)

const NodeSelector = entries((key) => keyProblem(key, "node label"), LabelValue, "disktype")

const counted: ReadonlySet<string> = new Set(["cpu", "memory"])
const Amounts = entries(
  (key) => {
    if (counted.has(key)) return `Quotas count ${key}. Use the service's \`${key}\`.`
    return key === "ephemeral-storage" || (key.includes("/") && keyProblem(key, "annotation") === undefined)
      ? undefined
      : `${quoted(key)} isn't a resource that a patch can ask for. Use "ephemeral-storage", or a device such as "nvidia.com/gpu".`
  },
  textUpTo(bounds.quantityLength, "The amount").pipe(
    Schema.filter(
      (value) =>
        /^\d+([KMGT]i?)?$/.test(value) || `${quoted(value)} isn't a valid amount. Use a form like "1" or "2Gi".`,
      { arbitrary: () => (fc) => fc.constantFrom("1", "2Gi") }
    )
  ),
  "nvidia.com/gpu"
)

/** A DNS label: names of volumes and objects. */
const Name = textUpTo(63, "The name").pipe(
  Schema.filter(
    (name) =>
      /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name) ||
      `${quoted(name)} isn't a valid name. Use lower case letters, digits and "-", up to 63.`,
    { arbitrary: () => (fc) => fc.constantFrom("settings", "cache") }
  )
)

const reservedVolumes: ReadonlySet<string> = new Set(["secrets", "pod-info"])
const VolumeName = Name.pipe(
  Schema.filter(
    (name) =>
      !(reservedVolumes.has(name) || /^(knative|kube|istio|maxcloud)/.test(name)) ||
      `The platform uses the volume name ${quoted(name)}. Choose another.`
  )
)

const InsidePath = textUpTo(bounds.filePathLength, "The path").pipe(
  Schema.filter(
    (path) =>
      (/^[^\0\\:]+$/.test(path) && path.split("/").every((part) => part !== "" && part !== "." && part !== "..")) ||
      `${quoted(path)} isn't a valid path inside of a volume. Use a form like "app.conf".`,
    { arbitrary: () => (fc) => fc.constant("app.conf") }
  )
)
const MountPath = textUpTo(bounds.filePathLength, "The path").pipe(
  Schema.filter(
    (path) =>
      (/^\/[^\0:]+$/.test(path) &&
        !path.endsWith("/") &&
        path.split("/").every((part, at) => at === 0 || (part !== "" && part !== "." && part !== "..")) &&
        !/^\/(dev|proc|sys)(\/|$)/.test(path)) ||
      `${quoted(path)} isn't a valid path. Use an absolute path outside of /dev, /proc and /sys, without ":", "." or "..".`,
    { arbitrary: () => (fc) => fc.constantFrom("/etc/app", "/cache") }
  )
)

const list = <A, I>(item: Schema.Schema<A, I>, what: string) => listUpTo(item, bounds.volumes, what)

const Volume = Schema.Struct({
  name: required(VolumeName, "Name of the volume."),
  configMap: optional(
    Schema.Struct({
      name: required(Name, "A ConfigMap among the app's own `manifests`."),
      items: optional(
        list(
          Schema.Struct({
            key: required(textUpTo(bounds.manifestKeyLength, "The key"), "Key of the ConfigMap."),
            path: required(InsidePath, "Its file in the volume.")
          }),
          "The list of items"
        ),
        "The keys that become files.",
        { default: "all" }
      )
    }),
    "Files from a ConfigMap."
  ),
  emptyDir: optional(
    Schema.Struct({
      sizeLimit: required(
        textUpTo(bounds.quantityLength, "The size").pipe(
          Schema.filter(
            (value) =>
              /^\d{1,4}(Ki|Mi|Gi)$/.test(value) || `${quoted(value)} isn't a valid size. Use a form like "256Mi".`,
            { arbitrary: () => (fc) => fc.constant("256Mi") }
          )
        ),
        "How much it may hold. An instance that writes more is stopped."
      ),
      medium: optional(Schema.Literal("Memory"), "`Memory`: it counts to the service's `memory`.", {
        default: "the node's disk"
      })
    }),
    "A folder that is empty when an instance starts, and goes with it."
  )
}).pipe(
  Schema.filter(({ configMap, emptyDir }) =>
    (configMap === undefined) === (emptyDir === undefined)
      ? "A volume is a `configMap` or an `emptyDir`. Write one of them."
      : true
  )
)

const UserId = Schema.Int.pipe(
  Schema.filter((id) => (id >= 1 && id < 2 ** 31) || "Use a number from 1 on: 0 is root.", {
    jsonSchema: { minimum: 1, maximum: 2 ** 31 - 1 },
    arbitrary: () => (fc) => fc.constant(1000)
  })
)
const isTrue = Schema.Literal(true).annotations({ message: () => "Only `true` can be set. Remove the field." })

const Container = Schema.Struct({
  name: withDefault(Schema.Literal("user-container"), "user-container", "The service's one container."),
  workingDir: optional(MountPath, "The folder that its program starts in."),
  resources: optional(
    Schema.Struct({
      limits: optional(Amounts, "Devices and `ephemeral-storage` at most."),
      requests: optional(Amounts, "The same, reserved.")
    }),
    "What it gets besides `cpu` and `memory`."
  ),
  securityContext: optional(
    Schema.Struct({
      readOnlyRootFilesystem: optional(isTrue, "`true`: its program can't write to the image's files."),
      runAsNonRoot: optional(isTrue, "`true`: it isn't started as root."),
      runAsUser: optional(UserId, "The user's number."),
      runAsGroup: optional(UserId, "The group's number.")
    }),
    "Rights that it gives up."
  ),
  volumeMounts: optional(
    list(
      Schema.Struct({
        name: required(VolumeName, "A volume of the same patch."),
        mountPath: required(MountPath, "Where it is found."),
        subPath: optional(InsidePath, "Only this part of it."),
        readOnly: optional(Schema.Boolean, "`true`: the program can't write to it.")
      }),
      "The list of mounts"
    ),
    "Where its volumes are found."
  )
})

/** Fields of a Knative Service (`serving.knative.dev/v1`). */
export const ServicePatch = Schema.Struct({
  metadata: optional(
    Schema.Struct({ annotations: optional(ServiceAnnotations, `Annotations of one's own, and \`${rollout}\`.`) }),
    "Of the Knative Service."
  ),
  spec: optional(
    Schema.Struct({
      template: optional(
        Schema.Struct({
          metadata: optional(
            Schema.Struct({
              annotations: optional(
                TemplateAnnotations,
                `Annotations of its pods: one's own, and ${[...tuning].map((key) => `\`${key}\``).join(", ")}.`
              )
            }),
            "Of each revision and its pods."
          ),
          spec: optional(
            Schema.Struct({
              nodeSelector: optional(NodeSelector, "Labels that its nodes must have."),
              volumes: optional(list(Volume, "The list of volumes"), "Volumes besides that of its secrets."),
              containers: optional(
                Schema.Array(Container).pipe(
                  Schema.filter((each) => each.length === 1 || "A service runs one container.", {
                    jsonSchema: { minItems: 1, maxItems: 1 }
                  })
                ),
                "Its container."
              )
            }),
            "Of its pods."
          )
        }),
        "What its revisions are made from."
      )
    }),
    "What it runs."
  )
}).annotations({ identifier: "ServicePatch" })
export type ServicePatch = typeof ServicePatch.Type

/** Fields of a service's ServiceAccount. */
export const ServiceAccountPatch = Schema.Struct({
  metadata: optional(
    Schema.Struct({
      annotations: optional(Annotations, "Annotations of one's own, such as a cloud's role for its pods.")
    }),
    "Of the ServiceAccount."
  )
}).annotations({ identifier: "ServiceAccountPatch" })
export type ServiceAccountPatch = typeof ServiceAccountPatch.Type

/** The kinds of a service's objects that can be patched, with their fields. */
export const patchable = { Service: ServicePatch, ServiceAccount: ServiceAccountPatch } as const
export type PatchableKind = keyof typeof patchable

const patchOf = <const K extends PatchableKind, A, I>(kind: K, fields: Schema.Schema<A, I>) =>
  Schema.Struct({
    patch: required(Schema.Literal(kind), "The kind of the service's object."),
    fields: required(fields, "The fields to set, as the object has them.")
  })

/** A change to an object of a service. */
export const ManifestPatch = Schema.Union(
  patchOf("Service", ServicePatch),
  patchOf("ServiceAccount", ServiceAccountPatch)
).annotations({ identifier: "ManifestPatch" })
export type ManifestPatch = typeof ManifestPatch.Type

export const Patches = listUpTo(ManifestPatch, bounds.patches, "The list of patches")

const Metadata = Schema.Struct({
  name: required(
    Name.pipe(
      Schema.filter(
        (name) =>
          !/^(kube|maxcloud|istio|knative)/.test(name) || `The platform uses the name ${quoted(name)}. Choose another.`
      )
    ),
    "Name of the object, unique among those of its kind."
  ),
  labels: optional(Labels, "Labels of one's own."),
  annotations: optional(Annotations, "Annotations of one's own.")
})

const headOf = <const V extends string, const K extends string>(apiVersion: V, kind: K) => ({
  kind: required(Schema.Literal(kind), "Its kind."),
  apiVersion: required(
    Schema.Literal(apiVersion).annotations({ message: () => `The apiVersion of a ${kind} is "${apiVersion}".` }),
    "Its version of the Kubernetes API."
  ),
  metadata: required(Metadata, "Its name, and labels and annotations of one's own.")
})

/** The kinds of objects that an app can have of its own. */
export const objectKinds = ["ConfigMap", "PodDisruptionBudget"] as const
export type ObjectKind = (typeof objectKinds)[number]

export const ConfigMap = Schema.Struct({
  ...headOf("v1", "ConfigMap"),
  data: optional(fileName, "Texts, by their names."),
  binaryData: optional(fileName, "Bytes in base64, by their names.")
}).annotations({ identifier: "ConfigMap" })

const Share = Schema.Union(
  Schema.Int.pipe(Schema.between(0, 1000)),
  textUpTo(4, "The share").pipe(
    Schema.filter(
      (value) => /^(100|\d{1,2})%$/.test(value) || `${quoted(value)} isn't a share. Use a form like "50%".`,
      {
        arbitrary: () => (fc) => fc.constant("50%")
      }
    )
  )
)

export const PodDisruptionBudget = Schema.Struct({
  ...headOf("policy/v1", "PodDisruptionBudget"),
  spec: required(
    Schema.Struct({
      minAvailable: optional(Share, "Instances that stay while nodes are drained: a number or a share."),
      maxUnavailable: optional(Share, "Instances that may be missing meanwhile: a number or a share."),
      selector: required(
        Schema.Struct({
          matchLabels: required(
            Schema.Struct({ "maxcloud.dev/service": required(Name, "Its name.") }),
            '`{ "maxcloud.dev/service": "web" }`: a service of the app.'
          )
        }),
        "The service whose instances it protects."
      ),
      unhealthyPodEvictionPolicy: optional(
        Schema.Literal("IfHealthyBudget", "AlwaysAllow"),
        "Whether instances that aren't ready may always be moved."
      )
    }).pipe(
      Schema.filter(({ maxUnavailable, minAvailable }) =>
        (minAvailable === undefined) === (maxUnavailable === undefined)
          ? "Write either `minAvailable` or `maxUnavailable`."
          : true
      )
    ),
    "How many of its instances a drained node may take at a time."
  )
}).annotations({ identifier: "PodDisruptionBudget" })

/** An object of the app's own. */
export const AppObject = Schema.Union(ConfigMap, PodDisruptionBudget).annotations({ identifier: "AppObject" })
export type AppObject = typeof AppObject.Type

export const Objects = listUpTo(AppObject, bounds.objects, "The list of objects")

/** The schemas of all kinds, with the fields that an operator can allow. */
export const manifestKinds = { ...patchable, ConfigMap, PodDisruptionBudget } as const
export type ManifestKind = keyof typeof manifestKinds

interface PatchedService {
  readonly name: string
  readonly files: Readonly<Record<string, unknown>>
  readonly manifests?: ReadonlyArray<ManifestPatch> | undefined
}

const podSpecOf = (patch: ManifestPatch) => (patch.patch === "Service" ? patch.fields.spec?.template?.spec : undefined)

const isInside = (path: string, other: string) => path === other || path.startsWith(`${other}/`)

/** Two patches of one kind, volumes with one name, and mounts that nothing gives or that hide another. */
export const patchIssues = ({ files, manifests = [] }: PatchedService): ReadonlyArray<SpecIssue> =>
  manifests.flatMap((patch, index): ReadonlyArray<SpecIssue> => {
    const path = ["manifests", index]
    if (manifests.findIndex((each) => each.patch === patch.patch) < index) {
      return [{ path, message: `Two patches change the ${patch.patch}. Put them together into one.` }]
    }
    const inPod = [...path, "fields", "spec", "template", "spec"]
    const spec = podSpecOf(patch)
    const volumes = spec?.volumes ?? []
    const mounts = spec?.containers?.[0]?.volumeMounts ?? []
    const names = volumes.map((volume) => volume.name)
    return [
      ...names.flatMap((name, at) =>
        names.indexOf(name) < at
          ? [{ path: [...inPod, "volumes", at, "name"], message: `Two volumes have the name "${name}". Rename one.` }]
          : []
      ),
      ...mounts.flatMap(({ mountPath, name }, at): ReadonlyArray<SpecIssue> => {
        const place = [...inPod, "containers", 0, "volumeMounts", at]
        if (!names.includes(name)) {
          return [{ path: [...place, "name"], message: `No volume has the name "${name}". Add it to \`volumes\`.` }]
        }
        const others = [...Object.keys(files), ...mounts.slice(0, at).map((mount) => mount.mountPath)]
        const other = others.find((each) => isInside(mountPath, each) || isInside(each, mountPath))
        return other === undefined
          ? []
          : [
              {
                path: [...place, "mountPath"],
                message: `${quoted(mountPath)} and ${quoted(other)} hide one another. Move one of them.`
              }
            ]
      })
    ]
  })

interface AppWithObjects {
  readonly services: ReadonlyArray<PatchedService>
  readonly manifests?: ReadonlyArray<AppObject> | undefined
}

/** Objects with one name, volumes of a ConfigMap that the app doesn't have, and budgets of a service that it doesn't have. */
export const objectIssues = ({ manifests = [], services }: AppWithObjects): ReadonlyArray<SpecIssue> => {
  const idOf = ({ kind, metadata }: AppObject) => `${kind}/${metadata.name}`
  const ids = manifests.map(idOf)
  const ofObjects = manifests.flatMap((object, index): ReadonlyArray<SpecIssue> => {
    if (ids.indexOf(idOf(object)) < index) {
      const message = `Two objects are the ${object.kind} "${object.metadata.name}". Rename one of them.`
      return [{ path: ["manifests", index, "metadata", "name"], message }]
    }
    if (object.kind !== "PodDisruptionBudget") return []
    const selected = object.spec.selector.matchLabels["maxcloud.dev/service"]
    return services.some((service) => service.name === selected)
      ? []
      : [
          {
            path: ["manifests", index, "spec", "selector", "matchLabels"],
            message: `"${selected}" isn't a service of this app. Select one of its services by "maxcloud.dev/service".`
          }
        ]
  })
  const ofVolumes = services.flatMap((service, index) =>
    (service.manifests ?? []).flatMap((patch, at) =>
      (podSpecOf(patch)?.volumes ?? []).flatMap(({ configMap }, volume): ReadonlyArray<SpecIssue> => {
        if (configMap === undefined || ids.includes(`ConfigMap/${configMap.name}`)) return []
        const inPod = ["services", index, "manifests", at, "fields", "spec", "template", "spec", "volumes", volume]
        const message = `The app has no ConfigMap "${configMap.name}". Add it to the app's \`manifests\`.`
        return [{ path: [...inPod, "configMap", "name"], message }]
      })
    )
  )
  return [...ofObjects, ...ofVolumes]
}
