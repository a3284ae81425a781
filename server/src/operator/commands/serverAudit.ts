import { AuditList } from "@maxcloud/sdk/api"
import { Effect, Logger, Stream } from "effect"
import { RowScope } from "../../base/database/RowScope.ts"
import { readSettings, type ServerSettings } from "../../base/settings/ServerConfig.ts"
import { Audit } from "../../tenancy/audit/Audit.ts"
import { failureOf, operatorLayer } from "./runOperator.ts"
import type { ServerAuditPage } from "./ServerAuditPage.ts"

export const listServerAudit = ({ action, before, limit = 100 }: ServerAuditPage) =>
  Effect.flatMap(Audit, (audit) => audit.page("server", { action, before }, AuditList.pagingOf({ limit }))).pipe(
    Effect.map(({ items }) => items),
    Effect.catchTag("InvalidRequest", Effect.die)
  )

const lines = (options: Partial<ServerSettings>) =>
  readSettings(options).pipe(
    Effect.map((settings) =>
      Stream.unwrap(Effect.map(Audit, (audit) => audit.export("server", { keepCheckpoint: false }))).pipe(
        Stream.provideService(RowScope, "*"),
        Stream.provideLayer(operatorLayer(settings))
      )
    ),
    Stream.unwrap,
    Stream.mapError(failureOf)
  )

export const exportServerAudit = (options: Partial<ServerSettings>): AsyncIterable<string> =>
  Stream.toAsyncIterable(Stream.provideSomeLayer(lines(options), Logger.remove(Logger.defaultLogger)))
