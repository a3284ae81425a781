import { SqlClient } from "@effect/sql/SqlClient"
import { inSpec } from "@maxcloud/sdk/api"
import { Effect, Schema } from "effect"
import { newId } from "../../../base/database/newId.ts"
import { storableJson } from "../../../base/database/storable.ts"
import { StoredImages } from "../../../stores/images/storedImages.ts"
import { currentAuthor } from "../../../tenancy/access/authors.ts"
import type { ServiceVersion } from "../diff/changes.ts"
import { appendEvents } from "../records/deploymentRows.ts"
import type { AcceptInput } from "./acceptInput.ts"

const encodeImages = Schema.encodeSync(StoredImages)
const decodeIds = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ id: Schema.String })))

/** The change to make to a service. */
interface Action {
  readonly service: string
  readonly action: string
}

/** Supersedes the waiting deployments of the app and stage before number `number`. */
export const supersedeQueued = (input: AcceptInput, number: number) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const { app, organization, stage } = input
    const org = organization.id
    const inStage = sql`organization_id = ${org} and app = ${app} and stage = ${stage}`
    const superseded = decodeIds(
      yield* sql`
        update deployments set state = 'superseded', reason = 'Superseded', finished_at = clock_timestamp(),
          message = ${`Deployment ${number} replaced it before it started.`}
        where ${inStage} and state = 'queued' returning id`
    )
    for (const older of superseded) {
      yield* appendEvents(org, older.id, [
        { type: "finished", reason: "Superseded", message: `Deployment ${number} replaced it before it started.` }
      ])
    }
  })

/** The deployment's own row. */
export const insertDeployment = (
  input: AcceptInput,
  id: string,
  number: number,
  wanted: ReadonlyArray<ServiceVersion>
) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const { app, organization, origin, stage } = input
    const org = organization.id
    const author = yield* currentAuthor
    yield* sql`
      insert into deployments (id, organization_id, app, stage, number, state, reason, message, spec, secret_versions,
        external_secrets, images, force_conflicts, warnings, kind, from_number, created_by_type, created_by, user_message,
        metadata)
      values (${id}, ${org}, ${app}, ${stage}, ${number}, 'queued', 'Queued', 'Accepted and waiting for its turn.',
        ${storableJson(input.encoded)}::json,
        ${storableJson(Object.assign({}, ...wanted.map((each) => each.secretVersions)))}::jsonb,
        ${input.externalSecrets === undefined ? null : storableJson(input.externalSecrets)}::jsonb,
        ${storableJson(encodeImages(input.images))}::jsonb, ${input.forceConflicts === true},
        ${storableJson(inSpec(input.warnings))}::jsonb, ${origin.kind}, ${origin.from ?? null}, ${author?.type ?? null},
        ${author?.id ?? null}, ${origin.message ?? null}, ${storableJson(origin.metadata ?? {})}::jsonb)`
  })

/**
 * The desired services. Those that the app leaves out become `deleting`: callers no longer see them, and the reconciler ends
 * their instances before it deletes their rows.
 */
export const upsertServices = (
  input: AcceptInput,
  number: number,
  wanted: ReadonlyArray<ServiceVersion>,
  changes: ReadonlyArray<Action>
) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const { app, organization, stage } = input
    const org = organization.id
    const inStage = sql`organization_id = ${org} and app = ${app} and stage = ${stage}`
    const actions = new Map(changes.map((change) => [change.service, change.action]))
    const rows = wanted
      .filter((each) => actions.get(each.name) !== "unchanged")
      .map((value) => ({ ...value, id: newId("svc") }))
    if (rows.length > 0) {
      yield* sql`
        insert into services (id, organization_id, app, stage, name, spec, secret_versions, pinned_image, deployment_number)
        select s.id, ${org}, ${app}, ${stage}, s.name, s.spec, s."secretVersions", s."pinnedImage", ${number}
        from json_to_recordset(${storableJson(rows)}::json)
          as s (id text, name text, spec json, "secretVersions" jsonb, "pinnedImage" text)
        on conflict (organization_id, app, stage, name) do update set
          spec = excluded.spec, secret_versions = excluded.secret_versions,
          pinned_image = excluded.pinned_image, deployment_number = excluded.deployment_number,
          updated_at = now()`
    }
    // A service that returns before its instances have ended isn't the deleted one.
    const back = wanted.map(({ name }) => ({ name, id: newId("svc") }))
    yield* sql`
      update services set deleting = false, id = w.id, paused = false, created_at = now(), restarted_at = null
      from json_to_recordset(${storableJson(back)}::json) as w (id text, name text)
      where ${inStage} and deleting and services.name = w.name`
    yield* sql`
      update services set deleting = true, updated_at = now()
      where ${inStage} and not deleting
        and not (name = any(array(select json_array_elements_text(${storableJson(wanted.map((each) => each.name))}::json))))`
  })

/** The deployment's change to each service, in the order of the plan. */
export const insertProgress = (input: AcceptInput, id: string, changes: ReadonlyArray<Action>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const org = input.organization.id
    yield* sql`
      insert into deployment_services (organization_id, deployment_id, position, name, action, state, reason, message)
      select ${org}, ${id}, s.position, s.change ->> 'service', s.change ->> 'action', 'pending', 'Pending', ''
      from json_array_elements(${storableJson(
        changes.map(({ action, service }) => ({ action, service }))
      )}::json) with ordinality as s (change, position)`
  })
