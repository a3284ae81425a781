import { Schema } from "effect"
import { bounds, mapUpTo, quoted, textUpTo } from "./bounds.ts"
import { keyProblem, LabelValue } from "./labels.ts"

/** The keys and values of fields in manifests. */

export const text = textUpTo(bounds.manifestTextLength, "The text")

/** A map with a rule for its keys, which excludes keys like `__proto__`. */
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

export const fileName = mapUpTo(
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

/** Knative annotations that change how fast a service scales, but not its limits or how it is reached. */
export const tuning: ReadonlySet<string> = new Set(
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
export const rollout = "serving.knative.dev/rollout-duration"

export const Annotations = entries((key) => keyProblem(key, "annotation"), text, "example.com/owner")
export const ServiceAnnotations = entries(
  (key) => (key === rollout ? undefined : keyProblem(key, "annotation")),
  text,
  rollout
)
export const TemplateAnnotations = entries(
  (key) => {
    if (tuning.has(key)) return undefined
    if (/^autoscaling\.knative\.dev\/(min|max|initial|activation)-scale$/.test(key))
      return `${quoted(key)} would change the number of instances, which counts against quotas. Use the service's \`scale\`.`
    return keyProblem(key, "annotation")
  },
  text,
  "autoscaling.knative.dev/window"
)

export const NodeSelector = entries((key) => keyProblem(key, "node label"), LabelValue, "disktype")

const counted: ReadonlySet<string> = new Set(["cpu", "memory"])
export const Amounts = entries(
  (key) => {
    if (counted.has(key)) return `Quotas count ${key}. Use the service's \`${key}\`.`
    return key === "ephemeral-storage" || (key.includes("/") && keyProblem(key, "annotation") === undefined)
      ? undefined
      : `${quoted(key)} isn't a resource that a patch can request. Use "ephemeral-storage", or a device such as "nvidia.com/gpu".`
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
export const Name = textUpTo(63, "The name").pipe(
  Schema.filter(
    (name) =>
      /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name) ||
      `${quoted(name)} isn't a valid name. Use up to 63 lower-case letters, digits and "-".`,
    { arbitrary: () => (fc) => fc.constantFrom("settings", "cache") }
  )
)

const reservedVolumes: ReadonlySet<string> = new Set(["secrets", "pod-info"])
export const VolumeName = Name.pipe(
  Schema.filter(
    (name) =>
      !(reservedVolumes.has(name) || /^(knative|kube|istio|maxcloud)/.test(name)) ||
      `The platform uses the volume name ${quoted(name)}. Choose another.`
  )
)

export const InsidePath = textUpTo(bounds.filePathLength, "The path").pipe(
  Schema.filter(
    (path) =>
      (/^[^\0\\:]+$/.test(path) && path.split("/").every((part) => part !== "" && part !== "." && part !== "..")) ||
      `${quoted(path)} isn't a valid path inside a volume. Use a form like "app.conf".`,
    { arbitrary: () => (fc) => fc.constant("app.conf") }
  )
)
export const MountPath = textUpTo(bounds.filePathLength, "The path").pipe(
  Schema.filter(
    (path) =>
      (/^\/[^\0:]+$/.test(path) &&
        !path.endsWith("/") &&
        path.split("/").every((part, at) => at === 0 || (part !== "" && part !== "." && part !== "..")) &&
        !/^\/(dev|proc|sys)(\/|$)/.test(path)) ||
      `${quoted(path)} isn't a valid path. Use an absolute path outside /dev, /proc and /sys, without ":", "." or "..".`,
    { arbitrary: () => (fc) => fc.constantFrom("/etc/app", "/cache") }
  )
)
