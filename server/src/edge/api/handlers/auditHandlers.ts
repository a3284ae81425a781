import { HttpApiBuilder } from "@effect/platform"
import { AuditList, CurrentOrganization, MaxCloudApi } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { orUnavailable } from "../../../base/database/sqlErrors.ts"
import { masterKeyUnavailable } from "../../../base/keys/masterKeyUnavailable.ts"
import { Audit } from "../../../tenancy/audit/Audit.ts"
import { answerPage } from "./answerPage.ts"
import { instantIf } from "./instantOf.ts"
import { jsonLines } from "./organizationHandlers.ts"

export const auditHandlers = HttpApiBuilder.group(MaxCloudApi, "audit", (handlers) =>
  Effect.gen(function* () {
    const audit = yield* Audit
    return handlers
      .handle("list", ({ urlParams }) =>
        Effect.gen(function* () {
          const { id } = yield* CurrentOrganization
          const since = yield* instantIf(urlParams.since)
          return yield* answerPage(AuditList, audit.page(id, { ...urlParams, since }, AuditList.pagingOf(urlParams)))
        }).pipe(Effect.catchTag("MasterKeyError", masterKeyUnavailable), orUnavailable)
      )
      .handleRaw("export", () => Effect.map(CurrentOrganization, ({ id }) => jsonLines(audit.export(id))))
  })
)
