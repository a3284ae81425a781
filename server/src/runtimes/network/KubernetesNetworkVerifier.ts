import { randomBytes } from "node:crypto"
import { SqlClient } from "@effect/sql/SqlClient"
import { ServiceSpec } from "@maxcloud/config-schema"
import { InvalidSpec, NotFound, Unavailable } from "@maxcloud/sdk/api"
import { Effect, Layer, Schema } from "effect"
import { contextWithoutRows } from "../../base/database/RowScope.ts"
import { orUnavailable } from "../../base/database/sqlErrors.ts"
import type { KubeApi } from "../kubeApi/KubeApi.ts"
import { NetworkVerifier } from "../port/NetworkVerifier.ts"
import { namespaceKeyOf, Platform } from "../port/Platform.ts"
import { expectationsOf, internalGateway, type Surroundings } from "./expectations.ts"
import type { ProbePodInput } from "./probePod.ts"
import { removeLeftovers, resultOf, runProbes } from "./runProbes.ts"
import { calleesOf } from "./surroundings.ts"
import { closedTargets } from "./systemParts.ts"

export interface KubernetesNetworkVerifierOptions {
  /** The max-cloud image that runs `maxcloud probe`; undefined: nothing is verified. */
  readonly systemImage: string | undefined
  /** Arguments for its entrypoint. @default ["probe"] */
  readonly args?: ReadonlyArray<string>
  readonly internet?: Surroundings["internet"]
}

const decodeServices = Schema.decodeUnknown(Schema.Array(Schema.Struct({ spec: ServiceSpec })))

const away = (error: { readonly message: string }) => new Unavailable({ detail: error.message, retryAfterSeconds: 5 })

/** Runs a pod for each service of the app, which tries every target that it should and shouldn't reach. */
export const layer = ({ args = ["probe"], internet, systemImage }: KubernetesNetworkVerifierOptions) =>
  Layer.effect(
    NetworkVerifier,
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const platform = yield* Platform
      const context = yield* contextWithoutRows<KubeApi | SqlClient>()
      return {
        verify: Effect.fn("NetworkVerifier.verify")(
          function* (organization, app, stage) {
            if (systemImage === undefined) {
              const detail =
                "Couldn't verify the network: the server doesn't know which image to probe with. Set MAXCLOUD_SYSTEM_IMAGE to the image of max-cloud."
              return yield* new InvalidSpec({ detail, errors: [] })
            }
            const rows = yield* sql`
              select spec from services
              where organization_id = ${organization.id} and app = ${app} and stage = ${stage} and not deleting
              order by name`
            const services = yield* Effect.orDie(decodeServices(rows))
            if (services.length === 0) {
              const detail = `The app "${app}" has no services in stage "${stage}".`
              return yield* new NotFound({ detail, resource: "app", resourceName: app })
            }
            const { namespace } = namespaceKeyOf({ organization, app, stage }, platform)
            yield* removeLeftovers(namespace)
            const callees = yield* calleesOf(
              organization.name,
              namespace,
              services.map((service) => service.spec.name)
            )
            const another = callees.find((callee) => callee.service === undefined)
            const closed = yield* closedTargets(internalGateway, another)
            const run = randomBytes(4).toString("hex")
            const tried = services.map(({ spec }, index) => ({
              spec,
              name: `maxcloud-probe-${run}-${index}`,
              expectations: expectationsOf(spec, { callees, closed, internet, rules: platform }).map(
                (value, number) => ({
                  ...value,
                  id: `${index}-${number}`
                })
              )
            }))
            const found = yield* runProbes(
              tried.map(
                ({ expectations, name, spec }): ProbePodInput => ({
                  name,
                  namespace,
                  service: spec.name,
                  run,
                  image: systemImage,
                  args,
                  targets: expectations.map(({ id, probe, target }) => ({ ...target, id, expected: probe.expected }))
                })
              )
            )
            const results = new Map(found.map((each) => [each.id, each]))
            const probes = tried.flatMap(({ expectations }) =>
              expectations.map(({ id, probe }) => {
                const { actual, detail } = resultOf(results, id)
                return { ...probe, actual, detail }
              })
            )
            return { app, stage, probes, differences: probes.filter((probe) => probe.actual !== probe.expected).length }
          },
          Effect.catchTag("KubeError", away),
          Effect.catchTag("ProbeFailed", away),
          orUnavailable,
          Effect.provide(context)
        )
      }
    })
  )
