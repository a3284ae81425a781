import { SqlClient } from "@effect/sql/SqlClient"
import { AppName, ServiceName, StageName } from "@maxcloud/config-schema"
import { AuditList } from "@maxcloud/sdk/api"
import { Effect, Schema, Stream } from "effect"
import { everyPage } from "../../base/database/paging.ts"
import { RowScope } from "../../base/database/RowScope.ts"
import type { Organization } from "../../base/words/Organization.ts"
import { Remains } from "../../base/words/Remains.ts"
import { namespaceKeyOf, Platform } from "../../runtimes/port/Platform.ts"
import { Runtime } from "../../runtimes/port/Runtime.ts"
import { Audit } from "../../tenancy/audit/Audit.ts"
import { organizationTables } from "./exportedTables.ts"
import { framed, lineOf } from "./exportLines.ts"
import { exportTable } from "./exportTable.ts"

const auditAtOnce = 500

const decodeServices = Schema.decodeUnknownSync(
  Schema.Array(Schema.Struct({ app: AppName, stage: StageName, name: ServiceName }))
)

/** Newest first. */
const auditEntries = ({ id }: Organization) =>
  Stream.unwrap(
    Effect.map(Audit, (audit) =>
      Stream.map(
        everyPage((cursor) =>
          Effect.catchTag(
            audit.page(id, {}, AuditList.pagingOf({ limit: auditAtOnce, cursor })),
            "InvalidRequest",
            Effect.die
          )
        ),
        (entry) => lineOf("auditEntry", entry)
      )
    )
  )

/** Lines of existing services, from the runtime; then the stored lines of deleted ones. */
const logLines = (organization: Organization) =>
  Stream.unwrap(
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const runtime = yield* Runtime
      const remains = yield* Remains
      const platform = yield* Platform
      const services = decodeServices(
        yield* sql`
          select app, stage, name from services where organization_id = ${organization.id} order by app, stage, name`
      )
      const keys = services.map(({ app, name, stage }) => ({
        ...namespaceKeyOf({ organization, app, stage }, platform),
        service: name
      }))
      const there = new Set(keys.map((key) => `${key.namespace}/${key.service}`))
      const ofNow = Stream.flatMap(Stream.fromIterable(keys), (key) =>
        runtime
          .logs({ key, follow: false, since: undefined, revision: undefined, tail: undefined, after: undefined })
          .pipe(
            Stream.map(({ at, instance, line, revision, service }) =>
              lineOf("logLine", { namespace: key.namespace, service, revision, instance, at, line })
            )
          )
      )
      const ofGone = remains
        .linesOfGone(organization.id, (namespace, service) => there.has(`${namespace}/${service}`))
        .pipe(Stream.map((found) => lineOf("logLine", found)))
      return Stream.concat(ofNow, ofGone)
    })
  )

const sources = ({ id }: Organization) =>
  Stream.fromIterableEffect(Effect.flatMap(Remains, (remains) => remains.sources(id))).pipe(
    Stream.map((found) => lineOf("source", found))
  )

/** Everything stored about an organization, in bounded memory. It isn't a snapshot: pages are read one after another. */
export const exportOrganization = (organization: Organization) =>
  framed(
    { format: "maxcloud-organization", organization },
    Stream.flatMap(Stream.fromIterable(organizationTables), (table) => {
      const lines = exportTable(table, organization.id)
      return table.joinsPeople === true ? Stream.provideService(lines, RowScope, "*") : lines
    }).pipe(
      Stream.concat(sources(organization)),
      Stream.concat(auditEntries(organization)),
      Stream.concat(logLines(organization))
    )
  )
