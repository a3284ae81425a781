import { Schema } from "effect"
import { bounds, listUpTo, quoted, textUpTo } from "./bounds.ts"
import { oneOfTwo, optional, required, withDefault } from "./field.ts"
import {
  Amounts,
  Annotations,
  InsidePath,
  MountPath,
  Name,
  NodeSelector,
  rollout,
  ServiceAnnotations,
  TemplateAnnotations,
  tuning,
  VolumeName
} from "./manifestValues.ts"

/**
 * The fields of Kubernetes that a config may set by `manifests`: a closed set. Whatever isn't a field here can't be written, and so can't
 * be allowed by an operator either. So no patch changes names, owners, hosts, images, accounts, quotas, or the isolation of a service.
 */

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
  Schema.filter(oneOfTwo("configMap", "emptyDir", "A volume is a `configMap` or an `emptyDir`. Write one of them."))
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
