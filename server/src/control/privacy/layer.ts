import { SqlClient } from "@effect/sql/SqlClient"
import type { SqlError } from "@effect/sql/SqlError"
import { OrganizationName } from "@maxcloud/config-schema"
import { NotFound, OrganizationId, Unavailable } from "@maxcloud/sdk/api"
import { Effect, Layer, Schema, Stream } from "effect"
import { asServer, contextWithoutRows, RowScope } from "../../base/database/RowScope.ts"
import { orUnavailable } from "../../base/database/sqlErrors.ts"
import type { DataKeys } from "../../base/keys/DataKeys.ts"
import type { MasterKeyError } from "../../base/keys/MasterKey.ts"
import { masterKeyUnavailable } from "../../base/keys/masterKeyUnavailable.ts"
import type { RemainsError, Remains as RemainsTag } from "../../base/words/Remains.ts"
import type { Platform } from "../../runtimes/port/Platform.ts"
import { Runtime, type RuntimeError } from "../../runtimes/port/Runtime.ts"
import type { Audit } from "../../tenancy/audit/Audit.ts"
import { Quotas } from "../../tenancy/limits/Quotas.ts"
import type { Mail } from "../../tenancy/mail/Mail.ts"
import type { Deployments } from "../deployments/Deployments.ts"
import { changeOrganization } from "./changeOrganization.ts"
import { cancelDeletion, deleteOrganization } from "./deleteOrganization.ts"
import * as Eraser from "./Eraser.ts"
import { erasePerson } from "./erasePerson.ts"
import { findErasure, openCertificate } from "./erasures.ts"
import { exportOrganization } from "./exportOrganization.ts"
import { exportPerson } from "./exportPerson.ts"
import * as Remains from "./layerRemains.ts"
import { Privacy } from "./Privacy.ts"
import * as Sweeper from "./Sweeper.ts"

export interface PrivacyOptions extends Eraser.EraserOptions {
  /** Days from the deletion of an organization to its erasure, unless the request sets them. @default 30 */
  readonly graceDays?: number | undefined
}

type Failure = SqlError | MasterKeyError | RuntimeError | RemainsError

const away = (error: Failure) =>
  error._tag === "SqlError"
    ? orUnavailable(Effect.fail(error))
    : Effect.fail(new Unavailable({ detail: error.message, retryAfterSeconds: 5 }))

const noCertificate = (id: string) =>
  new NotFound({
    detail: `There is no certificate of erasure "${id}". \`maxcloud org delete\` prints its id. It is removed if the organization was kept.`,
    resource: "certificate",
    resourceName: id
  })

const decodeOrganizations = Schema.decodeUnknownSync(
  Schema.Array(
    Schema.Struct({
      id: OrganizationId,
      name: OrganizationName,
      display_name: Schema.NullOr(Schema.String),
      created_at: Schema.DateFromSelf,
      delete_after: Schema.NullOr(Schema.DateFromSelf)
    })
  )
)

/** An organization, with its quotas and what it uses of them. */
const describer = (sql: SqlClient, quotas: Quotas["Type"], runtime: Runtime["Type"]) =>
  Effect.fn("Privacy.describe")(function* (organizationId: OrganizationId) {
    const [found] = decodeOrganizations(
      yield* sql`select id, name, display_name, created_at, delete_after from organizations where id = ${organizationId}`
    )
    if (found === undefined) return yield* Effect.dieMessage(`organization ${organizationId} is not there`)
    return {
      id: found.id,
      name: found.name,
      displayName: found.display_name,
      createdAt: found.created_at.toISOString(),
      deleteAfter: found.delete_after?.toISOString() ?? null,
      quotas: yield* quotas.of(organizationId),
      use: {
        ...(yield* quotas.use(organizationId)),
        logBytes: yield* runtime.logBytes(organizationId),
        streams: null
      }
    }
  }, orUnavailable)

const privacyLayer = ({ graceDays = 30 }: PrivacyOptions) =>
  Layer.effect(
    Privacy,
    Effect.gen(function* () {
      const context = yield* contextWithoutRows<
        SqlClient | Audit | DataKeys | Deployments | Mail | Platform | RemainsTag | Runtime
      >()
      const sql = yield* SqlClient
      const quotas = yield* Quotas
      const runtime = yield* Runtime

      const describe = describer(sql, quotas, runtime)

      return {
        describe,

        changeOrganization: Effect.fn("Privacy.changeOrganization")(
          (caller, input) =>
            changeOrganization(caller, input).pipe(
              Effect.catchTag("MasterKeyError", masterKeyUnavailable),
              orUnavailable,
              Effect.andThen(describe(caller.organization.id))
            ),
          asServer,
          Effect.provide(context)
        ),

        exportOrganization: ({ organization }) =>
          exportOrganization(organization).pipe(
            Stream.provideSomeContext(context),
            Stream.catchAll((error) => Stream.fromEffect(away(error)))
          ),

        exportPerson: (person) =>
          exportPerson(person).pipe(
            Stream.provideService(RowScope, "*"),
            Stream.provideSomeContext(context),
            Stream.catchAll((error) => Stream.fromEffect(away(error)))
          ),

        deleteOrganization: Effect.fn("Privacy.deleteOrganization")(
          (caller, input) =>
            deleteOrganization(caller, { name: input.name, graceDays: input.graceDays ?? graceDays }).pipe(
              Effect.catchTag("MasterKeyError", masterKeyUnavailable),
              orUnavailable
            ),
          asServer,
          Effect.provide(context)
        ),

        cancelDeletion: Effect.fn("Privacy.cancelDeletion")(
          (caller) =>
            cancelDeletion(caller).pipe(Effect.catchTag("MasterKeyError", masterKeyUnavailable), orUnavailable),
          asServer,
          Effect.provide(context)
        ),

        erasePerson: Effect.fn("Privacy.erasePerson")(
          (person) => erasePerson(person).pipe(Effect.catchTag("MasterKeyError", masterKeyUnavailable), orUnavailable),
          asServer,
          Effect.provide(context)
        ),

        certificate: Effect.fn("Privacy.certificate")(
          function* (id) {
            const found = yield* findErasure(id)
            if (found === undefined) return yield* noCertificate(id)
            return found.certificate ?? openCertificate(found)
          },
          orUnavailable,
          asServer,
          Effect.provide(context)
        )
      }
    })
  )

/** `Privacy` with its background work: the eraser and the sweeper. */
export const layer = (options: PrivacyOptions) =>
  Layer.mergeAll(privacyLayer(options), Eraser.layer(options), Sweeper.layer).pipe(
    Layer.provide(Remains.layer(options))
  )
