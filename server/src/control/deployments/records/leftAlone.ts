import { SqlClient } from "@effect/sql/SqlClient"
import type { AppName, StageName } from "@maxcloud/config-schema"
import { type LeftAlone, Unavailable } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import type { Organization } from "../../../base/words/Organization.ts"
import { namespaceKeyOf, Platform } from "../../../runtimes/port/Platform.ts"
import { Runtime } from "../../../runtimes/port/Runtime.ts"
import { noApp } from "./deploymentPages.ts"

/** Fields that others added to the app's objects and that no pass reverts. */
export const leftAlone = (organization: Organization, app: AppName, stage: StageName) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const known = yield* sql`
      select 1 from app_stages where organization_id = ${organization.id} and app = ${app} and stage = ${stage}`
    if (known.length === 0) return yield* noApp(app, stage)
    const runtime = yield* Runtime
    const { complete, fields } = yield* runtime
      .leftAlone(namespaceKeyOf({ organization, app, stage }, yield* Platform))
      .pipe(Effect.mapError(({ message }) => new Unavailable({ detail: message, retryAfterSeconds: 2 })))
    const answer: LeftAlone = {
      complete,
      fields: fields.map(({ manager, object: { apiVersion, kind, name }, path, since }) => ({
        apiVersion,
        kind,
        name,
        path,
        manager,
        since: since?.toISOString() ?? null
      }))
    }
    return answer
  })
