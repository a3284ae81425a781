import { Schema } from "effect"
import { bounds, listUpTo, quoted, textUpTo } from "./bounds.ts"
import { oneOfTwo, optional, required } from "./field.ts"
import { Labels } from "./labels.ts"
import { Annotations, fileName, Name } from "./manifestValues.ts"

const Metadata = Schema.Struct({
  name: required(
    Name.pipe(
      Schema.filter(
        (name) =>
          !/^(kube|maxcloud|istio|knative)/.test(name) || `The platform uses the name ${quoted(name)}. Choose another.`
      )
    ),
    "Name of the object, unique for its kind."
  ),
  labels: optional(Labels, "Custom labels."),
  annotations: optional(Annotations, "Custom annotations.")
})

const headOf = <const V extends string, const K extends string>(apiVersion: V, kind: K) => ({
  kind: required(Schema.Literal(kind), "Its kind."),
  apiVersion: required(
    Schema.Literal(apiVersion).annotations({ message: () => `The apiVersion of a ${kind} must be "${apiVersion}".` }),
    "Its Kubernetes API version."
  ),
  metadata: required(Metadata, "Its name, and custom labels and annotations.")
})

/** The kinds of objects that an app can add. */
export const objectKinds = ["ConfigMap", "PodDisruptionBudget"] as const
export type ObjectKind = (typeof objectKinds)[number]

export const ConfigMap = Schema.Struct({
  ...headOf("v1", "ConfigMap"),
  data: optional(fileName, "Texts, by name."),
  binaryData: optional(fileName, "Bytes in base64, by name.")
}).annotations({ identifier: "ConfigMap" })

const Share = Schema.Union(
  Schema.Int.pipe(Schema.between(0, 1000)),
  textUpTo(4, "The share").pipe(
    Schema.filter(
      (value) => /^(100|\d{1,2})%$/.test(value) || `${quoted(value)} isn't a percentage. Use a form like "50%".`,
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
      minAvailable: optional(Share, "Instances that stay while nodes are drained: a number or a percentage."),
      maxUnavailable: optional(Share, "Instances that may be missing meanwhile: a number or a percentage."),
      selector: required(
        Schema.Struct({
          matchLabels: required(
            Schema.Struct({ "maxcloud.dev/service": required(Name, "Its name.") }),
            'A service of the app: `{ "maxcloud.dev/service": "web" }`.'
          )
        }),
        "The service that it protects."
      ),
      unhealthyPodEvictionPolicy: optional(
        Schema.Literal("IfHealthyBudget", "AlwaysAllow"),
        "Whether instances that aren't ready may always be moved."
      )
    }).pipe(
      Schema.filter(oneOfTwo("minAvailable", "maxUnavailable", "Set either `minAvailable` or `maxUnavailable`."))
    ),
    "How many of its instances a drain of nodes may stop at a time."
  )
}).annotations({ identifier: "PodDisruptionBudget" })

/** One of the app's own objects. */
export const AppObject = Schema.Union(ConfigMap, PodDisruptionBudget).annotations({ identifier: "AppObject" })
export type AppObject = typeof AppObject.Type

export const Objects = listUpTo(AppObject, bounds.objects, "The list of objects")
