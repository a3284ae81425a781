import { Schema } from "effect"
import { said } from "../../kubeApi/said.ts"

/** The cached part of the cluster's objects: only the fields that statuses, diagnoses and drift need. */

const labels = Schema.optionalWith(Schema.Record({ key: Schema.String, value: Schema.String }), { default: () => ({}) })
// Times are null if the container's state is no longer known.
const text = Schema.optionalWith(Schema.String, { default: () => "", nullable: true })
const count = Schema.optionalWith(Schema.Int, { default: () => 0 })
const list = <A, I>(schema: Schema.Schema<A, I>) => Schema.optionalWith(Schema.Array(schema), { default: () => [] })

export const ManagedFields = Schema.Struct({
  manager: text,
  operation: text,
  subresource: text,
  time: text,
  fieldsV1: Schema.optionalWith(Schema.Unknown, { default: () => ({}) })
})
export type ManagedFields = typeof ManagedFields.Type

export const Metadata = Schema.Struct({
  name: Schema.String,
  namespace: text,
  uid: text,
  resourceVersion: text,
  generation: count,
  creationTimestamp: text,
  deletionTimestamp: Schema.optional(Schema.String),
  /** The deletion was requested this long before `deletionTimestamp`. */
  deletionGracePeriodSeconds: Schema.optional(Schema.Int),
  labels,
  annotations: labels,
  finalizers: list(Schema.String),
  managedFields: list(ManagedFields),
  ownerReferences: list(Schema.Struct({ kind: Schema.String, name: Schema.String, uid: Schema.String }))
})

export const amounts = Schema.optionalWith(
  Schema.Record({ key: Schema.String, value: Schema.Union(Schema.String, Schema.Number) }),
  { default: () => ({}) }
)

/** An object with only its metadata. */
export const MetadataObject = Schema.Struct({ metadata: Metadata })
export type MetadataObject = typeof MetadataObject.Type

export const KubeCondition = Schema.Struct({
  type: Schema.String,
  status: Schema.Literal("True", "False", "Unknown"),
  reason: text,
  message: said,
  lastTransitionTime: text
})
export type KubeCondition = typeof KubeCondition.Type

const Traffic = Schema.Struct({
  revisionName: text,
  percent: count,
  tag: text,
  latestRevision: Schema.optionalWith(Schema.Boolean, { default: () => false })
})

/** A Knative Service (Knative serving API, "Service"). */
export const KnativeServiceObject = Schema.Struct({
  metadata: Metadata,
  status: Schema.optionalWith(
    Schema.Struct({
      observedGeneration: count,
      conditions: list(KubeCondition),
      latestCreatedRevisionName: text,
      latestReadyRevisionName: text,
      url: text,
      /** Its address within the cluster. */
      address: Schema.optionalWith(Schema.Struct({ url: text }), { default: () => ({ url: "" }) }),
      traffic: list(Traffic)
    }),
    {
      default: () => ({
        observedGeneration: 0,
        conditions: [],
        latestCreatedRevisionName: "",
        latestReadyRevisionName: "",
        url: "",
        address: { url: "" },
        traffic: []
      })
    }
  )
})
export type KnativeServiceObject = typeof KnativeServiceObject.Type

/** A Knative Revision. */
export const RevisionObject = Schema.Struct({
  metadata: Metadata,
  spec: Schema.Struct({
    containerConcurrency: count,
    timeoutSeconds: count,
    containers: list(
      Schema.Struct({
        name: text,
        image: text,
        ports: list(Schema.Struct({ name: text, containerPort: Schema.Int })),
        startupProbe: Schema.optional(Schema.Unknown),
        readinessProbe: Schema.optional(Schema.Unknown),
        livenessProbe: Schema.optional(Schema.Unknown)
      })
    )
  }),
  status: Schema.optionalWith(
    Schema.Struct({
      observedGeneration: count,
      conditions: list(KubeCondition),
      /** Images by digest, as resolved by Knative. It leaves out those that it doesn't look up. */
      containerStatuses: list(Schema.Struct({ name: text, imageDigest: text })),
      actualReplicas: count,
      desiredReplicas: count
    }),
    {
      default: () => ({
        observedGeneration: 0,
        conditions: [],
        containerStatuses: [],
        actualReplicas: 0,
        desiredReplicas: 0
      })
    }
  )
})
export type RevisionObject = typeof RevisionObject.Type

const Waiting = Schema.Struct({ reason: text, message: said })
const Running = Schema.Struct({ startedAt: text })
const Terminated = Schema.Struct({
  exitCode: Schema.Int,
  signal: Schema.optional(Schema.Int),
  reason: text,
  message: said,
  startedAt: text,
  finishedAt: text
})
const ContainerState = Schema.Struct({
  waiting: Schema.optional(Waiting),
  running: Schema.optional(Running),
  terminated: Schema.optional(Terminated)
})

export const ContainerStatus = Schema.Struct({
  name: Schema.String,
  ready: Schema.optionalWith(Schema.Boolean, { default: () => false }),
  started: Schema.optionalWith(Schema.NullOr(Schema.Boolean), { default: () => null }),
  restartCount: count,
  image: text,
  imageID: text,
  state: Schema.optionalWith(ContainerState, { default: () => ({}) }),
  lastState: Schema.optionalWith(ContainerState, { default: () => ({}) })
})
export type ContainerStatus = typeof ContainerStatus.Type

export const PodObject = Schema.Struct({
  metadata: Metadata,
  spec: Schema.Struct({
    nodeName: text,
    runtimeClassName: text,
    imagePullSecrets: list(Schema.Struct({ name: text })),
    containers: list(
      Schema.Struct({
        name: Schema.String,
        image: text,
        resources: Schema.optionalWith(
          Schema.Struct({
            limits: amounts,
            requests: amounts
          }),
          { default: () => ({ limits: {}, requests: {} }) }
        )
      })
    ),
    /** With the restart policy `Always` it runs beside the containers (a native sidecar). */
    initContainers: list(Schema.Struct({ name: Schema.String, restartPolicy: text })),
    ephemeralContainers: list(Schema.Struct({ name: Schema.String }))
  }),
  status: Schema.optionalWith(
    Schema.Struct({
      phase: text,
      reason: text,
      message: said,
      podIP: text,
      hostIP: text,
      startTime: text,
      conditions: list(KubeCondition),
      containerStatuses: list(ContainerStatus)
    }),
    {
      default: () => ({
        phase: "",
        reason: "",
        message: "",
        podIP: "",
        hostIP: "",
        startTime: "",
        conditions: [],
        containerStatuses: []
      })
    }
  )
})
export type PodObject = typeof PodObject.Type

/** An event of type Warning about one of our objects. */
export const EventObject = Schema.Struct({
  metadata: Metadata,
  involvedObject: Schema.Struct({ kind: text, namespace: text, name: text, uid: text, fieldPath: text }),
  type: text,
  reason: text,
  message: said,
  count: Schema.optionalWith(Schema.NullOr(Schema.Int), { default: () => null }),
  lastTimestamp: Schema.optionalWith(Schema.NullOr(Schema.String), { default: () => null }),
  eventTime: Schema.optionalWith(Schema.NullOr(Schema.String), { default: () => null })
})
export type EventObject = typeof EventObject.Type
