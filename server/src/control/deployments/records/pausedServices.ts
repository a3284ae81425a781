import { SqlClient } from "@effect/sql/SqlClient"
import { type AppSpec, ServiceName } from "@maxcloud/config-schema"
import { Effect, Schema } from "effect"
import type { Target } from "../../../base/words/Target.ts"

/** The reason of a service that its deployment has left paused. It is settled, so its row has the state `ready`. */
export const pausedReason = "Paused"

/** The state of a deployment's service for readers: `paused` for one that serves nothing until it's resumed. */
export const shownState = (sql: SqlClient) =>
  sql`case when s.state = 'ready' and s.reason = ${pausedReason} then 'paused' else s.state end`

export const resumeCommand = (service: string, stage: string): string =>
  `maxcloud resume ${service}${stage === "production" ? "" : ` --stage ${stage}`}`

const decodeNames = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ name: ServiceName })))

/** Tells the author of a plan or a deployment which services stay paused. */
export const pauseWarnings = ({ app, organization, stage }: Target, spec: AppSpec) =>
  Effect.flatMap(
    SqlClient,
    (sql) => sql`
      select name from services where organization_id = ${organization.id} and app = ${app} and stage = ${stage}
        and not deleting and paused`
  ).pipe(
    Effect.map((rows) => new Set(decodeNames(rows).map(({ name }) => name))),
    Effect.map((paused) =>
      spec.services.flatMap(({ name }, index) =>
        paused.has(name)
          ? [
              {
                path: ["services", index],
                message: `The service "${name}" is paused. A deployment leaves it paused: \`${resumeCommand(name, stage)}\` starts its newest revision.`
              }
            ]
          : []
      )
    )
  )
