import { SqlClient } from "@effect/sql/SqlClient"
import { Outputs, type OutputValue } from "@maxcloud/config-schema"
import { publicUrlOf } from "@maxcloud/synth"
import { Effect, Schema } from "effect"
import type { Target } from "../../../base/words/Target.ts"
import { Platform, tenantOf } from "../../../runtimes/port/Platform.ts"

const decodeRows = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ outputs: Schema.NullOr(Outputs) })))

/** The outputs of the newest successful deployment; undefined if there is none. */
export const readOutputs = (target: Target) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const platform = yield* Platform
    const { app, organization, stage } = target
    const [row] = decodeRows(
      yield* sql`
        select spec -> 'outputs' as outputs from deployments
        where organization_id = ${organization.id} and app = ${app} and stage = ${stage} and state = 'succeeded'
        order by number desc limit 1`
    )
    if (row === undefined) return undefined
    const place = { app, organization: organization.name, organizationId: organization.id, stage }
    const tenant = tenantOf(place, platform)
    const textOf = (value: OutputValue): string => {
      const parts = typeof value === "string" ? [value] : "join" in value ? value.join : [value]
      // The schema of outputs excludes secrets and other apps' addresses.
      return parts
        .map((part) => (typeof part === "string" ? part : "service" in part ? publicUrlOf(part.service, tenant) : ""))
        .join("")
    }
    return Object.fromEntries(Object.entries(row.outputs ?? {}).map(([name, value]) => [name, textOf(value)]))
  })
