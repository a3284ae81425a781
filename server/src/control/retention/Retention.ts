import { type DeploymentId, NotFound } from "@maxcloud/sdk/api"
import { Clock, Context, Effect } from "effect"

/** How long to keep deployments that nothing needs any more. */
export class Retention extends Context.Reference<Retention>()("@maxcloud/server/Retention", {
  defaultValue: (): { /** Time after their end; undefined: forever. */ readonly days: number | undefined } => ({
    days: 365
  })
}) {}

/** How many of each app and stage to keep, however old. */
export const keptNewest = 20

/** When an id was created (RFC 9562, 5.7: the first 48 bits are milliseconds). */
const madeAt = (id: DeploymentId) => Number.parseInt(id.slice("dep_".length, "dep_".length + 12), 16)

const dayMs = 86_400_000

/** The error for a missing deployment. Its id's age shows whether it may have been collected. */
export const noDeployment = (id: DeploymentId) =>
  Effect.gen(function* () {
    const { days } = yield* Retention
    const made = madeAt(id)
    const old = days !== undefined && made < (yield* Clock.currentTimeMillis) - days * dayMs
    return yield* new NotFound({
      detail: old
        ? `The deployment ${id} of ${new Date(made).toISOString().slice(0, 10)} has been deleted. Deployments are deleted ${days} days after their end, except the newest ${keptNewest} of an app and stage and those in use.`
        : `There is no deployment ${id}.`,
      resource: "deployment",
      resourceName: id
    })
  })
