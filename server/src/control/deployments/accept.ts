import { createHash } from "node:crypto"
import { SqlClient } from "@effect/sql/SqlClient"
import { ServiceName } from "@maxcloud/config-schema"
import { Conflict } from "@maxcloud/sdk/api"
import { Data, Effect, Schema } from "effect"
import { newId } from "../../base/database/newId.ts"
import { storableJson } from "../../base/database/storable.ts"
import type { Target } from "../../base/words/Target.ts"
import { StoredImages } from "../../stores/images/storedImages.ts"
import { versionsFromStore } from "../../stores/secrets/externalSecrets.ts"
import { CurrentOperation } from "../../tenancy/access/Caller.ts"
import { Audit } from "../../tenancy/audit/Audit.ts"
import { Quotas } from "../../tenancy/limits/Quotas.ts"
import { changesBetween, type ServiceEncoded, type ServiceVersion, versionsOf } from "./changes.ts"
import { appendEvents } from "./deploymentRows.ts"
import type { Inspected } from "./inspectSpec.ts"
import { inTurns } from "./turns.ts"
import type { WorkQueue } from "./WorkQueue.ts"

/** Another deployment of the app and stage was accepted since the caller looked. */
export class Outrun extends Data.TaggedError("Outrun") {}

export interface AcceptInput extends Target, Inspected {
  readonly idempotencyKey?: string | undefined
  /** Take fields that other managers hold. */
  readonly forceConflicts?: boolean | undefined
  /** The versions of its secrets are those of an earlier deployment: none is read anew from a store. */
  readonly keepsVersions?: boolean | undefined
  /** Number of the newest deployment that the caller knows; another one makes this `Outrun`. */
  readonly after?: number | undefined
}

const decodeKey = Schema.decodeUnknownSync(
  Schema.Array(Schema.Struct({ request_hash: Schema.String, deployment_id: Schema.String }))
)
const decodeDeletion = Schema.decodeUnknownSync(
  Schema.Array(Schema.Struct({ delete_after: Schema.NullOr(Schema.DateFromSelf) }))
)
const encodeImages = Schema.encodeSync(StoredImages)
const decodeIds = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ id: Schema.String })))
const decodeOwners = Schema.decodeUnknownSync(Schema.Array(Schema.Struct({ name: ServiceName, app: Schema.String })))

/** The services of an app and stage as they were last accepted. */
export const acceptedServices = ({ app, organization, stage }: Target) =>
  Effect.flatMap(
    SqlClient,
    (sql) => sql<{
      name: string
      spec: ServiceEncoded
      secret_versions: Record<string, number>
      pinned_image: string | null
    }>`
      select name, spec, secret_versions, pinned_image from services
      where organization_id = ${organization.id} and app = ${app} and stage = ${stage} order by name`
  ).pipe(
    Effect.map((rows) =>
      rows.map(
        (_): ServiceVersion => ({
          name: _.name,
          spec: _.spec,
          secretVersions: _.secret_versions,
          pinnedImage: _.pinned_image
        })
      )
    )
  )

/** Those of `names` that another app has in the same organization and stage. */
export const ownedByOthers = ({ app, organization, stage }: Target, names: ReadonlyArray<ServiceName>) =>
  Effect.flatMap(SqlClient, (sql) =>
    names.length === 0
      ? Effect.succeed([])
      : sql`
          select name, app from services
          where organization_id = ${organization.id} and stage = ${stage} and app <> ${app} and name in ${sql.in(names)}
          order by name`
  ).pipe(Effect.map(decodeOwners))

export const ownedMessage = (owner: { readonly name: string; readonly app: string }, stage: string) =>
  `the service "${owner.name}" belongs to the app "${owner.app}" in the stage "${stage}": choose another name, or delete it there`

const digest = (text: string) => createHash("sha256").update(text).digest("hex")

const hashOf = (input: AcceptInput) => digest(JSON.stringify([input.app, input.stage, input.encoded]))

const repeated = (row: ReturnType<typeof decodeKey>[number], input: AcceptInput) =>
  row.request_hash === hashOf(input)
    ? Effect.succeed(row.deployment_id)
    : new Conflict({
        detail: `The idempotency key "${input.idempotencyKey}" was used for another deployment. Use a new key for a new deployment.`
      })

/** The deployment that was accepted with this key before, if any. */
export const findRepeated = (input: AcceptInput) =>
  Effect.gen(function* () {
    if (input.idempotencyKey === undefined) return undefined
    const sql = yield* SqlClient
    const rows = decodeKey(
      yield* sql`
        select request_hash, deployment_id from idempotency_keys
        where organization_id = ${input.organization.id} and key = ${input.idempotencyKey}`
    )
    return rows[0] === undefined ? undefined : yield* repeated(rows[0], input)
  })

