import { SqlClient } from "@effect/sql/SqlClient"
import { Effect } from "effect"
import type { Target } from "../../../base/words/Target.ts"

/** The number of the newest deployment of an app and stage; undefined if nothing was deployed there. */
export const newestNumber = ({ app, organization, stage }: Target) =>
  Effect.flatMap(
    SqlClient,
    (sql) => sql<{ last_number: number }>`
      select last_number from app_stages
      where organization_id = ${organization.id} and app = ${app} and stage = ${stage}`
  ).pipe(Effect.map((rows) => rows[0]?.last_number))
