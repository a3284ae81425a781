import type { SqlError } from "@effect/sql/SqlError"
import type { AppSpec } from "@maxcloud/config-schema"
import type { OrganizationId, QuotaExceeded, Quotas as QuotaValues } from "@maxcloud/sdk/api"
import { Context, type Effect } from "effect"
import type { Target } from "../../base/words/Target.ts"
import type { StoredUse } from "./StoredUse.ts"

/** An organization's quotas: the server's defaults (settings), or its own row in `organization_quotas`. */
export class Quotas extends Context.Tag("@maxcloud/server/Quotas")<
  Quotas,
  {
    readonly of: (organizationId: OrganizationId) => Effect.Effect<QuotaValues, SqlError>
    /** The organization's own quotas; null: none, so the server's default applies. */
    readonly own: (organizationId: OrganizationId) => Effect.Effect<QuotaValues, SqlError>
    /** The present use that counts against them. */
    readonly use: (organizationId: OrganizationId) => Effect.Effect<StoredUse, SqlError>
    /**
     * Fails if the organization would exceed a quota with `spec` as the services of the app and stage, and counts the
     * deployment against `deploymentsPerHour`. Call it in the transaction that accepts a deployment, after locking the
     * organization.
     */
    readonly check: (target: Target, spec: AppSpec) => Effect.Effect<void, QuotaExceeded | SqlError>
    /** For operators. null: the server's default. */
    readonly set: (organizationId: OrganizationId, quotas: Partial<QuotaValues>) => Effect.Effect<void, SqlError>
  }
>() {}
