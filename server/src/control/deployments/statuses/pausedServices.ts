import type { SqlClient } from "@effect/sql/SqlClient"
import type { AppSpec } from "@maxcloud/config-schema"
import { Effect } from "effect"
import type { Target } from "../../../base/words/Target.ts"
import { stageContext } from "../manifests/stageContext.ts"

/** The reason of a service that its deployment has left paused. It is settled, so its row has the state `ready`. */
export const pausedReason = "Paused"

/** The state of a deployment's service for readers: `paused` for one that serves nothing until it's resumed. */
export const shownState = (sql: SqlClient) =>
  sql`case when s.state = 'ready' and s.reason = ${pausedReason} then 'paused' else s.state end`

export const resumeCommand = (service: string, stage: string): string =>
  `maxcloud resume ${service}${stage === "production" ? "" : ` --stage ${stage}`}`

/** Tells the author of a plan or a deployment which services stay paused. */
export const pauseWarnings = ({ app, organization, stage }: Target, spec: AppSpec) =>
  Effect.map(stageContext({ app, stage, organizationId: organization.id }), ({ paused }) =>
    spec.services.flatMap(({ name }, index) =>
      paused.includes(name)
        ? [
            {
              path: ["services", index],
              message: `The service "${name}" is paused. A deployment leaves it paused: \`${resumeCommand(name, stage)}\` starts its newest revision.`
            }
          ]
        : []
    )
  )
