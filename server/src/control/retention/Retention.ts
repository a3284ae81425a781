import { type DeploymentId, NotFound } from "@maxcloud/sdk/api"
import { Clock, Context, Effect } from "effect"

/** How long deployments are kept that nothing needs any more. */
export class Retention extends Context.Reference<Retention>()("@maxcloud/server/Retention", {
  defaultValue: (): { /** After their end; undefined: for ever. */ readonly days: number | undefined } => ({
    days: 365
  })
}) {}

/** How many of each app and stage are kept, however old. */
export const keptNewest = 20

/** When an id was made (RFC 9562, 5.7: the first 48 bits are milliseconds). */
const madeAt = (id: DeploymentId) => Number.parseInt(id.slice("dep_".length, "dep_".length + 12), 16)

const dayMs = 86_400_000

/** A deployment is not there. The age that its id tells says whether it would have been collected. */
export const noDeployment = (id: DeploymentId) =>
  Effect.gen(function* () {
    const { days } = yield* Retention
    const made = madeAt(id)
    const old = days !== undefined && made < (yield* Clock.currentTimeMillis) - days * dayMs
    return yield* new NotFound({
      detail: old
        ? `The deployment ${id} of ${new Date(made).toISOString().slice(0, 10)} is gone: deployments are collected ${days} days after their end, except the newest ${keptNewest} of an app and stage and what is in force.`
        : `There is no deployment ${id}.`,
      resource: "deployment",
      resourceName: id
    })
  })