/** Writes an accepted deployment, all or nothing; gives its id. To be run in a transaction. */
export const accept = (queue: WorkQueue, input: AcceptInput) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const { app, organization, stage } = input
    const org = organization.id
    const id = newId("dep")
    const inStage = sql`organization_id = ${org} and app = ${app} and stage = ${stage}`

    if (input.idempotencyKey !== undefined) {
      // Of two at once with one key, the second waits here for the first.
      const mine = yield* sql`
        insert into idempotency_keys (organization_id, key, request_hash, deployment_id)
        values (${org}, ${input.idempotencyKey}, ${hashOf(input)}, ${id}) on conflict do nothing returning 1`
      if (mine.length === 0) {
        const earlier = yield* findRepeated(input)
        if (earlier !== undefined) return earlier
      }
      yield* sql`delete from idempotency_keys where created_at < now() - interval '7 days'`
    }

    // From here on the organization is ours: it is not deleted, and nothing else of it is accepted, until this is done.
    const [found] = decodeDeletion(
      yield* sql`select delete_after from organizations where id = ${org} for no key update`
    )

    // And this row: deployments of one app and stage are numbered one after another.
    const numbered = yield* sql<{ last_number: number }>`
      insert into app_stages (organization_id, app, stage, last_number) values (${org}, ${app}, ${stage}, 1)
      on conflict (organization_id, app, stage) do update set last_number = app_stages.last_number + 1
      returning last_number`
    const number = numbered[0]?.last_number ?? 1
    if (input.after !== undefined && input.after !== number - 1) return yield* new Outrun()
    if (found?.delete_after != null && input.spec.services.length > 0) {
      return yield* new Conflict({
        detail: `The organization "${organization.name}" is being deleted: it is erased after ${found.delete_after.toISOString()}, and takes no deployments. \`maxcloud org keep\` ends that.`
      })
    }
    // After the organization's lock: of two at once the second sees what the first has taken.
    const quotas = yield* Quotas
    yield* quotas.check(input, input.spec)

    const [{ spec: before } = { spec: undefined }] = yield* sql<{ spec: unknown }>`
      select spec from deployments where ${inStage} order by number desc limit 1`

    const superseded = decodeIds(
      yield* sql`
        update deployments set state = 'superseded', reason = 'Superseded', finished_at = clock_timestamp(),
          message = ${`Deployment ${number} came before it had begun.`}
        where ${inStage} and state = 'queued' returning id`
    )
    for (const older of superseded) {
      yield* appendEvents(org, older.id, [
        { type: "finished", reason: "Superseded", message: `Deployment ${number} came before it had begun.` }
      ])
    }

    const secretVersions =
      input.externalSecrets === undefined || input.keepsVersions === true
        ? input.secretVersions
        : versionsFromStore(input.spec, number)
    const wanted = versionsOf(input, secretVersions, input.images)
    const accepted = yield* acceptedServices(input)
    const changes = yield* inTurns(() => changesBetween(accepted, wanted))
    yield* sql`
      insert into deployments (id, organization_id, app, stage, number, state, reason, message, spec, secret_versions,
        external_secrets, images, force_conflicts, warnings)
      values (${id}, ${org}, ${app}, ${stage}, ${number}, 'queued', 'Queued', 'Accepted; it waits for its turn.',
        ${storableJson(input.encoded)}::json,
        ${storableJson(Object.assign({}, ...wanted.map((_) => _.secretVersions)))}::jsonb,
        ${input.externalSecrets === undefined ? null : storableJson(input.externalSecrets)}::jsonb,
        ${storableJson(encodeImages(input.images))}::jsonb, ${input.forceConflicts === true},
        ${storableJson(input.warnings)}::jsonb)`

    const actions = new Map(changes.map((_) => [_.service, _.action]))
    // In the order of names: two apps that want the same names then wait for each other, and do not lock each other out.
    const rows = wanted
      .filter((_) => actions.get(_.name) !== "unchanged")
      .map((_) => ({ ..._, id: newId("svc") }))
      .sort((a, b) => (a.name < b.name ? -1 : 1))
    if (rows.length > 0) {
      yield* sql`
        insert into services (id, organization_id, app, stage, name, spec, secret_versions, pinned_image, deployment_number)
        select s.id, ${org}, ${app}, ${stage}, s.name, s.spec, s."secretVersions", s."pinnedImage", ${number}
        from json_to_recordset(${storableJson(rows)}::json)
          as s (id text, name text, spec json, "secretVersions" jsonb, "pinnedImage" text)
        on conflict (organization_id, stage, name) do update set
          spec = excluded.spec, secret_versions = excluded.secret_versions,
          pinned_image = excluded.pinned_image, deployment_number = excluded.deployment_number,
          updated_at = now()
        where services.app = ${app}`
      const [owner] = yield* ownedByOthers(
        input,
        input.spec.services.map((_) => _.name)
      )
      if (owner !== undefined) {
        return yield* new Conflict({ detail: `${ownedMessage(owner, stage)}.`, owner: owner.app })
      }
    }
    if (wanted.length > 0) {
      yield* sql`
        update services set deleting = false
        where ${inStage} and deleting and name in ${sql.in(wanted.map((_) => _.name))}`
    }

    yield* sql`
      insert into deployment_services (organization_id, deployment_id, position, name, action, state, reason, message)
      select ${org}, ${id}, s.position, s.change ->> 'service', s.change ->> 'action', 'pending', 'Pending', ''
      from json_array_elements(${storableJson(
        changes.map(({ action, service }) => ({ action, service }))
      )}::json) with ordinality as s (change, position)`
    yield* appendEvents(org, id, [
      { type: "accepted", reason: "Accepted", message: `Deployment ${number} of ${app} to ${stage} is accepted.` }
    ])
    yield* queue.add([{ organizationId: org, app, stage }])
    yield* sql`select pg_notify('maxcloud', 'work')`
    const audit = yield* Audit
    yield* audit.append({
      action: (yield* CurrentOperation) ?? "apps.deploy",
      outcome: "succeeded",
      status: 202,
      subject: `deployment ${number} of ${app}/${stage}`,
      before: before === undefined ? undefined : digest(JSON.stringify(before)),
      after: digest(JSON.stringify(input.encoded)),
      organizationId: org
    })
    return id
  })
