import { createHash } from "node:crypto"
import { SqlClient } from "@effect/sql/SqlClient"
import type { SecretName } from "@maxcloud/config-schema"
import type { SecretInfo } from "@maxcloud/sdk/api"
import { Effect, type Redacted } from "effect"
import { currentAuthor } from "../../tenancy/access/authors.ts"
import { Audit, type Happening } from "../../tenancy/audit/Audit.ts"
import { recordEvents } from "../../tenancy/events/recordEvents.ts"
import type { SecretScope } from "./Secrets.ts"
import { seal } from "./sealing.ts"
import { decodeInfos, placeOf, unheld, within } from "./secretRows.ts"

/** Identifies versions in the audit log: from the name and the number, never from the value. */
const digestOf = ({ name, version }: { readonly name: string; readonly version: number }) =>
  createHash("sha256").update(`${name} ${version}`).digest("hex")

const happening = (
  action: string,
  scope: SecretScope,
  name: SecretName,
  before: SecretInfo | undefined,
  after: SecretInfo | undefined,
  source?: SecretScope
): Happening => ({
  action,
  outcome: "succeeded",
  status: after === undefined ? 204 : 200,
  subject: `secret ${scope.app}/${scope.stage}/${name}${source === undefined ? "" : ` from ${source.app}/${source.stage}`}`,
  organizationId: scope.organizationId,
  before: before === undefined ? undefined : digestOf(before),
  after: after === undefined ? undefined : digestOf(after)
})

/** Those of them that are set. */
export const find = (scope: SecretScope, names: ReadonlyArray<SecretName>) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const rows = yield* sql`
      select name, version, updated_at from secrets
      where ${within(sql, scope)} and ${sql.in("name", names)} and is_set`
    return new Map(decodeInfos(rows).map((decodeInfo) => [decodeInfo.name, decodeInfo]))
  })

/** Deletes versions that nothing needs any more. */
const forget = (scope: SecretScope, names: ReadonlyArray<SecretName>) =>
  Effect.flatMap(
    SqlClient,
    (sql) =>
      sql`delete from secret_versions v where ${within(sql, scope)} and ${sql.in("name", names)} and ${unheld(sql)}`
  )

/** The next version of each that matches the condition, without its value. */
const advance = (scope: SecretScope, names: ReadonlyArray<SecretName>, which: "all" | "unset") =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const { app, organizationId, stage } = scope
    const rows = yield* sql`
      insert into secrets ${sql.insert(
        names.map((name) => ({ organization_id: organizationId, app, stage, name, version: 1 }))
      )}
      on conflict (organization_id, app, stage, name)
        do update set version = secrets.version + 1, is_set = true, updated_at = now()
        where ${which === "all"} or not secrets.is_set
      returning name, version, updated_at`
    return decodeInfos(rows)
  })

/** The next version of each that isn't set. Others can't set them until the transaction ends. */
export const claim = (scope: SecretScope, names: ReadonlyArray<SecretName>) => advance(scope, names, "unset")

/** The values of versions that were just created, and their entries in the audit log. */
export const store = (
  action: string,
  scope: SecretScope,
  infos: ReadonlyArray<SecretInfo>,
  values: ReadonlyMap<SecretName, Redacted.Redacted>,
  before: ReadonlyMap<SecretName, SecretInfo>,
  source?: SecretScope
) =>
  Effect.gen(function* () {
    if (infos.length === 0) return
    const sql = yield* SqlClient
    const audit = yield* Audit
    const author = yield* currentAuthor
    const { app, organizationId, stage } = scope
    const versions = yield* Effect.forEach(infos, ({ name, version }) =>
      Effect.gen(function* () {
        const value = values.get(name)
        if (value === undefined) return yield* Effect.dieMessage("an upsert returned another row")
        const sealed = yield* seal(organizationId, placeOf(scope, name, version), value)
        const row = { organization_id: organizationId, app, stage, name, version }
        return { ...row, created_by_type: author?.type ?? null, created_by: author?.id ?? null, ...sealed }
      })
    )
    yield* sql`insert into secret_versions ${sql.insert(versions)}`
    yield* recordEvents(
      organizationId,
      ...infos.map(({ name, version }) => ({
        type: "secret.set" as const,
        subject: `apps/${app}/stages/${stage}/secrets/${name}`,
        data: { app, stage, name, version }
      }))
    )
    yield* forget(
      scope,
      infos.map((info) => info.name)
    )
    const [first, ...more] = infos.map((info) =>
      happening(action, scope, info.name, before.get(info.name), info, source)
    )
    if (first !== undefined) yield* audit.append(first, ...more)
  })

/**
 * New versions of secrets, in the open transaction, with the same number of statements as for one, because the
 * transaction holds a connection, and at its end the organization's audit log. In the order of names, so that of two at
 * once one waits, without a deadlock. `source`: where the values are copied from.
 */
export const addVersions = (
  action: string,
  scope: SecretScope,
  values: ReadonlyMap<SecretName, Redacted.Redacted>,
  source?: SecretScope
) =>
  Effect.gen(function* () {
    const names = [...values.keys()].sort()
    const before = yield* find(scope, names)
    const infos = yield* advance(scope, names, "all")
    yield* store(action, scope, infos, values, before, source)
    return infos
  })

export const addVersion = (action: string, scope: SecretScope, name: SecretName, value: Redacted.Redacted) =>
  Effect.flatMap(addVersions(action, scope, new Map([[name, value]])), ([info]) =>
    info === undefined ? Effect.dieMessage("an upsert returned no row") : Effect.succeed(info)
  )

/**
 * Unsets every secret of an app and stage, in the open transaction. Deployments that use a version keep it until they're
 * gone.
 */
export const unsetAll = (scope: SecretScope) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const audit = yield* Audit
    const rows = yield* sql`
      update secrets set is_set = false, updated_at = now()
      where ${within(sql, scope)} and is_set returning name, version, updated_at`
    const infos = decodeInfos(rows)
    if (infos.length === 0) return
    yield* forget(
      scope,
      infos.map((info) => info.name)
    )
    const [first, ...more] = infos.map((info) => happening("apps.unsetSecret", scope, info.name, info, undefined))
    if (first !== undefined) yield* audit.append(first, ...more)
  })

/** False if it wasn't set. */
export const unsetSecret = (scope: SecretScope, name: SecretName) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient
    const audit = yield* Audit
    const before = (yield* find(scope, [name])).get(name)
    const rows = yield* sql`
      update secrets set is_set = false, updated_at = now()
      where ${within(sql, scope)} and name = ${name} and is_set returning 1`
    yield* forget(scope, [name])
    const { app, organizationId, stage } = scope
    if (rows.length > 0) {
      yield* recordEvents(organizationId, {
        type: "secret.unset",
        subject: `apps/${app}/stages/${stage}/secrets/${name}`,
        data: { app, stage, name, version: null }
      })
    }
    if (rows.length > 0) yield* audit.append(happening("apps.unsetSecret", scope, name, before, undefined))
    return rows.length > 0
  })
