import { HttpApiBuilder } from "@effect/platform"
import { CurrentOrganization, MaxCloudApi } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { Audit } from "../audit/Audit.ts"
import { orUnavailable } from "../database/sqlErrors.ts"
import { masterKeyUnavailable } from "../keys/masterKeyUnavailable.ts"
import { jsonLines } from "./organizationHandlers.ts"

export const auditHandlers = HttpApiBuilder.group(MaxCloudApi, "audit", (handlers) =>
  Effect.gen(function* () {
    const audit = yield* Audit
    return handlers
      .handle("list", ({ urlParams }) =>
        Effect.flatMap(CurrentOrganization, ({ id }) => audit.list(id, urlParams)).pipe(
          Effect.map((entries) => ({ entries })),
          Effect.catchTag("MasterKeyError", masterKeyUnavailable),
          orUnavailable
        )
      )
      .handleRaw("export", () => Effect.map(CurrentOrganization, ({ id }) => jsonLines(audit.export(id))))
  })
)
