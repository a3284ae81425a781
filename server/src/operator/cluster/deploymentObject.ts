import { Schema } from "effect"

const count = Schema.optionalWith(Schema.Int, { default: () => 0 })
const list = <A, I>(item: Schema.Schema<A, I>) => Schema.optionalWith(Schema.Array(item), { default: () => [] })
const Named = Schema.Struct({ name: Schema.String })

/** Of a container, what an installation looks at. */
const Container = Schema.Struct({
  image: Schema.String,
  env: list(Schema.Struct({ name: Schema.String, value: Schema.optional(Schema.String) })),
  /** Later ones win; `env` wins over all of them. */
  envFrom: list(Schema.Struct({ configMapRef: Schema.optional(Named), secretRef: Schema.optional(Named) }))
})
export type Container = typeof Container.Type

const Deployment = Schema.Struct({
  metadata: Schema.Struct({
    generation: count,
    labels: Schema.optionalWith(Schema.Record({ key: Schema.String, value: Schema.String }), { default: () => ({}) })
  }),
  spec: Schema.Struct({
    replicas: Schema.Int,
    template: Schema.Struct({ spec: Schema.Struct({ containers: Schema.Array(Container) }) })
  }),
  status: Schema.optionalWith(
    Schema.Struct({ observedGeneration: count, updatedReplicas: count, readyReplicas: count }),
    { default: () => ({ observedGeneration: 0, updatedReplicas: 0, readyReplicas: 0 }) }
  )
})

export type Deployment = typeof Deployment.Type

/** Reads a Deployment of an installation: the gateway's authorizer, or the servers. */
export const readDeployment = Schema.decodeUnknownOption(Deployment)
