import { HttpApiBuilder } from "@effect/platform"
import { CurrentOrganization, MaxCloudApi, Unavailable } from "@maxcloud/sdk/api"
import { Effect } from "effect"
import { Audit } from "../audit/Audit.ts"
import { orUnavailable } from "../database/sqlErrors.ts"
import type { MasterKeyError } from "../keys/MasterKey.ts"
import { jsonLines } from "./organizationHandlers.ts"

const unavailable = ({ message }: MasterKeyError) => new Unavailable({ detail: message, retryAfterSeconds: 5 })

export const auditHandlers = HttpApiBuilder.group(MaxCloudApi, "audit", (handlers) =>
  Effect.gen(function* () {
    const audit = yield* Audit
    return handlers
      .handle("list", ({ urlParams }) =>
        Effect.flatMap(CurrentOrganization, ({ id }) => audit.list(id, urlParams)).pipe(
          Effect.map((entries) => ({ entries })),
          Effect.catchTag("MasterKeyError", unavailable),
          orUnavailable
        )
      )
      .handleRaw("export", () => Effect.flatMap(CurrentOrganization, ({ id }) => jsonLines(audit.export(id))))
  })
)
