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
 * The Kubernetes fields that a config can set with `manifests`, a closed set. Nobody can set any other field, even if the operator would allow it.
 * So no patch changes names, owners, hosts, images, accounts, quotas, or the isolation of a service.
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
        "Its maximum size. An instance that writes more is stopped."
      ),
      medium: optional(Schema.Literal("Memory"), "`Memory` uses RAM, which counts towards the service's `memory`.", {
        default: "the node's disk"
      })
    }),
    "A folder that is empty when an instance starts, and is deleted with it."
  )
}).pipe(
  Schema.filter(oneOfTwo("configMap", "emptyDir", "A volume must be a `configMap` or an `emptyDir`. Set one of them."))
)

const UserId = Schema.Int.pipe(
  Schema.filter((id) => (id >= 1 && id < 2 ** 31) || "Use a number above 0, which is root.", {
    jsonSchema: { minimum: 1, maximum: 2 ** 31 - 1 },
    arbitrary: () => (fc) => fc.constant(1000)
  })
)
const isTrue = Schema.Literal(true).annotations({ message: () => "Only `true` can be set. Remove the field." })

const Container = Schema.Struct({
  name: withDefault(Schema.Literal("user-container"), "user-container", "The service's only container."),
  workingDir: optional(MountPath, "The program's working directory."),
  resources: optional(
    Schema.Struct({
      limits: optional(Amounts, "The maximum of devices and `ephemeral-storage`."),
      requests: optional(Amounts, "The reserved amounts.")
    }),
    "Resources besides `cpu` and `memory`."
  ),
  securityContext: optional(
    Schema.Struct({
      readOnlyRootFilesystem: optional(isTrue, "`true` prevents its program from writing to the image's files."),
      runAsNonRoot: optional(isTrue, "`true` prevents it from starting as root."),
      runAsUser: optional(UserId, "The user's number."),
      runAsGroup: optional(UserId, "The group's number.")
    }),
    "Privileges to drop."
  ),
  volumeMounts: optional(
    list(
      Schema.Struct({
        name: required(VolumeName, "A volume in the same patch."),
        mountPath: required(MountPath, "The mount path."),
        subPath: optional(InsidePath, "Mount only this part of the volume."),
        readOnly: optional(Schema.Boolean, "`true` prevents the program from writing to it.")
      }),
      "The list of mounts"
    ),
    "The mount paths of its volumes."
  )
})

/** Fields of a Knative Service (`serving.knative.dev/v1`). */
export const ServicePatch = Schema.Struct({
  metadata: optional(
    Schema.Struct({ annotations: optional(ServiceAnnotations, `Custom annotations, and \`${rollout}\`.`) }),
    "Metadata of the Knative Service."
  ),
  spec: optional(
    Schema.Struct({
      template: optional(
        Schema.Struct({
          metadata: optional(
            Schema.Struct({
              annotations: optional(
                TemplateAnnotations,
                `Annotations of its pods: custom ones, and ${[...tuning].map((key) => `\`${key}\``).join(", ")}.`
              )
            }),
            "Metadata of each revision and its pods."
          ),
          spec: optional(
            Schema.Struct({
              nodeSelector: optional(NodeSelector, "Required labels of its nodes."),
              volumes: optional(list(Volume, "The list of volumes"), "Volumes, besides the one for its secrets."),
              containers: optional(
                Schema.Array(Container).pipe(
                  Schema.filter((each) => each.length === 1 || "A service can have only one container.", {
                    jsonSchema: { minItems: 1, maxItems: 1 }
                  })
                ),
                "Its container."
              )
            }),
            "The spec of its pods."
          )
        }),
        "The template of its revisions."
      )
    }),
    "The spec of the Knative Service."
  )
}).annotations({ identifier: "ServicePatch" })
export type ServicePatch = typeof ServicePatch.Type

/** Fields of a service's ServiceAccount. */
export const ServiceAccountPatch = Schema.Struct({
  metadata: optional(
    Schema.Struct({
      annotations: optional(Annotations, "Custom annotations, such as a cloud role for its pods.")
    }),
    "Metadata of the ServiceAccount."
  )
}).annotations({ identifier: "ServiceAccountPatch" })
export type ServiceAccountPatch = typeof ServiceAccountPatch.Type

/** The kinds of a service's objects that can be patched, with their fields. */
export const patchable = { Service: ServicePatch, ServiceAccount: ServiceAccountPatch } as const
export type PatchableKind = keyof typeof patchable

const patchOf = <const K extends PatchableKind, A, I>(kind: K, fields: Schema.Schema<A, I>) =>
  Schema.Struct({
    patch: required(Schema.Literal(kind), "The kind of the service's object."),
    fields: required(fields, "The fields to set, in the object's structure.")
  })

/** A change to an object of a service. */
export const ManifestPatch = Schema.Union(
  patchOf("Service", ServicePatch),
  patchOf("ServiceAccount", ServiceAccountPatch)
).annotations({ identifier: "ManifestPatch" })
export type ManifestPatch = typeof ManifestPatch.Type

export const Patches = listUpTo(ManifestPatch, bounds.patches, "The list of patches")
