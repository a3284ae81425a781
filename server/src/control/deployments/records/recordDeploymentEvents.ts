import { SqlClient } from "@effect/sql/SqlClient"
import { Deployment, DeploymentState, isEventType, type OrganizationId } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import { count } from "../../../base/telemetry/processMetrics.ts"
import { type NewEvent, recordEvents } from "../../../tenancy/events/recordEvents.ts"

const decodeRows = Schema.decodeUnknownSync(
  Schema.Array(
    Schema.extend(
      Deployment.pipe(Schema.pick("id", "app", "stage", "number")),
      Schema.Struct({ state: DeploymentState })
    )
  )
)

const tellsMore: ReadonlySet<string> = new Set(["accepted", "started", "finished"])

/** The organization's events for the steps of a deployment. By then the deployment's row has the details of a step. */
export const recordDeploymentEvents = (
  organizationId: OrganizationId,
  deploymentId: string,
  steps: ReadonlyArray<{ readonly type: string; readonly reason: string }>
) =>
  Effect.gen(function* () {
    const told = steps.filter((step) => tellsMore.has(step.type))
    if (told.length === 0) return
    const sql = yield* SqlClient
    const [deployment] = decodeRows(
      yield* sql`
        select id, app, stage, number, state from deployments
        where organization_id = ${organizationId} and id = ${deploymentId}`
    )
    if (deployment === undefined) return
    const { app, id, number, stage, state } = deployment
    if (told.some(({ type }) => type === "finished")) count("maxcloud_deployments_finished_total", { outcome: state })
    const events = told.flatMap(({ reason, type }): ReadonlyArray<NewEvent> => {
      const name = `deployment.${type === "finished" ? state : type}`
      if (!isDeploymentEvent(name)) return []
      return [{ type: name, subject: `deployments/${id}`, data: { app, stage, deployment: id, number, reason } }]
    })
    yield* recordEvents(organizationId, ...events)
  })

type DeploymentEventType = Extract<NewEvent["type"], `deployment.${string}`>
const isDeploymentEvent = (name: string): name is DeploymentEventType =>
  isEventType(name) && name.startsWith("deployment.")
